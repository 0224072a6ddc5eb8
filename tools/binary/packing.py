"""A folder with a program packed into one file: a short shell script, and a compressed archive behind it."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

HEAD = Path(__file__).with_name("head.sh")


def pack(folder: Path, target: Path, version: str) -> None:
    """Write the file. The program of the folder is ``citychat`` in it. The same folder makes the same file."""
    data = gzip.compress(_archive(folder), 9, mtime=0)
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    head = _filled(
        VERSION=version,
        DIGEST=hashlib.sha256(data).hexdigest()[:16],
        FILES=str(len(files)),
        BYTES=str(sum(path.stat().st_size for path in files)),
    )
    target.write_bytes(head + data)
    target.chmod(0o755)


def write_checksum(file: Path) -> Path:
    """Write the checksum beside the file, as ``sha256sum --check`` reads it."""
    beside = file.with_name(f"{file.name}.sha256")
    beside.write_text(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n", "ascii")
    return beside


def _archive(folder: Path) -> bytes:
    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        return member

    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=plain)
    return made.getvalue()


def _filled(**values: str) -> bytes:
    text = HEAD.read_text("ascii")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    without = len(text.replace("@HEAD_BYTES@", ""))
    first = next(n for n in range(without, without + 20) if without + len(str(n)) + 1 == n)  # tail counts from 1
    return text.replace("@HEAD_BYTES@", str(first)).encode("ascii")
