import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from content import closing, notice
from content.delivery import DeliveryState
from content.message import Written
from tests.content import outbox
from tests.content.office import Office, of, published


def test_a_notice_keeps_its_text_as_it_was_made(session: Session, now: datetime) -> None:
    fields = {"text": "好。"}
    made = notice.make(
        session,
        kind=notice.NoticeKind.REPLY,
        texts={Written.HANS: fields},
        severity=outbox.Severity.MINOR,
        confirms=False,
        expires_at=now,
        now=now,
    )
    fields["text"] = "changed"
    assert notice.texts(session, made.id) == {Written.HANS: {"text": "好。"}}


def test_an_unknown_notice_is_an_error(session: Session) -> None:
    with pytest.raises(KeyError):
        notice.get(session, uuid.uuid4())


def test_the_last_notice_of_an_alert_is_its_newest(session: Session, now: datetime) -> None:
    about = outbox.alert(session, now)
    outbox.tell(session, now, alert_id=about)
    newest = outbox.tell(session, now + timedelta(minutes=1), alert_id=about)
    assert notice.last(session, about).id == newest.id
    assert notice.last(session, uuid.uuid4()) is None


def test_what_is_over_expires_with_its_open_deliveries(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now, hours=1)
    lasting = outbox.tell(session, now, hours=2)
    later = now + timedelta(hours=1)
    assert notice.expire(session, later) == [made.id]
    closing.close(session, [made.id], later)
    states = [outbox.delivery(session, one, who).state for one in (made, lasting)]
    assert states == [DeliveryState.EXPIRED, DeliveryState.OPEN]


def test_a_published_alert_is_told_in_the_words_that_were_approved(
    session: Session, office: Office, now: datetime
) -> None:
    row, made = published(session, office, now)
    fields = notice.texts(session, made.id)[Written.HANS]
    assert fields["headline"] == office.draft.texts[Written.HANS].headline
    assert (fields["code"], made.severity, made.revision_id) == (
        of(session, row).code,
        row.severity,
        row.id,
    )
