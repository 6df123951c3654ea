"""What `linxun doctor` says about how the house works."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import config, standing
from bot.cli.main import app
from bot.config import Settings
from bot.finding import Finding
from bot.leases import ROUNDS, SWEEP
from content import gauge, guard, inbound, incident, late, lease, link
from content.inbound import TRIES, Inbound
from content.reason import Reason
from content.store import Store
from tests.content import outbox


def _of(store: Store, now: datetime, **given: object) -> dict[str, Finding]:
    settings = Settings.model_validate({"database_url": store.url} | given)
    found = standing.of(store, settings, outbox.SENDERS, outbox.LADDERS, now)
    return {one.check: one for one in found}


def test_a_quiet_house_needs_nobody(store: Store, now: datetime) -> None:
    assert all(one.ok for one in _of(store, now).values())


def test_a_link_that_fails_is_named_with_its_age(store: Store, now: datetime) -> None:
    with store.begin() as session:
        for minute in (0, 3):
            at = now + timedelta(minutes=minute)
            link.record(session, "twilio_sms", Reason.CREDENTIALS, at, code="20003")
        link.record(session, "telegram", None, now, milliseconds=80)
        link.record(session, "gone", Reason.TIMEOUT, now)
    found = _of(store, now + timedelta(minutes=5))
    assert not found["link twilio_sms"].ok
    assert "2 tests in a row failed (credentials 20003); 2分钟前" in found["link twilio_sms"].said
    assert found["link telegram"].ok
    assert "link gone" not in found


def test_a_link_test_that_is_long_ago_says_so(store: Store, now: datetime) -> None:
    with store.begin() as session:
        link.record(session, "telegram", None, now)
    said = _of(store, now + timedelta(hours=3))["link telegram"].said
    assert "3小时前 3 hours ago" in said
    assert "does `linxun run` run?" in said


def test_a_service_that_does_not_run_is_wrong_where_somebody_waits_for_it(
    store: Store, now: datetime
) -> None:
    idle = _of(store, now)
    assert "start the service" in idle["sending"].said
    assert idle["sending"].ok
    assert idle["hearing"].ok
    with store.begin() as session:
        outbox.resident(session, now, chat="11")
        outbox.tell(session, now)
        inbound.keep(session, "telegram", "1", "", {}, now)
    waiting = _of(store, now)
    assert not waiting["sending"].ok
    assert not waiting["hearing"].ok
    with store.begin() as session:
        for duty in (SWEEP, ROUNDS):
            lease.hold(session, duty, "m:1:a", now, 15)
    assert [_of(store, now)[name].ok for name in ("sending", "hearing")] == [True, True]
    assert not _of(store, now + timedelta(seconds=16))["sending"].ok


def test_what_is_held_up_is_told_with_what_to_do(store: Store, now: datetime) -> None:
    with store.begin() as session:
        outbox.resident(session, now, chat="11")
        outbox.tell(session, now)
        outbox.route(session, now)
    found = _of(store, now + timedelta(minutes=4))["late telegram"]
    assert not found.ok
    assert "1条聊天通知没有发出，已等4分钟" in found.said
    assert "1 notices are held up (idle) since 4分钟前 4 minutes ago" in found.said


def test_a_number_that_the_loop_guard_has_silenced_is_counted(store: Store, now: datetime) -> None:
    with store.begin() as session:
        for _ in range(9):
            guard.given(session, uuid.uuid5(uuid.NAMESPACE_URL, "a"), "x", now, 3, urgent=False)
    assert "to 1 numbers or chats" in _of(store, now)["loop guard"].said


def test_a_journal_that_cannot_be_written_needs_somebody(
    file_store: Store, now: datetime, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    found = _of(file_store, now, journal_folder=tmp_path / "file" / "journal")["journal"]
    assert not found.ok
    assert _of(file_store, now, journal_folder=tmp_path / "new")["journal"].ok
    assert not (tmp_path / "new").exists()


def test_an_incident_that_is_just_over_is_still_told(store: Store, now: datetime) -> None:
    with store.begin() as session:
        stuck = late.Late(late.Cause.IDLE, now, 1, "telegram", outbox.CHAT.kind)
        incident.note(session, [stuck], now)
    assert "Over since a moment: telegram" in _of(store, now + timedelta(seconds=90))["late"].said


def test_attempts_past_their_deadline_and_given_up_events_need_somebody(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        outbox.resident(session, now, chat="11")
        outbox.tell(session, now)
        outbox.take(session, now)
        session.add(
            Inbound(
                community_id=store.community_id,
                sender="telegram",
                event_id="1",
                at=now,
                handled_at=now,
                tries=TRIES,
            )
        )
    found = _of(store, now + timedelta(minutes=4))
    assert (found["sweeps"].ok, found["inbound"].ok) == (False, False)
    assert "1 attempts past their deadline" in found["sweeps"].said


@pytest.mark.parametrize(("days", "ok"), [(6, True), (8, False)])
def test_a_copy_that_is_old_is_no_copy(store: Store, now: datetime, days: int, *, ok: bool) -> None:
    if not store.url.startswith("sqlite"):
        pytest.skip("PostgreSQL has a tool of its own")
    assert "run `linxun backup FILE`" in _of(store, now)["backup"].said
    with store.begin() as session:
        gauge.made_backup(session, now)
    found = _of(store, now + timedelta(days=days))["backup"]
    assert (found.ok, f"{days} days ago" in found.said) == (ok, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "This machine only"),
        ({"public_url": "https://linxun.example"}, "Nobody can read them"),
        ({"metrics_token": "t" * 32, "public_url": "https://linxun.example"}, "bears the token"),
    ],
)
def test_who_can_read_the_figures_is_told(
    store: Store, now: datetime, given: dict[str, object], said: str
) -> None:
    assert said in _of(store, now, **given)["metrics"].said


def test_the_address_of_the_heartbeat_is_not_shown(store: Store, now: datetime) -> None:
    found = _of(store, now, heartbeat_url="https://hc.example/6f1e")
    assert "6f1e" not in str(found)
    assert "LINXUN_HEARTBEAT_URL" in _of(store, now)["heartbeat"].said


def test_the_command_line_copies_and_the_doctor_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config.settings.cache_clear()
    run = CliRunner().invoke
    assert run(app, ["init", "--name", "幸福里社区", "--admin", "王主任"]).exit_code == 0
    copied = run(app, ["backup", "copy.sqlite3"])
    assert copied.exit_code == 0
    assert "not contained" in copied.output
    doctor = run(app, ["doctor", "--no-online", "--json"])
    config.settings.cache_clear()
    assert "The last copy: 0分钟前" in doctor.output
    assert (tmp_path / "copy.sqlite3").stat().st_size > 0
