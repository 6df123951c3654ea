import uuid
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from channels.router import Recipient, Standing, Step, next_step
from content import ladder
from content.alert import Severity
from content.ladder import Quiet
from content.message import Kind
from content.people import AddressView, Consent, Need
from content.reason import Reason

LADDERS = ladder.load()
NOW = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)
NIGHT = datetime(2026, 7, 20, 15, 0, tzinfo=UTC)
MORNING = datetime(2026, 7, 20, 23, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
ALL = frozenset({Kind.CHAT, Kind.SMS, Kind.CALL})
ELDERLY, DEAF = frozenset({Need.ELDERLY}), frozenset({Need.DEAF})


def _address(number: int, kind: Kind, consent: Consent = Consent.ASSUMED) -> AddressView:
    return AddressView(uuid.UUID(int=number), uuid.UUID(int=99), kind, str(number), number, consent)


CHAT, SMS, MOBILE, LANDLINE, SECOND = (
    _address(number, kind)
    for number, kind in enumerate((Kind.CHAT, Kind.SMS, Kind.CALL, Kind.CALL, Kind.CALL), start=1)
)
SON, DAUGHTER = _address(11, Kind.CALL), _address(12, Kind.CALL)
SON_SMS = _address(13, Kind.SMS)
OUT = _address(20, Kind.CHAT, Consent.WITHDRAWN)
FULL = (CHAT, SMS, MOBILE)


def _step(
    own: tuple[AddressView, ...],
    contacts: tuple[AddressView, ...] = (),
    needs: frozenset[Need] = frozenset(),
    open_kinds: frozenset[Kind] = ALL,
    severity: Severity = Severity.SEVERE,
    rested: frozenset[uuid.UUID] = frozenset(),
    now: datetime = NOW,
    paused: dict[Kind, datetime] | None = None,
    **standing: object,
) -> Step:
    return next_step(
        Standing(severity, **standing),
        Recipient(needs, own, contacts, rested),
        LADDERS,
        open_kinds,
        now,
        SHANGHAI,
        paused,
    )


@pytest.mark.parametrize(
    ("case", "kind", "address"),
    [
        # a first step, by what somebody has and needs
        ({"own": FULL}, Kind.CHAT, CHAT),
        ({"own": (SMS, MOBILE)}, Kind.SMS, SMS),
        ({"own": (LANDLINE,)}, Kind.CALL, LANDLINE),
        ({"own": (), "contacts": (SON,)}, Kind.CALL, SON),
        ({"own": FULL, "needs": ELDERLY}, Kind.CALL, MOBILE),
        ({"own": (CHAT, SMS), "needs": ELDERLY}, Kind.SMS, SMS),
        ({"own": FULL, "needs": DEAF}, Kind.CHAT, CHAT),
        ({"own": (LANDLINE,), "needs": DEAF}, Kind.DOOR, None),
        ({"own": (LANDLINE,), "needs": DEAF, "contacts": (SON,)}, Kind.CALL, SON),
        ({"own": (OUT, SMS)}, Kind.SMS, SMS),
        ({"own": ()}, Kind.DOOR, None),
        # the next step, after tries
        ({"own": FULL, "tries": 1}, Kind.SMS, SMS),
        ({"own": FULL, "rung": 1, "tries": 1}, Kind.CALL, MOBILE),
        ({"own": FULL, "rung": 2, "tries": 1}, Kind.CALL, MOBILE),
        ({"own": FULL, "rung": 2, "tries": 2}, Kind.DOOR, None),
        ({"own": FULL, "rung": 2, "tries": 2, "contacts": (SON,)}, Kind.CALL, SON),
        ({"own": FULL, "rung": 3, "tries": 1, "contacts": (SON,)}, Kind.DOOR, None),
        ({"own": FULL, "rung": 4}, Kind.DOOR, None),
        ({"own": (LANDLINE, SECOND), "needs": ELDERLY, "tries": 2}, Kind.CALL, SECOND),
        ({"own": (LANDLINE,), "needs": ELDERLY, "tries": 2}, Kind.DOOR, None),
        # what is known not to work
        ({"own": FULL, "failed": frozenset({CHAT.id})}, Kind.SMS, SMS),
        ({"own": (LANDLINE, SECOND), "failed": frozenset({LANDLINE.id})}, Kind.CALL, SECOND),
        (
            {"own": (), "contacts": (SON, DAUGHTER), "failed": frozenset({SON.id})},
            Kind.CALL,
            DAUGHTER,
        ),
        ({"own": FULL, "open_kinds": frozenset({Kind.CALL})}, Kind.CALL, MOBILE),
        ({"own": FULL, "open_kinds": frozenset()}, Kind.DOOR, None),
        (
            {"own": (), "contacts": (SON, SON_SMS), "open_kinds": frozenset({Kind.SMS})},
            Kind.SMS,
            SON_SMS,
        ),
        # who is promised for
        ({"own": FULL, "passed_on": True}, Kind.DOOR, None),
        # ladders or needs that have changed since
        ({"own": FULL, "rung": 4, "needs": DEAF}, Kind.DOOR, None),
        ({"own": FULL, "rung": 40}, Kind.DOOR, None),
        ({"own": FULL, "tries": 99}, Kind.SMS, SMS),
    ],
)
def test_the_next_step_follows_the_ladder(
    case: dict[str, object], kind: Kind, address: AddressView | None
) -> None:
    step = _step(**case)
    assert (step.kind, step.address_id) == (kind, address.id if address else None)


@pytest.mark.parametrize(
    ("case", "skips"),
    [
        ({"own": (LANDLINE,)}, {"chat": "no_address", "sms": "no_address"}),
        ({"own": (OUT, SMS)}, {"chat": "opted_out"}),
        ({"own": FULL, "failed": frozenset({CHAT.id})}, {"chat": "address_failed"}),
        ({"own": FULL, "open_kinds": frozenset({Kind.SMS})}, {"chat": "no_sender"}),
        ({"own": FULL, "tries": 1}, {}),
        ({"own": (SMS,), "rung": 1, "tries": 1}, {"call": "no_address", "contact": "no_contact"}),
        ({"own": (SMS,), "rung": 1, "skips": {"chat": "no_sender"}}, {"chat": "no_sender"}),
    ],
)
def test_a_step_passed_over_leaves_its_reason(
    case: dict[str, object], skips: dict[str, str]
) -> None:
    assert _step(**case).skips == skips


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"own": ()}, Reason.NO_PATH),
        ({"own": (OUT,)}, Reason.NO_PATH),
        ({"own": FULL, "open_kinds": frozenset()}, Reason.NO_PATH),
        ({"own": FULL, "rung": 2, "tries": 2}, Reason.LADDER_EXHAUSTED),
        ({"own": FULL, "passed_on": True}, Reason.PASSED_ON),
    ],
)
def test_the_door_says_why(case: dict[str, object], reason: Reason) -> None:
    assert _step(**case).reason is reason


def test_every_ladder_comes_to_the_door() -> None:
    for needs in (frozenset(), ELDERLY, DEAF):
        rung = tries = steps = 0
        while (step := _step(FULL, (SON,), needs, rung=rung, tries=tries)).kind is not Kind.DOOR:
            rung, tries, steps = step.rung, step.tries + 1, steps + 1
        assert 0 < steps < 10
        assert step.reason is Reason.LADDER_EXHAUSTED


@pytest.mark.parametrize("severity", list(Severity))
def test_a_step_waits_as_the_ladder_file_says(severity: Severity) -> None:
    assert _step(FULL, severity=severity).wait == LADDERS.waits["chat"][severity]


def test_a_step_does_not_change_what_it_was_given() -> None:
    skips: dict[str, str] = {}
    step = _step((LANDLINE,), skips=skips)
    assert (skips, step.at) == ({}, NOW)


class TestQuiet:
    """It is 23:00 in Shanghai; calls wait from 21:30, messages milder than Moderate from 22:30."""

    @pytest.mark.parametrize(
        ("case", "kind", "at"),
        [
            ({"own": (LANDLINE,), "severity": Severity.EXTREME}, Kind.CALL, NIGHT),
            ({"own": (LANDLINE,), "severity": Severity.SEVERE}, Kind.CALL, NIGHT),
            ({"own": (LANDLINE,), "severity": Severity.MODERATE}, Kind.CALL, MORNING),
            ({"own": FULL, "severity": Severity.MODERATE}, Kind.CHAT, NIGHT),
            ({"own": FULL, "severity": Severity.MINOR}, Kind.CHAT, MORNING),
            ({"own": FULL, "severity": Severity.UNKNOWN}, Kind.CHAT, MORNING),
            ({"own": FULL, "severity": Severity.MODERATE, "needs": ELDERLY}, Kind.CALL, MORNING),
            ({"own": (), "contacts": (SON, SON_SMS), "severity": Severity.MODERATE}, Kind.CALL, MORNING),
            ({"own": (), "severity": Severity.MINOR}, Kind.DOOR, NIGHT),
        ],
    )  # fmt: skip
    def test_a_step_waits_for_the_morning_unless_it_is_severe(
        self, case: dict[str, object], kind: Kind, at: datetime
    ) -> None:
        step = _step(**case, now=NIGHT)
        assert (step.kind, step.at) == (kind, at)

    def test_a_step_that_waits_is_not_passed_over(self) -> None:
        step = _step(FULL, now=NIGHT, severity=Severity.MINOR, rung=2, tries=1)
        assert (step.rung, step.tries, step.skips, step.at) == (2, 1, {}, MORNING)

    def test_nobody_waits_for_a_morning_after_the_end(self) -> None:
        step = _step(
            FULL, (), ELDERLY, now=NIGHT, severity=Severity.MODERATE,
            expires_at=NIGHT + timedelta(hours=3),
        )  # fmt: skip
        assert (step.kind, step.at) == (Kind.SMS, NIGHT)
        assert step.skips == {"call": "quiet_hours", "second": "no_address"}

    def test_the_door_list_says_that_it_was_the_night(self) -> None:
        ends = NIGHT + timedelta(hours=3)
        step = _step((LANDLINE,), now=NIGHT, severity=Severity.MODERATE, expires_at=ends)
        assert (step.kind, step.reason) == (Kind.DOOR, Reason.QUIET_HOURS)

    def test_quiet_hours_are_the_communitys_own(self) -> None:
        quiet = (Quiet(time(22), time(7), frozenset({Kind.CHAT}), Severity.SEVERE),)
        given = Standing(Severity.MINOR), Recipient(own=FULL), replace(LADDERS, quiet=quiet), ALL
        told = {
            zone: next_step(*given, NOW, ZoneInfo(zone)).at for zone in ("Asia/Shanghai", "UTC")
        }
        assert told == {"Asia/Shanghai": NOW, "UTC": NOW.replace(hour=7)}


class TestRest:
    """A number that was called often within the hour is passed over, not waited for."""

    @pytest.mark.parametrize(
        ("case", "address", "skips"),
        [
            ({"own": FULL, "rung": 2}, None, {"call": "called_often", "contact": "no_contact"}),
            ({"own": FULL, "rung": 2, "contacts": (SON,)}, SON, {"call": "called_often"}),
            ({"own": (MOBILE, LANDLINE), "rung": 2}, LANDLINE, {}),
            ({"own": FULL}, CHAT, {}),
        ],
    )
    def test_the_ladder_goes_on(
        self, case: dict[str, object], address: AddressView | None, skips: dict[str, str]
    ) -> None:
        step = _step(**case, rested=frozenset({MOBILE.id}))
        assert (step.address_id, step.skips) == (address.id if address else None, skips)

    def test_who_has_nothing_but_a_rested_number_is_visited_for_that(self) -> None:
        step = _step((MOBILE,), rested=frozenset({MOBILE.id}))
        assert (step.kind, step.reason) == (Kind.DOOR, Reason.CALLED_OFTEN)


class TestPause:
    """A provider has asked for a rest: chat is closed for ten minutes."""

    UNTIL = NOW + timedelta(minutes=10)

    @pytest.mark.parametrize(
        ("case", "address", "at"),
        [
            ({"own": FULL}, SMS, NOW),
            ({"own": (CHAT,)}, CHAT, UNTIL),
            ({"own": (CHAT,), "contacts": (SON,)}, SON, NOW),
            ({"own": (CHAT,), "tries": 1}, None, NOW),
            ({"own": (CHAT,), "passed_on": True}, None, NOW),
            ({"own": (CHAT,), "expires_at": UNTIL}, None, NOW),
            ({"own": (CHAT,), "failed": frozenset({CHAT.id})}, None, NOW),
        ],
    )
    def test_only_who_has_nothing_else_waits(
        self, case: dict[str, object], address: AddressView | None, at: datetime
    ) -> None:
        open_kinds = ALL - {Kind.CHAT}
        step = _step(**case, open_kinds=open_kinds, paused={Kind.CHAT: self.UNTIL})
        assert (step.address_id, step.at) == (address.id if address else None, at)
