"""What a draft must fulfil before it may be kept, and before it may be told."""

from datetime import datetime

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from content import alert as alerts
from content import draft as drafts
from content import people, store
from content.alert import MsgType, ReviewError, Revision, Severity, Urgency
from content.draft import EVERYBODY, Draft
from content.message import Written
from content.people import Audience
from content.place import Place


class AskFirst(ReviewError):  # noqa: N818 - it asks, nothing went wrong
    """The same text runs for the same audience: ask, then publish with `again=True`."""


def keepable(session: Session, content: Draft, now: datetime) -> None:
    """Refuse what no draft may be, not even a half-written one; raises ReviewError."""
    for language in content.texts:
        if language not in set(Written):
            known = "、".join(Written)
            raise ReviewError(
                f"不认识语言 {language}，可以用 {known}。 Unknown language {language}: use {known}."
            )
    if Written.HANS not in content.texts:
        raise ReviewError("必须有简体中文（zh-Hans）文本。 A text in zh-Hans is required.")
    if content.expires <= now:
        raise ReviewError(
            "有效期已经过了，请改晚一些。 This alert has expired: set a later expiry."
        )
    color = content.color
    if color is not None and color.severity is not content.severity:
        raise ReviewError(
            f"{color}色对应的级别是 {color.severity}，请改成一致。 "
            f"The colour {color} stands for {color.severity}: make them agree."
        )
    if content.audience != EVERYBODY:
        _somebody(session, content.audience)


def tellable(session: Session, content: Draft, now: datetime) -> None:
    """Refuse what residents may not be told as it is; raises ReviewError."""
    keepable(session, content, now)
    for language, text in content.texts.items():
        if not text.headline.strip() or not text.description.strip():
            raise ReviewError(
                f"{language} 文本还缺标题或正文。 The {language} text needs a headline and a text."
            )
        if not text.cancel_text.strip():
            raise ReviewError(
                f"{language} 文本还缺解除用语，取消时要用。 "
                f"The {language} text needs its cancel text, to be ready when it is needed."
            )
    if not content.event.strip():
        raise ReviewError("请写明是什么事（例如 暴雨、停水）。 Say what the alert is about.")
    _somebody(session, content.audience)


def as_seen(content: Draft, seen: str) -> None:
    """Refuse to approve what is not the text that was shown; raises ReviewError."""
    if not content.content_hash.startswith(seen):
        raise ReviewError(
            "内容刚刚改过，请再看一遍。 The text has just been changed: please read it again."
        )


def extreme(content: Draft) -> None:
    """Refuse the emergency path to what is not Extreme and Immediate; raises ReviewError."""
    if (content.severity, content.urgency) != (Severity.EXTREME, Urgency.IMMEDIATE):
        raise ReviewError(
            "只有特别严重（Extreme）并且立即（Immediate）的通知才能紧急发布。 "
            "Only an alert that is Extreme and Immediate may be published as an emergency."
        )


def unsaid(session: Session, revision: Revision, content: Draft, now: datetime) -> None:
    """Raise AskFirst where another alert says the same to the same audience and still runs."""
    if revision.msg_type is not MsgType.ALERT:
        return
    for other in alerts.running(session, now):
        said = drafts.read(session, other)
        same = said.audience == content.audience and said.status is content.status
        if same and _bodies(said) == _bodies(content):
            alert = alerts.get(session, other.alert_id)
            raise AskFirst(
                f"同样的内容（{alert.code}）正在发给同样的居民，还要再发吗？ "
                f"{alert.code} tells the same residents the same: publish once more?"
            )


def _bodies(content: Draft) -> dict[Written, str]:
    return {language: "".join(text.body.split()) for language, text in content.texts.items()}


def _somebody(session: Session, audience: Audience) -> None:
    here = store.community(session)
    for path in audience.places:
        known = select(literal(1)).where(
            Place.community_id == here, Place.path.startswith(path, autoescape=True)
        )
        if session.scalar(known.limit(1)) is None:
            raise ReviewError(f"没有这个地方：{path}。 There is no place {path}.")
    # a look for one, not a count: this runs on the send path
    if session.scalar(people.select(session, audience).limit(1)) is None:
        raise ReviewError("这个范围里没有居民，请重选。 This audience holds nobody: choose again.")
