"""What guests and hosts are told of reports, blocks, pauses and erasures is what the rules say."""

from pathlib import Path

import pytest

from citychat import rules
from citychat.networks import blamed_network
from citychat.rules import DAY_MS, HELD_MS

ROOT = Path(rules.__file__).parents[1]
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
RULE_OF_THREE = (
    "Three reports by three people on three networks within a day pause a guest for a day, and with them everybody who "
    "comes new from the same network. A report counts for this if the other one has written something and the chat "
    "lasted a minute, and if it is not one of three within an hour from one person or network. The host sees all of "
    "them."
)
TOLD = {
    "citychat/templates/rules.md": (
        RULE_OF_THREE,
        "For a day you also meet nobody else from their network whom you have not talked with.",
    ),
    "citychat/templates/privacy.md": (
        "A keyed hash of your network (your internet address, or the first 48 bits of an IPv6 one), never the address",
        "compared for one day to keep people away who come back under a new id, deleted a day after you erase yourself",
        "Your id itself is kept for 30 days with nothing but the day, so that nobody can begin anew with it.",
    ),
    "docs/product.md": (
        "For 24 h no guest of the other one's network (an IPv4 address, an IPv6 /48; not a private one) is led to who "
        "blocked or reported, whenever that guest was made, but for those who have talked with them.",
        "Three reports by three guests on three networks within 24 h pause a guest for 24 h; a report counts where the "
        "accused had written something and the chat lasted a minute, and none of a guest, or of a network, with three "
        "reports within an hour does. Meanwhile guests who are made on the paused one's network are told so and not "
        "let in",
        "Of the erased one stays the id for 30 days, and for 24 h the network mark",
    ),
    "docs/protocol.md": (
        "A block or report also keeps guests of that network (an IPv4 address, an IPv6 /48; not a private one) away "
        "for 24 h, whenever they were made, but for those who have talked with who said it",
        "the guest is paused, or new guests of their network are (`network`)",
    ),
    "SECURITY.md": ("three within an hour of one guest or network count for nothing; a pause lasts a day",),
    "README.md": ("the id stays for 30 days and the hash of the network for one",),
}


@pytest.mark.parametrize("document", TOLD)
def test_a_document_says_what_the_rules_do(document: str) -> None:
    words = " ".join((ROOT / document).read_text("utf-8").split())
    assert [sentence for sentence in TOLD[document] if sentence not in words] == []


def test_the_rules_do_what_the_documents_say() -> None:
    assert rules.REPORTS_WITHIN_MS == rules.PAUSE_MS == rules.AVOIDED_MS == HELD_MS["blamed network"] == DAY_MS
    assert (rules.BLAMED_AFTER_MS, rules.SPRAY_REPORTS, rules.SPRAY_WITHIN_MS) == (MINUTE_MS, 3, HOUR_MS)
    assert rules.TOKEN_MS == 30 * DAY_MS <= HELD_MS["erased guest"] < 31 * DAY_MS
    assert blamed_network("203.0.113.7") == "203.0.113.7"
    assert blamed_network("2001:db8:1:2::3") == "2001:db8:1::/48"
