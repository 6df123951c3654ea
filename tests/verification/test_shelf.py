"""The shelf: what is published answers with the next look, and its text is cut only once."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select, type_coerce, update

from content.store import Store
from verification import facts, learning, prepared, shelf, tables
from verification.fact import Fact
from verification.index import FactView
from verification.text import normalise


def looked_up(store: Store, said: str) -> list[str]:
    """What a fresh process finds for a text."""
    with store.read() as session:
        return [one.fact.id for one in shelf.base(session).index.search(normalise(said))]


def overwrite(store: Store, water: Fact, **columns: object) -> None:
    with store.begin() as session:
        session.execute(update(Fact).where(Fact.id == water.id).values(**columns))


def test_publishing_stores_what_was_cut(store: Store, water: Fact) -> None:
    with store.read() as session:
        stored = session.scalar(select(Fact.prepared).where(Fact.id == water.id))
        view = shelf.candidate(session, facts.get(session, water.id))
    assert stored == prepared.prepare(view)


def test_a_start_reads_what_was_cut_and_cuts_nothing(store: Store, water: Fact) -> None:
    other = prepared.prepare(FactView(str(water.id), "北门封闭施工"))
    overwrite(store, water, prepared=other)
    assert looked_up(store, "北门封闭") == [str(water.id)]
    assert looked_up(store, "水厂投毒") == []


def test_what_another_version_has_cut_is_cut_anew(store: Store, water: Fact) -> None:
    overwrite(store, water, prepared=b"\x00", tokenizer="another")
    assert looked_up(store, "水厂投毒") == [str(water.id)]


def test_a_renewal_stores_what_another_version_had_cut(store: Store, water: Fact) -> None:
    overwrite(store, water, prepared=None, tokenizer="")
    with store.begin() as session:
        renewed = shelf.renew(session), shelf.renew(session)
        fresh = session.get_one(Fact, (water.community_id, water.id))
    assert renewed == (1, 0)
    assert fresh.tokenizer == prepared.version()


def test_a_table_is_part_of_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prepared.version()
    prepared.version.cache_clear()
    monkeypatch.setattr(tables, "fingerprint", lambda **_: "other words")
    after = prepared.version()
    prepared.version.cache_clear()
    assert before != after


def test_only_the_gate_may_change_without_another_cut() -> None:
    assert tables.fingerprint(but="gate") != tables.fingerprint(but="synonyms")


def test_an_accepted_variant_finds_with_the_next_look(
    store: Store, water: Fact, cast: Any, base: shelf.Base, now: datetime
) -> None:
    with store.begin() as session:
        shelf.refresh(session, base)
        fact = facts.get(session, water.id)
        made = facts.add_variant(session, fact, "龙头里有怪味道", cast.author, now, accepted=False)
        assert made is not None
        shelf.refresh(session, base)
        assert base.index.search(normalise("龙头怪味")) == []
        learning.accept(session, made, cast.expert, now)
        shelf.refresh(session, base)
    assert base.index.search(normalise("龙头怪味"))[0].fact.id == str(water.id)


def test_a_withdrawn_fact_is_gone_with_the_next_look(
    store: Store, water: Fact, cast: Any, base: shelf.Base, now: datetime
) -> None:
    with store.begin() as session:
        shelf.refresh(session, base)
        facts.withdraw(session, facts.get(session, water.id), cast.expert, now)
        assert shelf.refresh(session, base) == 1
        stored = session.scalar(select(Fact.prepared).where(Fact.id == water.id))
    assert str(water.id) not in base.index
    assert stored is None


def test_the_words_of_residents_are_encrypted_where_they_are_stored(
    store: Store, water: Fact
) -> None:
    with store.read() as session:
        raw = session.scalar(
            select(type_coerce(Fact.prepared, LargeBinary)).where(Fact.id == water.id)
        )
        opened = session.scalar(select(Fact.prepared).where(Fact.id == water.id))
    assert raw is not None
    assert opened is not None
    assert opened[:12] not in raw
