"""Tokens: only ours are read, only while they live; the key file is made once and kept from others' eyes."""

import contextlib
import hmac
import os
import pwd
import threading
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from citychat.networks import network
from citychat.rules import CLOCK_TOLERANCE_MS, DAY_MS, TOKEN_MS
from citychat.tokens import (
    FAR_MS,
    Claims,
    KeyFileError,
    SigningKey,
    SigningKeys,
    Tokens,
    crowd_mark,
    daily_key,
    key_marks,
    load_keys,
    network_marks,
    own_network_mark,
    rotate,
    shared_keys,
)

NOW = 1_800_000_000_000
OLD, NEW = SigningKey("old", Random(1).randbytes(32)), SigningKey("new", Random(2).randbytes(32))
CLAIMS = Claims(guest="wJ0v2r1iS6Ck0l8bYJ3Yqg", consent="2026-11-01", consented=NOW - 5, adult=True)

GOOD_LINE = "a " + urlsafe_b64encode(Random(1).randbytes(32)).decode()


def tokens(keys: SigningKeys, now: int = NOW) -> Tokens:
    return Tokens(keys, lambda: now)


TOKEN = tokens(SigningKeys(NEW)).issue(CLAIMS)


def test_a_token_gives_back_what_it_was_made_from() -> None:
    assert tokens(SigningKeys(NEW)).read(TOKEN) == msgspec.structs.replace(CLAIMS, issued=NOW)


@pytest.mark.parametrize("age", [0, TOKEN_MS, TOKEN_MS + CLOCK_TOLERANCE_MS])
def test_a_token_lives_thirty_days_and_clocks_may_differ_by_five_minutes(age: int) -> None:
    assert tokens(SigningKeys(NEW), NOW + age).read(TOKEN) is not None


@pytest.mark.parametrize("age", [-1, -CLOCK_TOLERANCE_MS - 1, -2 * 3_600_000, -3 * DAY_MS, -FAR_MS])
def test_a_token_issued_after_now_is_good_because_some_clock_is_wrong(age: int) -> None:
    """One that said so and was taken for none made a new guest of everybody after a boot with the clock behind."""
    assert tokens(SigningKeys(NEW), NOW + age).read(TOKEN) is not None


@pytest.mark.parametrize("age", [-FAR_MS - 1, TOKEN_MS + CLOCK_TOLERANCE_MS + 1])
def test_a_token_out_of_date_counts_as_none(age: int) -> None:
    assert tokens(SigningKeys(NEW), NOW + age).read(TOKEN) is None


@pytest.mark.parametrize(("age", "good"), [(TOKEN_MS + 31 * DAY_MS, True), (FAR_MS + 1, False)])
def test_while_the_date_is_in_doubt_an_old_token_is_good_too(age: int, good: bool) -> None:
    assert (tokens(SigningKeys(NEW), NOW + age).read(TOKEN, dated=False) is not None) is good


def test_the_previous_key_still_reads_and_the_one_before_does_not() -> None:
    assert tokens(SigningKeys(OLD, previous=NEW)).read(TOKEN) is not None
    assert tokens(SigningKeys(OLD)).read(TOKEN) is None
    assert tokens(SigningKeys(SigningKey("new", OLD.secret))).read(TOKEN) is None


def test_the_current_key_signs() -> None:
    assert tokens(SigningKeys(OLD, previous=NEW)).issue(CLAIMS).startswith("old.")


def test_every_flipped_bit_is_noticed() -> None:
    reader = tokens(SigningKeys(NEW, previous=OLD))
    for at in range(len(TOKEN)):
        for bit in range(8):
            changed = TOKEN[:at] + chr(ord(TOKEN[at]) ^ 1 << bit) + TOKEN[at + 1 :]
            assert reader.read(changed) is None, (at, bit)


def test_every_shortened_or_lengthened_token_is_noticed() -> None:
    reader = tokens(SigningKeys(NEW))
    for at in range(len(TOKEN)):
        assert reader.read(TOKEN[:at]) is None
        assert reader.read(TOKEN[:at] + "A" + TOKEN[at:]) is None
    for end in ("=", ".", "A", "\n", " ", "\0"):
        assert reader.read(TOKEN + end) is None


@given(st.text(max_size=600) | st.from_regex(r"(new|old)\.[A-Za-z0-9_=-]*\.[A-Za-z0-9_-]{43}", fullmatch=True))
@example("new..")
@example("\ud800.\ud800.\ud800")
@example("..")
@example("new.e30.\u00e9")
def test_nothing_made_up_is_read_and_nothing_raises(text: str) -> None:
    assert tokens(SigningKeys(NEW, previous=OLD)).read(text) is None


@given(st.integers(0, len(TOKEN)), st.integers(0, len(TOKEN)), st.text(max_size=8))
def test_no_splice_of_a_token_is_read(start: int, end: int, middle: str) -> None:
    changed = TOKEN[:start] + middle + TOKEN[end:]
    assert changed == TOKEN or tokens(SigningKeys(NEW)).read(changed) is None


@pytest.mark.parametrize("payload", [b"", b"x", b"{}", b"[1]", b'{"guest":1}', b"\xff", b"null", b"A"])
def test_a_signed_payload_of_another_shape_counts_as_none(payload: bytes) -> None:
    signed = "new." + urlsafe_b64encode(payload).rstrip(b"=").decode()
    for text in (signed, signed + "A"):  # the second is no base64 at all
        mac = urlsafe_b64encode(hmac.digest(NEW.secret, b"token " + text.encode(), "sha256")).rstrip(b"=").decode()
        assert tokens(SigningKeys(NEW)).read(f"{text}.{mac}") is None


def test_secrets_are_in_no_repr() -> None:
    assert repr(NEW) == "SigningKey(id='new')"
    assert repr(NEW.secret) not in repr(SigningKeys(NEW, OLD))


def test_the_first_start_makes_a_key_file_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret.keys"
    made = load_keys(path, Random(3))
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_keys(path, Random(4)) == made
    assert len(made.current.secret) == 32
    assert [file.name for file in tmp_path.iterdir()] == ["secret.keys"]


@pytest.mark.parametrize("round_", range(20))
def test_everybody_who_starts_at_once_gets_the_same_key(tmp_path: Path, round_: int) -> None:
    barrier = threading.Barrier(8)

    def start(seed: int) -> SigningKeys:
        barrier.wait()
        return load_keys(tmp_path / "secret.keys", Random(seed))

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(start, range(8)))) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret.keys"]


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o664])
def test_a_key_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret.keys"
    load_keys(path, Random(3))
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"mode {mode:o}.*run chmod 600"):
        load_keys(path, Random(3))


def test_keys_that_several_processes_share_are_not_made_by_a_start(tmp_path: Path) -> None:
    path = tmp_path / "secret.keys"
    with pytest.raises(KeyFileError, match=f"there is no key file {path}: .* --secret-file {path} --check"):
        shared_keys(path)
    assert not path.exists()
    assert load_keys(path, Random(3)) == shared_keys(path)


def test_the_group_of_root_may_read_the_key_file_as_systemd_lets_it_and_no_other_group(tmp_path: Path) -> None:
    path = tmp_path / "secret.keys"
    keys = load_keys(path, Random(3))
    path.chmod(0o440)
    if path.stat().st_gid == 0:
        assert load_keys(path, Random(3)) == keys
        os.chown(path, -1, 65534)
        with pytest.raises(KeyFileError, match=r"mode 440.*run chmod 600"):
            load_keys(path, Random(3))


def test_a_group_that_the_process_alone_is_in_may_use_the_key_file(tmp_path: Path) -> None:
    """As Kubernetes hands a volume over (``fsGroup``): a group without a name, that the process is put into."""
    path, before = tmp_path / "secret.keys", os.getgroups()
    keys = load_keys(path, Random(3))
    alone, shared = 54_321, min(user.pw_gid for user in pwd.getpwall() if user.pw_uid not in (0, os.geteuid()))
    if os.geteuid() != 0:  # who may not choose its groups has the one it was given
        return
    try:
        os.setgroups([alone, shared])
        for group, modes, may in ((alone, (0o440, 0o660, 0o640), True), (shared, (0o440, 0o660, 0o620), False)):
            os.chown(path, -1, group)
            for mode in modes:
                path.chmod(mode)
                with contextlib.nullcontext() if may else pytest.raises(KeyFileError, match="run chmod 600"):
                    assert load_keys(path, Random(3)) == keys
        os.chown(path, -1, alone)
        path.chmod(0o664)
        with pytest.raises(KeyFileError, match="mode 664"):
            load_keys(path, Random(3))
        os.setgroups([])
        path.chmod(0o660)
        with pytest.raises(KeyFileError, match="mode 660"):
            load_keys(path, Random(3))
    finally:
        os.setgroups(before)


@pytest.mark.parametrize(
    "content",
    [
        "", "\n", "changeme", "a changeme", "ä ö", "a \xff\xfe",
        "a " + "A" * 43,
        "a " + urlsafe_b64encode(b"changeme" * 4).decode(),
        "a " + urlsafe_b64encode(Random(1).randbytes(31)).decode(),
        "a." + GOOD_LINE,
        GOOD_LINE + "\nb short",
        GOOD_LINE + "\n" + GOOD_LINE,
        GOOD_LINE + "\nb" + GOOD_LINE + "\nc" + GOOD_LINE,
    ],
)  # fmt: skip
def test_short_guessable_or_broken_keys_are_refused_and_nothing_is_overwritten(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret.keys"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=str(path)):
        load_keys(path, Random(3))
    with pytest.raises(KeyFileError, match=str(path)):
        rotate(path, Random(3))
    assert path.read_text() == content


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"cannot make the key file .*No such file or directory"):
        load_keys(tmp_path / "none" / "secret.keys", Random(3))
    with pytest.raises(KeyFileError, match="the first start of the server makes it"):
        rotate(tmp_path / "secret.keys", Random(3))


def test_rotation_keeps_the_key_before_for_reading(tmp_path: Path) -> None:
    path = tmp_path / "secret.keys"
    first = load_keys(path, Random(3))
    token = tokens(first).issue(CLAIMS)
    second = rotate(path, Random(4))
    assert load_keys(path, Random(5)) == second == SigningKeys(second.current, previous=first.current)
    assert path.stat().st_mode & 0o777 == 0o600
    assert tokens(second).read(token) is not None
    third = rotate(path, Random(6))
    assert tokens(third).read(token) is None


def test_two_visits_from_one_network_within_two_days_share_a_mark() -> None:
    keys = SigningKeys(NEW)
    first = set(network_marks(keys, "203.0.113.7", NOW))
    for days in (0, 1, 2):
        assert first & set(network_marks(keys, "203.0.113.7", NOW + days * DAY_MS))
    assert not first & set(network_marks(keys, "203.0.113.7", NOW + 3 * DAY_MS))


def test_marks_tell_networks_and_keys_apart_and_hold_no_address() -> None:
    marks = network_marks(SigningKeys(NEW), "203.0.113.7", NOW)
    assert len(marks) == len(set(marks)) == 3
    assert not set(marks) & set(network_marks(SigningKeys(NEW), "203.0.113.8", NOW))
    assert not set(marks) & set(network_marks(SigningKeys(OLD), "203.0.113.7", NOW))
    assert all(len(mark) == 22 and "203" not in mark[:3] for mark in marks)


def test_a_new_key_does_not_end_a_block() -> None:
    before = set(network_marks(SigningKeys(OLD), "203.0.113.7", NOW))
    assert before & set(network_marks(SigningKeys(NEW, previous=OLD), "203.0.113.7", NOW))


def test_an_ipv6_household_is_one_network_and_a_mapped_address_is_the_ipv4_one() -> None:
    keys = SigningKeys(NEW)
    first = set(network_marks(keys, "2001:db8:1:2:a::1", NOW))
    assert first == set(network_marks(keys, "2001:db8:1:2:ffff::9", NOW))
    assert first & set(network_marks(keys, "2001:db8:1:ff03::1", NOW)), "a household has 65,536 networks of /64"
    assert not first & set(network_marks(keys, "2001:db8:2:2:a::1", NOW))
    assert network_marks(keys, "::ffff:203.0.113.7", NOW) == network_marks(keys, "203.0.113.7", NOW)


def test_a_mark_that_0_2_0_has_kept_of_a_64_is_still_one_of_its_network() -> None:
    of_before = hmac.digest(daily_key(NEW, NOW // DAY_MS), network("2001:db8:1:2::7").encode(), "sha256")[:16]
    assert urlsafe_b64encode(of_before).rstrip(b"=").decode() in network_marks(SigningKeys(NEW), "2001:db8:1:2::9", NOW)


def test_what_stands_for_a_network_among_those_who_are_here_is_one_for_a_48_and_through_a_change_of_keys() -> None:
    keys = SigningKeys(NEW)
    mark = crowd_mark(keys, "2001:db8:1:2:a::1")
    assert mark == crowd_mark(keys, "2001:db8:1:ff03::1") != crowd_mark(keys, "2001:db8:2:2::1")
    assert mark not in network_marks(keys, "2001:db8:1:2:a::1", NOW), "the history knows none that lasts"
    assert crowd_mark(SigningKeys(OLD), "203.0.113.7") == crowd_mark(SigningKeys(NEW, previous=OLD), "203.0.113.7")


def test_an_address_of_the_own_network_has_a_mark_of_its_own_and_no_other_has() -> None:
    keys = SigningKeys(NEW)
    marks = {own_network_mark(keys, address) for address in ("192.168.1.66", "192.168.1.67", "fd00::1", "fd00:0:0:1::")}
    assert len(marks) == 4 and own_network_mark(keys, "::ffff:192.168.1.66") == own_network_mark(keys, "192.168.1.66")
    for address in ("127.0.0.1", "::1", "203.0.113.7", "2001:db8::1", "nonsense", ""):
        assert own_network_mark(keys, address) == ""


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1",
     "100.127.255.255", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:192.168.1.1", "nonsense", ""],
)  # fmt: skip
def test_addresses_that_say_nothing_have_no_mark(address: str) -> None:
    assert network_marks(SigningKeys(NEW), address, NOW) == ()
    assert crowd_mark(SigningKeys(NEW), address) == ""


def test_the_key_of_the_marks_changes_every_day() -> None:
    assert len({daily_key(NEW, day) for day in range(100)}) == 100


def test_what_stands_for_a_key_overlaps_through_a_change_of_keys_and_holds_nothing_of_the_key() -> None:
    before, between, after = key_marks(SigningKeys(OLD)), key_marks(SigningKeys(NEW, OLD)), key_marks(SigningKeys(NEW))
    assert between == after + before and set(before).isdisjoint(after)
    for key, (mark,) in ((OLD, before), (NEW, after)):
        assert mark.isascii() and mark.isprintable() and " " not in mark
        assert mark not in urlsafe_b64encode(key.secret).decode() and key.id not in mark
