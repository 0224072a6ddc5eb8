"""The file of a terminal guest: whole or as before, begun anew when torn, and never somebody else's."""

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from citychat.client.shapes import CONSENT, TOKEN
from citychat.terminal.storage import StorageFile, StorageFileError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "token"


@contextmanager
def no_room() -> Iterator[None]:
    """The kernel refuses every byte of every file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("torn", [b"", b"\0" * 200, b'{"citychat.token": "k.p', b'{"city', b"{", b"{}"])
def test_a_torn_file_is_begun_anew(path: Path, torn: bytes) -> None:
    path.write_bytes(torn)
    storage = StorageFile(path)
    assert dict(storage) == {}
    storage[TOKEN] = "new"
    assert json.loads(path.read_text("utf-8")) == {TOKEN: "new"}


def test_of_a_file_with_strange_values_the_others_stay(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text(json.dumps({TOKEN: "t", CONSENT: ["1"], "citychat.writer": {"a": 1}}))
    assert dict(StorageFile(path)) == {TOKEN: "t"}
    assert {record.getMessage().partition(":")[0] for record in caplog.records} == {CONSENT, "citychat.writer"}


@pytest.mark.parametrize("text", ["noise", "[]", '["citychat.token"]', '{"name": "value"}', '"citychat."', "\udcff"])
def test_a_file_of_somebody_else_is_refused_and_stays_as_it_is(path: Path, text: str) -> None:
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(StorageFileError, match="was not written by citychat guest"):
        StorageFile(path)
    assert path.read_bytes() == text.encode(errors="surrogateescape")


@pytest.mark.parametrize("name", ["", "missing/token"], ids=["a folder", "in a folder that is not there"])
def test_a_file_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    """Without a file the guest has a memory, and is somebody new each time; it never is so without being told."""
    with pytest.raises(StorageFileError, match=r"^cannot use .*: (Is a directory|No such file or directory)$"):
        StorageFile(tmp_path / name)


def test_a_full_disk_is_told_once_leaves_the_file_of_before_and_is_told_when_it_is_over(path: Path) -> None:
    storage, told = StorageFile(path), list[str]()
    storage.told = told.append
    storage[TOKEN] = "t"
    with no_room():
        storage["citychat.a"] = "x"
        storage["citychat.b"] = "y"
        assert told == [f"Cannot write {path}: File too large. The end of this run may lose what is not sent."]
        assert json.loads(path.read_text("utf-8")) == {TOKEN: "t"}
        assert storage["citychat.a"] == "x" and list(path.parent.iterdir()) == [path]
    storage["citychat.b"] = "z"
    assert told[1:] == [f"{path} can be written again."]
    assert json.loads(path.read_text("utf-8")) == dict(storage) == {TOKEN: "t", "citychat.a": "x", "citychat.b": "z"}


def test_after_a_full_disk_the_file_is_still_held(path: Path) -> None:
    storage = StorageFile(path)
    with no_room():
        storage[TOKEN] = "t"
    with pytest.raises(StorageFileError, match="in use by another guest"):
        StorageFile(path)
    storage[TOKEN] = "t"
    with pytest.raises(StorageFileError, match="in use by another guest"):
        StorageFile(path)
