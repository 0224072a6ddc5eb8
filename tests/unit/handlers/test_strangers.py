"""A third guest who knows the ids of a chat of others: whatever it sends with them, they notice nothing and it learns
nothing."""

import pytest

from citychat.model import Message
from citychat.ports import NewMessage
from tests.support.stage import Stage, on_stage

SAID = {"st": "stream", "n": 1}
ABOUT_A_SESSION: list[tuple[str, dict[str, object]]] = [
    ("user-leave", {}),
    ("user-block", {}),
    ("user-report", {"reason": "spam"}),
    ("user-again", {}),
    ("chat-message", SAID | {"l": 1, "x": "I am not one of you"}),
    ("chat-ack", SAID),
    ("chat-ask", {"st": "stream", "ranges": [[1, 5]]}),
    ("chat-typing", {"on": True}),
    ("chat-history", {"limit": 10}),
]


@pytest.mark.parametrize("with_answer", [True, False])
@pytest.mark.parametrize(("event", "more"), ABOUT_A_SESSION)
@on_stage
async def test_the_id_of_a_chat_of_others_opens_nothing(
    stage: Stage, event: str, more: dict[str, object], with_answer: bool
) -> None:
    anna, ben, s = await stage.p.talking()
    await anna.tell("chat-message", {"s": s, "l": 1, "x": "hello"} | SAID)
    await stage.after(5)  # it waits in the mailbox
    eve, dan, _ = await stage.p.talking("eve", "dan")
    heard, known = [len(page.told) for page in (anna, ben, dan)], len(eve.told)
    asked = {"s": s, "session": s} | more
    if with_answer:
        assert (await eve.ask(event, asked))["error"] == "no-session"
    else:
        await eve.tell(event, asked)
    await stage.after(5)
    assert [len(page.told) for page in (anna, ben, dan)] == heard
    refused = [("chat-status", {"s": s, "st": "stream", "ranges": [[1, 1]], "state": "refused", "error": "no-session"})]
    learnt = [told for told in eve.told[known:] if not told[0].startswith("answer")]
    assert learnt == (refused if event == "chat-message" else [])
    assert not anna.closed and not ben.closed
    await ben.tell("chat-ack", {"s": s} | SAID)
    await stage.after(1)
    assert anna.last("chat-status")["state"] == "delivered"


@pytest.mark.parametrize("answer", ["yes", "no", "later"])
@on_stage
async def test_nobody_answers_an_offer_made_to_somebody_else(stage: Stage, answer: str) -> None:
    anna, ben = await stage.asking()
    offer = ben.last("user-offer")["offer"]
    eve = await stage.p.join()
    heard = len(anna.told), len(ben.told)
    assert (await eve.ask("user-match", {"offer": offer, "answer": answer}))["error"] == "gone"
    assert (await anna.ask("user-match", {"offer": offer, "answer": answer}))["error"] == "gone", "nor one's own"
    await stage.after(1)
    assert [event for event, _ in anna.told[heard[0] :]] == ["answer user-match"]
    assert len(ben.told) == heard[1]


@on_stage
async def test_nobody_is_shown_a_message_of_the_bus_that_is_not_the_partners(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    side = (await stage.row(anna.session)).side("anna")
    for session, said_by in ((anna.session, side), ("nowhere", 1 - side), (anna.session, 1 - side)):
        stage.bus.publish("anna", NewMessage(Message(session, said_by, f"st{said_by}", 1, 1, session, 1)))
    await stage.after(1)
    assert [(said["side"], said["x"]) for said in anna.events("chat-message")] == [(1 - side, anna.session)]
