"""A guest of whom another server has made somebody else comes back as who they were, by the token kept from before."""

from random import Random

import pytest

from citychat.client.kept_tokens import KeptTokens
from citychat.rules import DAY_MS
from citychat.tokens import SigningKey, SigningKeys, Tokens
from tests.support.door_page import DoorPage
from tests.support.stage import Node, Stage, on_stage

OTHER_KEYS = SigningKeys(SigningKey("other", Random(6).randbytes(32)))


class KeptBrowser:
    """Pages of one browser, with its storage."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.storage, self.address = stage, dict[str, str](), stage.address()

    async def comes(self, node: Node, have: dict[str, int] | None = None) -> tuple[DoorPage, bool]:
        """A page that has joined; whether the server says that all tokens were this guest's."""
        page = node.page(address=self.address)
        tokens = KeptTokens(self.storage)
        answer = await page.join(have, **tokens.asked())
        tokens.keep(answer)
        page.leaves()
        await self.stage.after(0.1)
        return page, answer["same"]


def stranger(stage: Stage) -> Node:
    """A server that takes the tokens of all others for none."""
    node = stage.node("stranger")
    node.joining.admission.tokens = Tokens(OTHER_KEYS, stage.clock.wall_ms)
    node.process.start()
    return node


@on_stage
async def test_a_guest_whom_a_server_did_not_know_is_who_they_were_at_the_next(stage: Stage) -> None:
    browser, strange = KeptBrowser(stage), stranger(stage)
    first = [await browser.comes(stage.p) for _ in range(3)]
    assert [same for _, same in first] == [True, True, True]
    other = [(await browser.comes(strange))[1] for _ in range(2)]
    assert other == [False, False]
    back = [await browser.comes(stage.p) for _ in range(3)]
    assert [page.guest for page, _ in back] == [first[0][0].guest] * 3
    assert [same for _, same in back] == [False, True, True]


@on_stage
async def test_of_two_tokens_that_hold_the_older_counts_but_not_in_the_middle_of_a_chat(stage: Stage) -> None:
    browser = KeptBrowser(stage)
    browser.storage = {"citychat.token": stage.token("new"), "citychat.token.old": stage.token("before")}
    page, same = await browser.comes(stage.p, {"stream": 3})
    assert (stage.guest_of(page.token), same) == ("new", False)
    page, same = await browser.comes(stage.p)
    assert (stage.guest_of(page.token), same) == ("before", False)


@pytest.mark.parametrize(("age_days", "same"), [(29, False), (31, True)])
@on_stage
async def test_an_older_token_that_has_run_out_is_given_up(stage: Stage, age_days: int, same: bool) -> None:
    browser = KeptBrowser(stage)
    stage.clock.ahead_ms = -age_days * DAY_MS
    old = stage.token("before")
    stage.clock.ahead_ms = 0
    browser.storage = {"citychat.token": stage.token("new"), "citychat.token.old": old}
    assert (await browser.comes(stage.p, {"stream": 3}))[1] is same
