"""What `make binary` packs: all of the package, into a file that unpacks once and then is the program."""

import hashlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.source_copy import source_files
from tools.binary.__main__ import RECIPE, data_files
from tools.binary.packing import pack, write_checksum

ROOT = Path(__file__).parents[2]
BUNDLED = {f"static/bundle/{name}{end}" for name in ("app.js", "page.css") for end in ("", ".br", ".gz")}
MADE = {
    "static/vendor/socket.io.esm.min.js", "static/vendor/LICENSE-socket.io", "static/bundle/made-of.json", *BUNDLED,
    "data/cities.bin",
}  # fmt: skip
# In place of the program: it tells how it was started, and ends with status 7.
TOLD = '#!/bin/sh\necho "$$ $(umask) $CITYCHAT_X $(cat "$(dirname "$(readlink -f "$0")")/lib/page")" "$@"\nexit 7\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "lib").mkdir(parents=True)
    (made / "citychat").write_text(TOLD)
    (made / "citychat").chmod(0o755)
    (made / "lib" / "page").write_text("page")
    return made


@pytest.fixture
def file(folder: Path, tmp_path: Path) -> Path:
    packed = tmp_path / "with a space" / "citychat"
    packed.parent.mkdir()
    pack(folder, packed, "1.2.3")
    return packed


def run(file: Path, *words: str, **environ: object) -> subprocess.CompletedProcess[str]:
    """Start it with this environment and nothing else."""
    given = {name: str(value) for name, value in environ.items()}
    return subprocess.run(
        [file, *words], env=given, cwd=file.parent, capture_output=True, text=True, timeout=PATIENCE_S
    )


def kept(cache: Path) -> list[Path]:
    return [path for path in cache.iterdir() if not path.is_symlink()]


def test_a_start_is_the_program_with_its_words_its_environment_and_its_status(file: Path, tmp_path: Path) -> None:
    environ = {"CACHE_DIRECTORY": str(tmp_path / "cache"), "CITYCHAT_X": "x"}
    was = os.umask(0o027)
    try:
        child = subprocess.Popen([file, "two  words", "--flag"], env=environ, stdout=subprocess.PIPE, text=True)
        out, _ = child.communicate(timeout=PATIENCE_S)
    finally:
        os.umask(was)
    assert (out, child.returncode) == (f"{child.pid} 0027 x page two  words --flag\n", 7)
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_a_second_start_finds_what_the_first_has_unpacked(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run(file, CACHE_DIRECTORY=cache)
    (unpacked,) = kept(cache)
    before = unpacked.stat().st_mtime_ns
    assert run(file, CACHE_DIRECTORY=cache).returncode == 7
    assert [path.stat().st_mtime_ns for path in kept(cache)] == [before]


@pytest.mark.parametrize("content", [None, "pa", "page and more"], ids=["gone", "shorter", "longer"])
def test_what_was_damaged_is_unpacked_anew(content: str | None, file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run(file, CACHE_DIRECTORY=cache)
    (unpacked,) = kept(cache)
    (unpacked / "lib" / "page").unlink()
    if content is not None:
        (unpacked / "lib" / "page").write_text(content)
    done = run(file, CACHE_DIRECTORY=cache)
    assert (done.returncode, done.stdout.split()[2:]) == (7, ["page"])


def test_many_that_start_at_once_share_one_folder(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda _: run(file, CACHE_DIRECTORY=cache), range(8)))
        assert {(done.returncode, done.stderr) for done in ended} == {(7, "")}
        assert len(kept(cache)) == 1
        (next(cache.glob("*/lib/page"))).write_text("damaged")
        ended = list(pool.map(lambda _: run(file, CACHE_DIRECTORY=cache), range(8)))
    assert {(done.returncode, done.stdout.split()[2], done.stderr) for done in ended} == {(7, "page", "")}


def test_the_folder_is_the_first_that_can_be_had(file: Path, tmp_path: Path) -> None:
    closed = file / "below a file"
    choices = [tmp_path / name for name in ("cache", "xdg", "home", "tmp")]
    names = ("CACHE_DIRECTORY", "XDG_CACHE_HOME", "HOME", "TMPDIR")
    below = ("", "citychat", ".cache/citychat", f"citychat-{os.getuid()}")
    choices[3].mkdir()
    for first in range(4):
        environ = {name: closed if at < first else choices[at] for at, name in enumerate(names)}
        assert run(file, **environ).returncode == 7
        assert [bool((choices[at] / below[at]).exists()) for at in range(4)] == [at <= first for at in range(4)]


def test_without_any_folder_it_says_what_it_needs(file: Path) -> None:
    done = run(file, HOME=file / "none", TMPDIR=file / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("citychat: cannot unpack: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("lacking", ["awk", "find", "gzip", "tar"])
def test_in_an_image_that_lacks_a_tool_it_names_it(lacking: str, file: Path, tmp_path: Path) -> None:
    here = tmp_path / "bin"
    here.mkdir()
    for name in {"awk", "find", "gzip", "tar", "id", "ls", "mkdir", "mktemp", "rm", "ln", "tail"} - {lacking}:
        found = shutil.which(name)
        assert found, name
        (here / name).symlink_to(found)
    done = run(file, PATH=here, CACHE_DIRECTORY=tmp_path / "cache")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"citychat: cannot unpack: there is no {lacking} on this system\n"


def test_a_link_that_somebody_else_has_laid_in_tmp_is_not_followed(file: Path, tmp_path: Path) -> None:
    own, theirs = tmp_path / f"citychat-{os.getuid()}", tmp_path / "theirs"
    assert run(file, TMPDIR=tmp_path).returncode == 7
    own.rename(theirs)
    own.symlink_to(theirs)
    assert run(file, TMPDIR=tmp_path).returncode == 1
    assert run(file, CACHE_DIRECTORY=own).returncode == 7, "systemd's is a link"


def test_the_same_folder_makes_the_same_file_and_another_one_unpacks_beside(
    folder: Path, file: Path, tmp_path: Path
) -> None:
    again, other, cache = tmp_path / "again", tmp_path / "other", tmp_path / "cache"
    os.utime(folder / "lib" / "page", (0, 0))
    pack(folder, again, "1.2.3")
    (folder / "lib" / "page").write_text("side")
    pack(folder, other, "1.2.3")
    assert again.read_bytes() == file.read_bytes()
    said = [run(each, CACHE_DIRECTORY=cache).stdout.split()[2] for each in (file, other)]
    assert (said, len(kept(cache))) == (["page", "side"], 2)


def test_the_checksum_is_written_as_the_program_that_checks_it_reads_it(file: Path) -> None:
    beside, found = write_checksum(file), hashlib.sha256(file.read_bytes()).hexdigest()
    assert (beside.name, beside.read_text()) == ("citychat.sha256", f"{found}  citychat\n")


def test_the_recipe_takes_every_file_of_the_package() -> None:
    """`make binary` refuses when one of these is not in what it has made."""
    sources = {name.removeprefix("citychat/") for name in source_files("citychat") if not name.endswith(".py")}
    assert sources | MADE <= data_files(ROOT / "citychat")
    assert {"--collect-data=citychat", "--collect-submodules=citychat"} <= {*RECIPE}
