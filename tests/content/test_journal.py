"""The journal: on the disk before the answer, unreadable without the key, whole after a crash."""

import stat
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from content.inbound import Raw
from content.journal import Journal, JournalError
from content.keys import Keyring

RING, HERE = Keyring.generate(), uuid.uuid4()
AT = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)


def raw(number: int, text: str = "楼上漏水") -> Raw:
    return Raw("telegram", str(number), "", AT, {"update_id": number, "text": text})


def opened(folder: Path, **sizes: int) -> Journal:
    return Journal(folder, RING, HERE, **sizes)


def replayed(journal: Journal) -> list[str]:
    """Replay everything, and return the ids of the events in the order they came back."""
    found: list[str] = []
    while (segment := journal.oldest()) is not None:
        found += [one.event_id for one in segment.records]
        journal.erase(segment)
    return found


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = opened(tmp_path / "journal")
    yield made
    made.close()


def test_what_was_written_comes_back_as_it_was_and_in_order(journal: Journal) -> None:
    journal.write([raw(1), raw(2)])
    journal.write([raw(3, "half a character: \ud800")])
    segment = journal.oldest()
    assert segment is not None
    assert segment.records == (raw(1), raw(2), raw(3, "half a character: \ud800"))


def test_what_was_replayed_is_erased(journal: Journal) -> None:
    journal.write([raw(1)])
    assert replayed(journal) == ["1"]
    assert (list(journal.folder.iterdir()), journal.oldest()) == ([], None)


def test_nobody_else_can_read_it(journal: Journal) -> None:
    journal.write([raw(1, "我叫李明，电话13800000002")])
    (path,) = journal.folder.iterdir()
    assert [stat.S_IMODE(one.stat().st_mode) for one in (journal.folder, path)] == [0o700, 0o600]
    body = path.read_bytes()
    assert not any(word.encode() in body for word in ("李明", "13800000002", "\\u674e", "telegram"))


@pytest.mark.parametrize("lost", [1, 8, 60])
def test_a_record_torn_by_a_crash_costs_no_other(tmp_path: Path, lost: int) -> None:
    dead = opened(tmp_path)
    dead.write([raw(1), raw(2)])
    dead.close()
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-lost])
    assert replayed(opened(tmp_path)) == ["1"]


@pytest.mark.parametrize("rest", [b"\0" * 64, b"\xff" * 64, b"\0\0\0\5\0\0\0\0hello"])
def test_rubbish_after_a_crash_costs_nothing(tmp_path: Path, rest: bytes) -> None:
    dead = opened(tmp_path)
    dead.write([raw(1)])
    dead.close()
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + rest)
    assert replayed(opened(tmp_path)) == ["1"]


def test_an_empty_segment_is_erased(tmp_path: Path) -> None:
    (tmp_path / f"{HERE.hex}-1.journal").write_bytes(b"linx")
    assert replayed(opened(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_process_leaves_what_another_one_holds_until_that_has_died(tmp_path: Path) -> None:
    living, other = opened(tmp_path), opened(tmp_path)
    living.write([raw(1)])
    other.write([raw(2)])
    assert replayed(other) == ["2"]
    living.close()
    assert replayed(other) == ["1"]


def test_a_segment_that_is_replayed_is_not_replayed_by_another_process(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    first.write([raw(1)])
    assert first.oldest() is not None
    assert second.oldest() is None


def test_segments_stay_small_and_keep_their_order(tmp_path: Path) -> None:
    journal = opened(tmp_path, segment=300)
    for number in range(9):
        journal.write([raw(number)])
    assert len(list(tmp_path.iterdir())) > 2
    assert replayed(journal) == [str(number) for number in range(9)]


def test_a_full_journal_takes_nothing_more_until_it_was_replayed(tmp_path: Path) -> None:
    journal = opened(tmp_path, largest=1000)
    journal.write([raw(1)])
    with pytest.raises(JournalError, match="full"):
        journal.write([raw(number) for number in range(20)])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000
    replayed(journal)
    journal.write([raw(21)])
    assert replayed(journal) == ["21"]


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError):
        opened(tmp_path / "file" / "journal").write([raw(1)])


def test_the_journal_of_another_community_is_left_alone(tmp_path: Path) -> None:
    other = Journal(tmp_path, RING, uuid.uuid4())
    other.write([raw(1)])
    other.close()
    assert opened(tmp_path).oldest() is None


def test_without_its_key_a_segment_waits_for_it_and_holds_up_no_other(tmp_path: Path) -> None:
    strange = Journal(tmp_path, Keyring.generate(), HERE)
    strange.write([raw(1)])
    strange.close()
    journal = opened(tmp_path)
    journal.write([raw(2)])
    assert replayed(journal) == ["2"]
    assert len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_replayed_is_laid_aside_and_counted(journal: Journal) -> None:
    journal.write([raw(1)])
    segment = journal.oldest()
    assert segment is not None
    journal.lay_aside(segment)
    assert (journal.oldest(), journal.counts()) == (None, (0, 1))
