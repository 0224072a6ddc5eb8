"""Room on the disk of the data folder: with too little of it no new chat begins, so that those which run go on."""

import logging
import math
import shutil
from collections.abc import Callable
from pathlib import Path

from citychat.limits import bound

LOOK_S = 1.0
LEAST_BYTES = bound("free disk")

log = logging.getLogger(__name__)


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class FreeDisk:
    """The disk that ``folder`` is on. ``now_s`` is monotonic. ``free``: how many bytes of a folder's disk are."""

    def __init__(self, folder: Path, now_s: Callable[[], float], free: Callable[[Path], int] = free_bytes) -> None:
        self._folder, self._now_s, self._free = folder, now_s, free
        self._looked_s = -math.inf
        self._is_low = False

    def has_room(self) -> bool:
        """Tell whether new chats may begin. A disk that cannot be asked counts as one with room: the store will say."""
        if self._now_s() - self._looked_s >= LOOK_S:
            self._looked_s = self._now_s()
            try:
                left = self._free(self._folder)
            except OSError:
                return True
            if (left < LEAST_BYTES) != self._is_low:
                self._is_low = not self._is_low
                if self._is_low:
                    log.error("the data folder's disk has %d MB left: no new chat begins", left >> 20)
                else:
                    log.warning("the data folder's disk has room again")
        return not self._is_low

    def shown(self) -> str:
        """Return what ``/ready`` says."""
        return "ok" if self.has_room() else f"less than {LEAST_BYTES >> 20} MB free; no new chat begins"
