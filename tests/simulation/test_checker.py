"""The checker of a run notices, at that moment, what must not happen in it: each is done here by hand."""

from msgspec.structs import replace

from citychat.model import Message
from tests.simulation.scene import Scene


def test_a_message_refused_for_good_while_its_chat_runs_in_both_stores(scene: Scene) -> None:
    server, side = scene.server_of(scene.a), scene.a.here.outbox.side_in(scene.s)
    assert server is not None and side is not None
    client = server.process.registry.find(scene.world.sessions[scene.s].members[side])
    assert client is not None
    client.endpoint.session = None
    scene.say(scene.a, "A0")
    scene.wait(1)
    (wrong,) = scene.wrong
    assert wrong.endswith("refuses what is said in a chat that runs in both stores")
    scene.wrong.clear()


def test_a_message_refused_in_a_chat_that_somebody_has_left_is_right(scene: Scene) -> None:
    scene.do(lambda: scene.network(scene.a, False))
    scene.say(scene.a, "A0")
    scene.do(scene.b.here.leave)
    scene.do(lambda: scene.network(scene.a, True))
    scene.wait(60)
    assert scene.states(scene.a) == ["refused"] and scene.wrong == []


def test_mail_that_is_acked_without_its_row(scene: Scene) -> None:
    scene.say(scene.a, "A0")
    scene.wait(1)
    (row,) = scene.world.rows(scene.s)
    scene.check_settled(row)
    assert scene.wrong == []
    for lost in (replace(row, number=2, text="A1"), gap_over(scene, replace(row, number=3, text="A2"))):
        scene.check_settled(lost)
        assert scene.wrong == [f"{lost.text} was acked in the mailbox, and the history does not hold it"]
        scene.wrong.clear()


def gap_over(scene: Scene, message: Message) -> Message:
    scene.world.chats[scene.s][message.row_key] = replace(message, text="", kind="gap")
    return message
