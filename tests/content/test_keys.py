import json
import stat
from pathlib import Path

import pytest

from content.keys import KeyFileError, Keyring


def test_a_key_file_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    Keyring.generate().save(tmp_path / "linxun.key")
    assert stat.S_IMODE((tmp_path / "linxun.key").stat().st_mode) == 0o600


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    first = Keyring.generate()
    first.save(tmp_path / "linxun.key")
    with pytest.raises(KeyFileError, match="exists already"):
        Keyring.generate().save(tmp_path / "linxun.key")
    assert Keyring.load(tmp_path / "linxun.key") == first


def test_a_missing_key_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="put it back from your safe copy"):
        Keyring.load(tmp_path / "linxun.key")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        json.dumps({"current": "k1", "keys": {}, "lookup": ""}).encode(),
        json.dumps({"current": "k1", "keys": {"k1": "AAAA"}, "lookup": "AAAA"}).encode(),
        json.dumps({"current": "k1", "keys": {"k1": 3}, "lookup": "AAAA"}).encode(),
    ],
)
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "linxun.key").write_bytes(body)
    with pytest.raises(KeyFileError, match="is not a Linxun key file"):
        Keyring.load(tmp_path / "linxun.key")


def test_what_is_encrypted_comes_back_and_is_never_the_same_twice() -> None:
    ring = Keyring.generate()
    one, two = ring.encrypt("王奶奶", "resident.name"), ring.encrypt("王奶奶", "resident.name")
    assert one != two
    assert ring.decrypt(one, "resident.name") == ring.decrypt(two, "resident.name") == "王奶奶"


@pytest.mark.parametrize("at", [-1, 5, 20])
def test_a_changed_value_is_refused(at: int) -> None:
    ring = Keyring.generate()
    value = bytearray(ring.encrypt("王奶奶", "resident.name"))
    value[at] ^= 1
    with pytest.raises(KeyFileError):
        ring.decrypt(bytes(value), "resident.name")


def test_a_value_of_another_column_is_refused() -> None:
    ring = Keyring.generate()
    with pytest.raises(KeyFileError, match="does not belong"):
        ring.decrypt(ring.encrypt("+8613800000001", "address.value"), "resident.name")


def test_an_older_key_still_opens_what_it_closed() -> None:
    old, new = Keyring.generate(), Keyring.generate()
    both = Keyring("k2", {"k1": old.keys["k1"], "k2": new.keys["k1"]}, old.lookup)
    assert both.decrypt(old.encrypt("甲", "c"), "c") == "甲"
    with pytest.raises(KeyFileError, match="restore the old one"):
        old.decrypt(both.encrypt("乙", "c"), "c")


def test_a_digest_finds_equal_texts_and_depends_on_the_key() -> None:
    ring, other = Keyring.generate(), Keyring.generate()
    assert ring.digest("+8613800000001") == ring.digest("+8613800000001")
    assert len({ring.digest("1"), ring.digest("2"), other.digest("1")}) == 3


def test_a_keyring_does_not_show_its_keys() -> None:
    ring = Keyring.generate()
    shown = repr(ring)
    assert repr(ring.keys["k1"]) not in shown
    assert repr(ring.lookup) not in shown
