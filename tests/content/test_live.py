from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.commands import status
from content import closing, confirmation, coverage, outcome, phrase, place, stand
from content.alert import MsgType
from content.confirmation import Act
from content.coverage import ANSWER, Live, Reach
from content.delivery import AttemptState, DeliveryState
from content.message import Kind, Written
from content.notice import NoticeState
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CALL, CHAT, SMS, SOMEBODY

ZONE = ZoneInfo("Asia/Shanghai")


def by_kind(found: Live) -> dict[Kind, tuple[int, int, int]]:
    return {one.kind: (one.contacted, one.reached, one.confirmed) for one in found.kinds}


def words(found: Live) -> list[tuple[str, int]]:
    return list(stand.whys(found))


def test_a_message_that_a_provider_took_has_contacted_and_not_reached(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, mobile="+8613800000001")
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, SMS)
    outcome.accepted(session, job.ref, "SM1", now)
    found = coverage.live(session, made.id, now)
    assert (found.total.contacted, found.total.reached, found.total.open) == (1, 0, 1)
    outcome.receipt(session, job.ref, AttemptState.DELIVERED, now)
    found = coverage.live(session, made.id, now)
    assert (found.total.reached, found.waits, found.over) == (1, {ANSWER: 1}, False)
    assert words(found) == [("短信：发到了，没有回应", 1)]


def test_an_answering_machine_is_not_reached(session: Session, now: datetime) -> None:
    outbox.resident(session, now, landlines=["+8657116881266"])
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    outcome.accepted(session, job.ref, "CA1", now)
    outcome.receipt(session, job.ref, AttemptState.ANSWERED, now, machine=True)
    outcome.receipt(session, job.ref, AttemptState.COMPLETED, now)
    found = coverage.live(session, made.id, now)
    assert by_kind(found) == {Kind.CALL: (1, 0, 0)}
    assert words(found) == [("电话：接电话的是答录机", 1)]


def test_a_contact_who_picks_up_has_not_reached_the_resident(
    session: Session, now: datetime
) -> None:
    who = outbox.resident(session, now)
    outbox.contact(session, who, "+8613900000001", now)
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    outcome.accepted(session, job.ref, "CA1", now)
    outcome.receipt(session, job.ref, AttemptState.ANSWERED, now)
    total = coverage.live(session, made.id, now).total
    assert (total.contacted, total.reached) == (1, 0)
    confirmation.by_ref(session, job.ref, Act.KEY, SOMEBODY, now)
    total = coverage.live(session, made.id, now).total
    assert (total.reached, total.passed_on, total.settled) == (0, 1, 1)


def test_a_reply_counts_for_the_kind_it_came_by(session: Session, now: datetime) -> None:
    for at in range(3):
        outbox.resident(session, now, chat=str(10 + at), mobile=f"+861380000000{at}")
    made = outbox.tell(session, now)
    jobs = outbox.take(session, now, CHAT)
    confirmation.by_ref(session, jobs[0].ref, Act.BUTTON, SOMEBODY, now)
    later = now + timedelta(hours=1)
    (first, *_) = outbox.take(session, later, SMS)
    outcome.accepted(session, first.ref, "SM1", later)
    sms = outbox.Actor(outbox.Door.SMS)
    confirmation.by_address(session, Kind.SMS, first.to, Act.REPLY, sms, later)
    session.flush()
    found = coverage.live(session, made.id, later)
    assert {kind: counts[2] for kind, counts in by_kind(found).items()} == {
        Kind.CHAT: 1,
        Kind.SMS: 1,
    }
    assert [(one.place, one.residents, one.confirmed) for one in found.rungs] == [
        ("1", 1, 1),
        ("2", 2, 1),
    ]


def test_whoever_cannot_be_told_is_explained_with_what_was_passed_over(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now)
    wrong = outbox.resident(session, now, mobile="+8613800000001")
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, SMS)
    outcome.failed(session, job.ref, Reason.NUMBER_INVALID, now, permanent=True)
    found = coverage.live(session, made.id, now)
    assert words(found) == [("没有任何联系方式", 1), ("短信：号码是错的", 1)]
    assert found.skips[("chat", "no_address")] == 2
    assert found.skips[("contact", "no_contact")] == 1
    assert outbox.delivery(session, made, wrong).state is DeliveryState.OPEN


def test_residents_of_each_grid_are_counted_in_it(session: Session, now: datetime) -> None:
    tree = place.Tree(session)
    for room, grid in (("1-1-101", "1"), ("2-1-101", "2"), ("2-1-102", "2"), ("3-1-101", "")):
        home = place.read(room)
        assert home is not None
        tree.ensure(home, grid)
        session.flush()
        outbox.resident(session, now, room=room)
    made = outbox.tell(session, now)
    outbox.route(session, now)
    found = coverage.live(session, made.id, now)
    assert [(one.place, one.residents, one.door) for one in found.grids] == [
        ("", 1, 1),
        ("1网格", 1, 1),
        ("2网格", 2, 2),
    ]
    # somebody still has to go there
    assert not found.over


def test_an_update_shows_its_own_figures_and_what_the_old_text_had_done(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, chat="11")
    alert = outbox.alert(session, now)
    outbox.tell(session, now, alert_id=alert)
    (job,) = outbox.take(session, now, CHAT)
    outcome.accepted(session, job.ref, "1", now)
    confirmation.by_ref(session, job.ref, Act.BUTTON, SOMEBODY, now)
    closing.supersede(session, alert, NoticeState.SUPERSEDED, now)
    later = now + timedelta(minutes=5)
    newer = outbox.tell(session, later, alert_id=alert, touched=alert, msg_type=MsgType.UPDATE)
    found = coverage.live(session, newer.id, later)
    assert (found.total.residents, found.total.confirmed) == (1, 0)
    (old,) = found.earlier
    assert (old.state, old.contacted, old.confirmed) == (NoticeState.SUPERSEDED, 1, 1)
    assert any("已被代替" in line for line in stand.lines(found, ZONE))


def test_where_nothing_is_asked_whoever_was_handed_it_is_settled(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now, confirms=False)
    (job,) = outbox.take(session, now, CHAT)
    outcome.accepted(session, job.ref, "1", now)
    (total,) = coverage.reach(session, made.id)
    assert (total.done, total.other, total.minutes[100]) == (1, 0, 0.0)
    assert coverage.live(session, made.id, now).over


def test_hundreds_of_grids_fit_into_one_message_the_worst_first(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now)
    made = outbox.tell(session, now)
    found = coverage.live(session, made.id, now)
    grids = tuple(Reach(f"{at}网格", residents=1000, confirmed=at) for at in range(500))
    many = coverage.replace(found, grids=grids)
    said = stand.grid_lines(many, 1000)
    assert said[1].startswith("0网格：0/1000")
    assert sum(len(line) + 1 for line in said) <= 1000
    left = 500 - (len(said) - 2)
    assert said[-1].startswith(
        phrase.say("live.more", Written.HANS, count=left, done="", residents="")[:8]
    )


def test_the_chat_shows_each_step_as_the_terminal_does(session: Session, now: datetime) -> None:
    first, _ = (
        outbox.resident(
            session, now, room=f"3-1-{at}01", chat=f"1{at}", mobile=f"+861380000000{at}"
        )
        for at in (1, 2)
    )
    made = outbox.tell(session, now)
    assert stand.rung_lines(coverage.live(session, made.id, now)) == []
    for job in outbox.take(session, now, CHAT):
        outcome.accepted(session, job.ref, job.to, now)
    outbox.delivery(session, made, first).next_at = now
    outbox.take(session, now, SMS)
    found = coverage.live(session, made.id, now)
    said = stand.rung_lines(found)
    assert [one.residents for one in found.rungs] == [1, 1]
    assert said == ["第1步：1人，送到0人，确认0人", "第2步：1人，送到0人，确认0人"]
    assert all(line in status.report(session, "A1", made.id, now)[0] for line in said)
