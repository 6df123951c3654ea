"""The fact base: an expert signs, another publishes, and nothing changes in place."""

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from content import identity
from content.event import HOUSE, Actor, Door
from content.place import ensure
from content.staff import Role
from content.store import Store
from verification import exchange, facts, learning, shelf
from verification.fact import Fact, FactVariant, FactVersion, Refused, Statement, VariantState
from verification.index import FactView, Verdict

Make = Callable[..., Statement]


def shown(store: Store, fact: Fact) -> FactView | None:
    """The fact as a fresh process sees it."""
    with store.read() as session:
        return shelf.base(session).index.get(str(fact.id))


def test_a_draft_answers_nobody(store: Store, cast: Any, statement: Make, now: datetime) -> None:
    with store.begin() as session:
        fact = facts.draft(session, cast.author, statement(), now)
    assert shown(store, fact) is None


def test_only_an_expert_signs(store: Store, cast: Any, statement: Make, now: datetime) -> None:
    with store.begin() as session:
        fact = facts.draft(session, cast.author, statement(), now)
        for stranger in (cast.author, HOUSE):
            with pytest.raises(Refused):
                facts.sign(session, fact, stranger, now)


@pytest.mark.usefixtures("water")
def test_a_signature_names_its_expert(store: Store, cast: Any, now: datetime) -> None:
    with store.read() as session:
        version = facts.current(session, facts.named(session, "water"))
    assert (version.signed_by, version.signed_at) == (cast.expert.id, now)


def test_a_signed_fact_answers_nobody_before_it_is_published(
    store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        fact = facts.draft(session, cast.author, statement(), now)
        facts.sign(session, fact, cast.expert, now)
        assert facts.waiting(session) == [fact]
    assert shown(store, fact) is None


def test_a_published_fact_answers(store: Store, water: Fact) -> None:
    assert shown(store, water) is not None


def test_only_a_publisher_publishes(
    store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        fact = facts.draft(session, cast.author, statement(), now)
        facts.sign(session, fact, cast.expert, now)
        for stranger in (cast.author, cast.expert, HOUSE):
            with pytest.raises(Refused):
                facts.publish(session, fact, stranger, now)


def test_who_signs_never_publishes_the_same(store: Store, statement: Make, now: datetime) -> None:
    with store.begin() as session:
        both = identity.add_staff(session, "全能", [Role.EXPERT, Role.PUBLISHER], now)
        fact = facts.draft(session, HOUSE, statement(), now)
        facts.sign(session, fact, Actor(Door.CLI, both.id), now)
        with pytest.raises(Refused, match="somebody else must publish"):
            facts.publish(session, fact, Actor(Door.CLI, both.id), now)


def test_what_no_expert_has_signed_is_not_published(
    store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        fact = facts.draft(session, cast.author, statement(), now)
        with pytest.raises(Refused, match="No expert has signed"):
            facts.publish(session, fact, cast.publisher, now)


@pytest.mark.usefixtures("water")
def test_a_publisher_publishes_what_they_were_shown(
    store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        fact = facts.named(session, "water")
        facts.change(session, fact, cast.author, statement(truth="现在情况变了。"), now)
        facts.sign(session, fact, cast.expert, now)
        with pytest.raises(Refused, match="look at the new text"):
            facts.publish(session, fact, cast.publisher, now, version=1)


def test_a_changed_fact_says_the_old_until_the_new_is_published(
    store: Store, cast: Any, water: Fact, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        fact = facts.named(session, "water")
        facts.change(session, fact, cast.author, statement(verdict=Verdict.PARTLY), now)
        facts.sign(session, fact, cast.expert, now)
    assert shown(store, water).verdict is Verdict.FALSE
    with store.begin() as session:
        facts.publish(session, facts.named(session, "water"), cast.publisher, now)
    assert shown(store, water).verdict is Verdict.PARTLY


@pytest.mark.usefixtures("water")
def test_a_change_keeps_the_version_before(
    store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        fact = facts.named(session, "water")
        facts.change(session, fact, cast.author, statement(truth="现在情况变了。"), now)
        kept = facts.current(session, fact, 1).truth
    assert kept == "自来水厂没有被投毒，出厂水和管网水检测全部合格，可以放心饮用。"


def test_a_withdrawn_fact_answers_nobody_and_is_not_changed(
    store: Store, cast: Any, water: Fact, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        fact = facts.named(session, "water")
        facts.withdraw(session, fact, cast.expert, now)
        with pytest.raises(Refused):
            facts.change(session, fact, cast.author, statement(), now)
    assert shown(store, water) is None


@pytest.mark.parametrize(
    "missing", [{"claim": " "}, {"truth": ""}, {"source": ""}, {"verdict": Verdict.UNKNOWN}]
)
def test_an_incomplete_fact_is_refused(
    missing: dict[str, Any], store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session, pytest.raises(Refused):
        facts.draft(session, cast.author, statement(**missing), now)


@pytest.mark.usefixtures("water")
def test_another_process_follows_by_the_watermark(store: Store, cast: Any, now: datetime) -> None:
    with store.read() as session:
        base = shelf.base(session)
    with store.begin() as session:
        facts.withdraw(session, facts.named(session, "water"), cast.expert, now)
    with store.read() as session:
        counts = shelf.refresh(session, base), shelf.refresh(session, base)
    assert counts == (1, 0)
    assert len(base.index) == 0


@pytest.mark.usefixtures("water")
def test_a_proposed_variant_finds_nothing_before_it_is_accepted(
    store: Store, cast: Any, now: datetime
) -> None:
    with store.begin() as session:
        fact = facts.named(session, "water")
        variant = facts.add_variant(session, fact, "水里有毒千万别喝", HOUSE, now, accepted=False)
        before = shelf.base(session).index.get(str(fact.id)).variants
        learning.accept(session, variant, cast.publisher, now)
        after = shelf.base(session).index.get(str(fact.id)).variants
    assert (len(before), len(after)) == (1, 2)


@pytest.mark.usefixtures("water")
def test_the_same_wording_is_one_variant(store: Store, cast: Any, now: datetime) -> None:
    with store.begin() as session:
        fact = facts.named(session, "water")
        again = facts.add_variant(
            session, fact, "听说水廠有人下毒，大家別喝自來水！", cast.author, now, accepted=True
        )
    assert again is None


def test_a_variant_is_encrypted(store: Store, water: Fact) -> None:
    with store.read() as session:
        raw = session.connection().exec_driver_sql("SELECT text FROM fact_variant").scalar()
        variant = session.scalar(select(FactVariant).where(FactVariant.fact_id == water.id))
    assert "下毒".encode() not in raw
    assert variant.state is VariantState.ACCEPTED


@pytest.mark.parametrize(
    ("area", "path"), [("幸福里社区", ""), ("全部", ""), ("别处的8号楼", "别处的8号楼")]
)
def test_an_area_that_is_no_place_here_keeps_its_name(
    area: str, path: str, store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        ensure(session, "3号楼2单元501")
        fact = facts.draft(session, cast.author, statement(area=area), now)
        assert facts.current(session, fact).path == path


def test_an_area_is_read_as_a_place(
    store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        home = ensure(session, "3号楼2单元501")
        fact = facts.draft(session, cast.author, statement(area="3栋"), now)
        assert home.path.startswith(facts.current(session, fact).path)


def line(**more: object) -> bytes:
    row = {
        "id": "f1",
        "claim": "3号楼明天停水",
        "truth": "3号楼明天不停水。",
        "verdict": "false",
        "source": "青禾水务",
        "date": "2026-07-19",
        "variants": ["明天3号楼没水"],
    }
    return json.dumps({**row, **more}, ensure_ascii=False).encode()


def test_an_import_reads_every_field() -> None:
    ((entry,), bad) = exchange.read([line(valid_until="2026-08-01"), b"\n"])
    assert bad == []
    assert entry.statement.valid_until == date(2026, 8, 1)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b"{", "JSON"),
        (b"[1]", "object"),
        (b"[" * 5000, "JSON"),
        (line(verdict="maybe"), "verdict"),
        (line(claim=""), "claim"),
        (line(source=None), "source"),
        (line(date="tomorrow"), "date"),
        (line(valid_until=20260801), "valid_until"),
        (line(variants="one"), "variants"),
        (line(variants=[1]), "variants"),
        (line(truth=7), "truth"),
        (line(publisher="somebody"), "publisher"),
        (line(colour="red"), "colour"),
        (line(id="x" * 65), "id"),
        (line(claim="长" * 4001), "claim"),
        (line(), "twice"),
    ],
)
def test_a_bad_line_is_reported_with_its_number(bad: bytes, reason: str) -> None:
    _, found = exchange.read([line(), bad])
    assert [(one.number, reason in one.reason) for one in found] == [(2, True)]


def bring(store: Store, cast: Any, now: datetime, *lines: bytes) -> exchange.Imported:
    entries, _ = exchange.read(lines)
    with store.begin() as session:
        return exchange.bring(session, entries, cast.expert, now, sign=True)


def test_importing_the_same_file_twice_changes_nothing(
    store: Store, cast: Any, now: datetime
) -> None:
    first = bring(store, cast, now, line())
    second = bring(store, cast, now, line())
    with store.read() as session:
        versions = session.scalar(select(func.count()).select_from(FactVersion))
    assert (first.added, second.unchanged, versions) == (1, 1, 1)


def test_importing_a_changed_line_makes_a_version(store: Store, cast: Any, now: datetime) -> None:
    bring(store, cast, now, line())
    assert bring(store, cast, now, line(truth="3号楼明天停水两小时。")).changed == 1
    with store.read() as session:
        assert facts.current(session, facts.named(session, "f1")).number == 2


def test_a_line_without_an_id_is_known_again(store: Store, cast: Any, now: datetime) -> None:
    bring(store, cast, now, line(id=""))
    assert bring(store, cast, now, line(id="")).unchanged == 1


def test_what_is_exported_can_be_imported(store: Store, cast: Any, now: datetime) -> None:
    bring(store, cast, now, line(area="3号楼", expert="王工", category="停水", publisher="media"))
    with store.read() as session:
        lines = [one.encode() for one in exchange.write(session)]
    assert bring(store, cast, now, *lines).unchanged == 1
