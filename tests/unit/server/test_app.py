"""What the composition root decides by itself: names of the server, the version of the rules, what a start says."""

import socket
from pathlib import Path

import pytest

from citychat.server.greeting import greeting
from citychat.server.listeners import bind, own_names, public_name
from citychat.server.startup import StartError, consent_version, own_texts, prepare
from citychat.settings import Settings, load
from tests.support.patience import PATIENCE_S


def settings(data: Path, *flags: str) -> Settings:
    return load(["--data", str(data), *flags], {})


class Bound:
    """A listening socket of an address that this machine need not have."""

    def __init__(self, address: str, port: int = 8888) -> None:
        self.address, self.port = address, port

    def getsockname(self) -> tuple[str, int]:
        return self.address, self.port


@pytest.mark.parametrize(
    ("addresses", "you", "second", "phones"),
    [
        (["127.0.0.1"], "localhost", "127.0.0.1", ""),
        (["127.0.0.1", "::1"], "localhost", "127.0.0.1", ""),
        (["::1"], "[::1]", "localhost", ""),
        (["127.0.0.2"], "127.0.0.2", "", ""),
        (["192.168.1.5"], "192.168.1.5", "", "192.168.1.5"),
        (["2001:db8::5"], "[2001:db8::5]", "", "[2001:db8::5]"),
    ],
)
def test_a_start_prints_only_names_that_lead_to_it(
    addresses: list[str], you: str, second: str, phones: str, tmp_path: Path
) -> None:
    sockets = [Bound(address) for address in addresses]
    lines = greeting(prepare(settings(tmp_path)), sockets)  # type: ignore[arg-type]
    assert f"You           http://{you}:8888" in lines
    if second:
        assert f"A second you  http://{second}:8888 (same browser, counts as another person)" in lines
    else:
        assert f"A second you  http://{you}:8888 (in a private window, counts as another person)" in lines
    reach = f"http://{phones}:8888" if phones else "start with --listen 0.0.0.0"
    assert f"Phones        {reach} (browsers give a position to https and localhost only)" in lines
    assert any(line.startswith("Contact") for line in lines) == bool(phones)


def test_who_listens_everywhere_is_reached_by_this_machines_own_address() -> None:
    (listening,) = bind("0.0.0.0", 0)
    with listening:
        assert own_names([listening]) == ["localhost", "127.0.0.1"]
        with socket.create_connection((public_name([listening]), listening.getsockname()[1]), timeout=PATIENCE_S):
            pass


# Tornado leaves the socket that it could not bind to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_localhost_is_not_shared_with_another_program() -> None:
    sockets = bind("localhost", 0)
    port = sockets[0].getsockname()[1]
    assert {listening.getsockname()[1] for listening in sockets} == {port}
    with pytest.raises(OSError):
        bind("localhost", port)
    for listening in sockets:
        listening.close()


def test_the_version_of_the_rules_changes_with_rules_and_privacy_notice_and_nothing_else() -> None:
    assert consent_version({}) == consent_version({"imprint": "me"}) == "1"
    own = [
        {"rules": "be kind"},
        {"rules": "be kinder"},
        {"privacy": "be kind"},
        {"rules": "be", "privacy": " kind"},
        {"rules": "be kind", "privacy": ""},
    ]
    versions = [consent_version(texts) for texts in own]
    assert len(set(versions)) == len(own)
    assert all(version.startswith("1-") for version in versions)
    assert versions == [consent_version({**texts, "imprint": "me"}) for texts in own]


def test_the_hosts_own_texts_are_read_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    assert own_texts(tmp_path) == {}
    (tmp_path / "rules.md").write_text("Règles ✓", "utf-8")
    (tmp_path / "other.md").write_bytes(b"\xff")
    assert own_texts(tmp_path) == {"rules": "Règles ✓"}
    (tmp_path / "rules.md").write_text("# Règles", "utf-8-sig")
    assert own_texts(tmp_path) == {"rules": "# Règles"}, "without the byte order mark of an editor"
    (tmp_path / "imprint.md").write_bytes(b"\xff\xfe")
    with pytest.raises(StartError, match=r"imprint\.md is not UTF-8 text"):
        own_texts(tmp_path)


def test_a_home_city_is_found_before_anything_is_opened(tmp_path: Path) -> None:
    parts = prepare(settings(tmp_path, "--home-city", "Lyon,FR"))
    assert parts.home is not None and parts.home.name == "Lyon"
    with pytest.raises(StartError, match="home_city: "):
        prepare(settings(tmp_path, "--home-city", "Nowherecity"))
    assert not (tmp_path / "citychat.db").exists()
