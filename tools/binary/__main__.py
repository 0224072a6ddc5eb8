"""``make binary``: CityChat as one file, with Python, libraries, page and gazetteer in it.

PyInstaller makes a folder, ``packing.py`` one file of it. The file that PyInstaller can make by itself starts a second
process and unpacks at each start: a kill -9 leaves the server running, and systemd does not hear that other process.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import citychat
from tools.binary.packing import pack, write_checksum
from tools.binary.starts import described

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".work" / "binary"
TARGET = ROOT / "dist" / "citychat"
RECIPE = (
    "--onedir", "--strip", "--noconfirm", "--log-level=WARN", "--name=citychat",
    "--collect-data=citychat", "--collect-submodules=citychat",
    # Time zones, which zoneinfo finds by their names where the machine has none
    "--collect-data=tzdata", "--collect-submodules=tzdata",
    # A web client of geoip2 that nobody asks, and what comes along with Python alone
    "--exclude-module=requests", "--exclude-module=curses", "--exclude-module=readline", "--exclude-module=tkinter",
    "--exclude-module=setuptools",
)  # fmt: skip
NEEDED = {"objdump": "binutils", "strip": "binutils", "ldd": "libc-bin"}


def main() -> int:
    missing = sorted({package for program, package in NEEDED.items() if not shutil.which(program)})
    if sys.platform != "linux" or missing:
        print(f"make binary needs Linux and these packages: {' '.join(missing) or 'none more'}", file=sys.stderr)
        return 1
    folder = build()
    if left_out := sorted(data_files(Path(citychat.__file__).parent) - data_files(folder / "_internal" / "citychat")):
        print(f"not in the folder that was made: {' '.join(left_out)}", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    pack(folder, TARGET, citychat.__version__)
    report(folder)
    return 0


def build() -> Path:
    """Make the folder. It is made from the installed package: what an install would leave out is not in it either."""
    options = (f"--distpath={WORK}", f"--workpath={WORK / 'made'}", f"--specpath={WORK}")
    command = [sys.executable, "-m", "PyInstaller", *RECIPE, *options, str(Path(__file__).with_name("start.py"))]
    fixed = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "315532800"}  # the same sources make the same file
    subprocess.run(command, cwd=WORK, env=os.environ | fixed, check=True)
    return WORK / "citychat"


def data_files(package: Path) -> set[str]:
    """All but code, by their paths in the package."""
    files = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
    return {file.as_posix() for file in files if file.suffix not in (".py", ".pyc")}


def report(folder: Path) -> None:
    """Print size, checksum, and what the system must have."""
    unpacked = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size / 1e6:.1f} MB, unpacked {unpacked / 1e6:.1f} MB")
    print(write_checksum(TARGET).read_text("ascii"), end="")
    print("ldd of the program and all libraries in it, without those it brings:")
    binaries = [path for path in folder.rglob("*") if path.is_file() and path.open("rb").read(4) == b"\x7fELF"]
    for line in sorted({line for binary in binaries for line in needed_by(binary, folder)}):
        print(f"  {line}")
    version = max(map(glibc_of, binaries))
    made_by = f"Python {sysconfig.get_python_version()} for {os.uname().machine}"
    print(f"Made with {made_by}; it needs glibc {version[0]}.{version[1]} or newer")
    print(described(TARGET))


def needed_by(binary: Path, folder: Path) -> list[str]:
    """Lines of ldd that lead out of the folder, without addresses."""
    environ = os.environ | {"LD_LIBRARY_PATH": str(folder / "_internal")}
    listed = subprocess.run(["ldd", binary], env=environ, capture_output=True, text=True, check=True).stdout
    lines = [re.sub(r" \(0x[0-9a-f]+\)$", "", line.strip()) for line in listed.splitlines()]
    return [line for line in lines if str(folder) not in line and "statically linked" not in line]


def glibc_of(binary: Path) -> tuple[int, int]:
    """The newest version of the C library of which a symbol is wanted."""
    symbols = subprocess.run(["objdump", "-T", binary], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"\bGLIBC_(\d+)\.(\d+)", symbols)
    return max(((int(major), int(minor)) for major, minor in found), default=(0, 0))


if __name__ == "__main__":
    sys.exit(main())
