"""Images and containers by Debian's podman, in a storage of their own that goes with the test.

Nothing is fetched: what an image builds on is made of packages of this very Debian, which are those of its images.
"""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.support.patience import PATIENCE_S
from tests.support.services import MissingServer

# Of what debian:12-slim has, all that the start of the one file asks for.
PACKAGES = [
    "base-files", "dash", "coreutils", "findutils", "gzip", "mawk", "tar",
    "libc6", "libacl1", "libattr1", "libselinux1", "libpcre2-8-0", "libgmp10", "zlib1g",
]  # fmt: skip
CHOSEN = ["/usr/bin/awk", "/etc/alternatives/awk"]  # links that no package owns
MERGED = ("bin", "sbin", "lib", "lib64")  # links into /usr
LEFT_OUT = ("/usr/share/", "/proc", "/sys", "/tmp")
LIMIT = 1_024
OWN_RUNTIME = ["--runtime", "runc"]  # Debian 12's crun refuses machines with both kinds of cgroups


class Podman:
    """Builds and runs. Entering raises MissingServer."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._storage = [f"--root={folder}/storage", f"--runroot={folder}/run", "--events-backend=file"]

    def __enter__(self) -> Self:
        if not shutil.which("podman"):
            raise MissingServer("podman is not installed: apt-get install --no-install-recommends podman runc")
        return self

    def __exit__(self, *_: object) -> None:
        self.run("rm", "--all", "--force", "--volumes", wrong=True)
        self.run("rmi", "--all", "--force", wrong=True)

    def run(self, *words: str, wrong: bool = False) -> str:
        """What it prints. It has to succeed, unless it may go ``wrong``."""
        command = ["podman", *self._storage, *(OWN_RUNTIME if shutil.which("runc") else []), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S, cwd=self._folder
        )
        assert wrong or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str, image: str, *words: str, flags: list[str]) -> None:
        """Run a container in the background. Root of a closed machine may be unable to raise a limit, as podman would;
        nothing is there that would ask for the health every minute."""
        limits = [word for each in ("nofile", "nproc") for word in ("--ulimit", f"{each}={LIMIT}:{LIMIT}")]
        self.run("run", "--detach", "--name", name, "--no-healthcheck", *limits, *flags, image, *words)

    def make_base(self, name: str) -> None:
        """Make an image of that name. Raises MissingServer where this is no Debian."""
        if not shutil.which("dpkg"):
            raise MissingServer("no Debian: the image is made of its packages")
        packed = self._folder / "base.tar"
        with tarfile.open(packed, "w") as base:
            for link in MERGED:
                _add(base, link, tarfile.SYMTYPE, f"usr/{link}")
            _add(base, "tmp", tarfile.DIRTYPE)
            for path in _files():
                base.add(path, path[1:], recursive=False)
        self.run("import", str(packed), name)


def _files() -> Iterator[str]:
    """What the packages have put where, by its own path: /bin is a link."""
    listed = subprocess.run(["dpkg", "-L", *PACKAGES], capture_output=True, text=True, check=True).stdout.split("\n")
    paths = [Path(path) for path in [*listed, *CHOSEN] if path not in ("", "/.") and path[1:] not in MERGED]
    found = {str(path.parent.resolve() / path.name) for path in paths if os.path.lexists(path)}
    return iter(sorted(path for path in found if not path.startswith(LEFT_OUT)))


def _add(base: tarfile.TarFile, name: str, kind: bytes, target: str = "") -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = kind, target, 0o1777
    base.addfile(entry)
