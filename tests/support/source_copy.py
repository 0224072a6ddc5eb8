"""A copy of the repository as a clone would be, and with some of its text changed."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.mutation import ROOT, Change, changed, check

# By the build, and not in the repository
MADE = ("citychat/data", "citychat/sentences", "citychat/static/bundle", "citychat/static/vendor")
FETCHED = ("node_modules", ".work")  # may be there, and are only read


def source_files(*patterns: str) -> list[str]:
    """All that git does not ignore, as it is now; paths from the top of the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.rstrip("\0").split("\0") if (ROOT / name).is_file()]


def copy_source(target: Path) -> Path:
    """What a clone would hold."""
    for name in source_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    return target


def changed_copy(target: Path, changes: Sequence[Change]) -> Path:
    """A clone in which tests can be run, with these changes. Raises Misplaced."""
    check(changes)
    copy_source(target)
    for name in MADE:
        shutil.copytree(ROOT / name, target / name, dirs_exist_ok=True)
    for name in FETCHED:
        if (ROOT / name).exists():
            (target / name).symlink_to(ROOT / name, target_is_directory=True)
    for package in ("citychat", "tests"):  # what is compiled already fits files that are not changed
        for cache in (ROOT / package).rglob("__pycache__"):
            shutil.copytree(cache, target / cache.relative_to(ROOT), dirs_exist_ok=True)
    for file in {change.file for change in changes}:
        path = target / file
        path.write_text(changed(file, path.read_text("utf-8"), changes), "utf-8")
    return target
