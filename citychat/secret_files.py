"""Files with secrets in them: read whole, refused when others could read them too, and given to whose folder it is."""

import grp
import os
import pwd
import stat
from pathlib import Path

PUSH_KEYS = "push.keys"  # in the data folder; whoever looks for it must not load what reads it


class TooOpen(Exception):
    """Others can read the file; the text says how to close it."""


def read_private(path: Path, most_bytes: int) -> bytes:
    """Return the file's content, at most ``most_bytes``. Raises OSError, TooOpen.

    Read rights of the group of root are let through: systemd gives a service its credentials so (an access list shows
    as rights of the group), and root could read the file anyway. So are all rights of a group that this process alone
    is in: Kubernetes hands a volume over by a group made for it (``fsGroup``).
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        raw = file.read(most_bytes)
    if is_open_to_others(status):
        raise TooOpen(f"others can read it (mode {stat.S_IMODE(status.st_mode):03o}): run chmod 600 {path}")
    return raw


def is_open_to_others(status: os.stat_result) -> bool:
    """Tell whether a file or folder gives others any right, but for the harmless ones above."""
    harmless = stat.S_IRGRP if status.st_gid == 0 else stat.S_IRWXG if _is_ours_alone(status.st_gid) else 0
    return bool(stat.S_IMODE(status.st_mode) & 0o077 & ~harmless)


def hand_over(path: Path) -> None:
    """Give what root makes in a service's folder to the service, which could not read it otherwise."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)


def _is_ours_alone(group: int) -> bool:
    """Tell whether this process is in the group, and no other user of this machine but root."""
    if group not in (os.getegid(), *os.getgroups()):
        return False
    try:
        names = set(grp.getgrgid(group).gr_mem)
    except KeyError:  # nobody has given it a name, as in a container
        names = set()
    users = pwd.getpwall()
    inside = {user.pw_uid for user in users if user.pw_gid == group or user.pw_name in names}
    return inside <= {0, os.geteuid()} and names <= {user.pw_name for user in users}
