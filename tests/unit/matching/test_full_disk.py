"""A disk that is nearly full: no new chat begins, and those that run go on."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from citychat.adapters.sqlite import FreeDisk
from citychat.adapters.sqlite.free_disk import LEAST_BYTES, LOOK_S
from tests.support.stage import Stage, on_stage


def room(stage: Stage, has_room: Callable[[], bool]) -> None:
    for node in stage.nodes:
        node.matching.sessions.has_room = has_room


@on_stage
async def test_no_chat_begins_and_those_that_run_go_on(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    carl, dora = await stage.p.join("carl"), await stage.q.join("dora")
    assert await carl.seek() == "asking"
    room(stage, lambda: False)
    assert await dora.answer("yes") == "disk-full"
    await carl.wish("user-stop")
    failed = await dora.ask("user-seek")
    assert (failed["error"], failed["retry_ms"]) == ("disk-full", 30_000) and "disk" in failed["message"]
    await anna.say(s, 1)
    await stage.after(0.1)
    await ben.ack(s, 1)
    await stage.after(1)
    assert anna.ranges("delivered") == [[(1, 1)]]
    assert await anna.leave() == "ok" == await anna.wish("user-report", session=s, reason="spam")
    assert await anna.wish("user-again", session=s) == "disk-full"


@on_stage
async def test_who_looks_is_asked_for_nobody_meanwhile_and_is_served_when_there_is_room(stage: Stage) -> None:
    anna = await stage.p.join("anna", looking=True)
    room(stage, lambda: False)
    ben = await stage.q.join("ben")
    await stage.after(20)
    assert not ben.events("user-offer")
    room(stage, lambda: True)
    await stage.after(20)
    assert ben.events("user-offer") and {"state": "asking"} in anna.events("user-seek")


def test_the_disk_is_looked_at_once_a_second_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "citychat")
    now_s, left, looks = 0.0, LEAST_BYTES, list[Path]()

    def free(folder: Path) -> int:
        looks.append(folder)
        return left

    disk = FreeDisk(tmp_path, lambda: now_s, free)
    assert disk.has_room() and disk.shown() == "ok"
    left -= 1
    assert disk.has_room() and looks == [tmp_path]
    for _ in range(3):
        now_s += LOOK_S
        assert not disk.has_room()
    assert disk.shown() == "less than 256 MB free; no new chat begins"
    left, now_s = LEAST_BYTES, now_s + LOOK_S
    assert disk.has_room()
    assert [record.message for record in caplog.records] == [
        "the data folder's disk has 255 MB left: no new chat begins", "the data folder's disk has room again"
    ]  # fmt: skip


def test_a_disk_that_cannot_be_asked_has_room(tmp_path: Path) -> None:
    assert FreeDisk(tmp_path / "gone", lambda: 0.0).has_room() and FreeDisk(tmp_path, lambda: 0.0).has_room()
