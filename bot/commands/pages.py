"""The pages of the review: who is asked to take the next step, with which buttons."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.turn import Effect, Say, Turn
from content import alert as alerts
from content import clarity, event, expansion, identity, notice, people, phrase, transition
from content import draft as drafts
from content import review as reviews
from content.alert import Alert, ReviewError, Revision, Severity, Stage, Step, Urgency
from content.draft import Draft
from content.message import Action, Kind, Written
from content.notice import NoticeKind
from content.staff import Role

SEEN = 8
"""Hex digits of the text's hash in a button; with the rest they fit into Telegram's 64 bytes."""
_LASTS = timedelta(days=1)
_ASKED = "review.asked"


@dataclass(frozen=True, slots=True)
class Ask:
    """One step that somebody is asked to take: the role, and the buttons with their words."""

    step: Step
    role: Role
    buttons: tuple[tuple[str, str], ...]
    """The phrase of each label, and the word of its value."""


_RETURN = ("staff.return", "return")
_SHOW = ("staff.show", "show")
NEXT = {
    Stage.DRAFT: Ask(Step.VERIFY, Role.VERIFIER, (("staff.verify", "verify"), _SHOW, _RETURN)),
    Stage.VERIFIED: Ask(
        Step.EDIT,
        Role.EDITOR,
        (("staff.edit_done", "edited"), ("staff.edit", "edit"), _SHOW, _RETURN),
    ),
    Stage.EDITED: Ask(Step.PUBLISH, Role.PUBLISHER, (("staff.publish", "publish"), _SHOW, _RETURN)),
}
URGENT = Ask(Step.PUBLISH, Role.PUBLISHER, (("staff.publish_urgent", "urgent"), _SHOW, _RETURN))


def extreme(revision: Revision) -> bool:
    """Say whether the emergency path is open to a revision."""
    return (revision.severity, revision.urgency) == (Severity.EXTREME, Urgency.IMMEDIATE)


def ask_next(turn: Turn, alert: Alert, *, urgent: bool = False) -> list[Effect]:
    """Page who may take the next step; what was asked already is not asked twice.

    Who is barred by the review is left out; where nobody remains, whoever acts is told.
    """
    revision = alerts.current(turn.session, alert)
    ask = URGENT if urgent else NEXT.get(revision.stage)
    if ask is None:
        return []
    content = drafts.read(turn.session, revision)
    seen = content.content_hash[:SEEN]
    asked = {"step": ask.step.value, "stage": revision.stage.value, "seen": seen, "urgent": urgent}
    last = event.last(turn.session, _ASKED, revision.id)
    if last is not None and last.data == asked and last.at > turn.now - _LASTS:
        return []
    who = _able(turn, revision, ask, urgent=urgent)
    if not who:
        step = phrase.say(f"staff.step_{ask.step}", Written.HANS)
        return [
            Say(turn.chat, phrase.say("staff.nobody", Written.HANS, step=step, code=alert.code))
        ]
    event.add(turn.session, turn.actor(), _ASKED, revision.id, turn.now, **asked)
    body = content.texts[Written.HANS].body
    lines = [_lead(turn, alert, ask, urgent=urgent), body, *_changes(turn, revision, ask)]
    lines += _unclear(content) if ask.step is Step.EDIT else []
    send(turn, who, "\n".join(lines), ask.buttons, f"{alert.code}.{seen}")
    return []


def send(
    turn: Turn,
    staff_ids: Iterable[uuid.UUID],
    text: str,
    buttons: Sequence[tuple[str, str]],
    value: str,
) -> None:
    """Send members of staff a text with buttons `word.value`, through the outbox."""
    reach = people.addresses(turn.session, staff_ids)
    chats = [a.id for many in reach.values() for a in many if a.kind is Kind.CHAT]
    if not chats:
        return
    steps = [
        {"label": label, "action": Action.STAFF.value, "value": f"{word}.{value}"}
        for label, word in buttons
    ]
    made = notice.make(
        turn.session,
        kind=NoticeKind.PAGE,
        texts={Written.HANS: {"text": text, "steps": steps}},
        severity=Severity.SEVERE,
        confirms=False,
        expires_at=turn.now + _LASTS,
        now=turn.now,
        made_by=turn.actor().id,
    )
    expansion.direct(turn.session, made, chats, turn.now)


def name(turn: Turn) -> str:
    """Return the name of the member of staff who acts."""
    member = turn.staff()
    return member.name if member else ""


def _lead(turn: Turn, alert: Alert, ask: Ask, *, urgent: bool) -> str:
    values: dict[str, Any] = {"name": name(turn), "code": alert.code}
    if urgent:
        return phrase.say("staff.urgent", Written.HANS, **values)
    step = phrase.say(f"staff.step_{ask.step}", Written.HANS)
    return phrase.say("staff.asked", Written.HANS, step=step, **values)


def _changes(turn: Turn, revision: Revision, ask: Ask) -> list[str]:
    """Return what has changed since the text was verified, for who publishes."""
    if ask.step is not Step.PUBLISH or revision.stage is not Stage.EDITED:
        return []
    differences = reviews.difference(turn.session, revision)
    key = "staff.difference" if differences else "staff.no_difference"
    return [phrase.say(key, Written.HANS), *differences]


def _unclear(content: Draft) -> list[str]:
    """Return what the editor could make plainer."""
    found = clarity.warnings({language: text.body for language, text in content.texts.items()})
    return [phrase.say("staff.unclear", Written.HANS), *found] if found else []


def _able(turn: Turn, revision: Revision, ask: Ask, *, urgent: bool) -> list[uuid.UUID]:
    """Return who has the role and is not barred by what they have done in this revision."""
    taken = [(one.step, one.staff_id) for one in alerts.approvals(turn.session, revision)]
    found = []
    for member in identity.everyone(turn.session):
        roles = identity.roles(turn.session, member.id)
        if ask.role not in roles:
            continue
        parts = transition.parts(revision.author_id, taken, member.id)
        four = turn.community.reviewers == _FOUR
        try:
            transition.permit(ask.step, roles, parts, four=four, emergency=urgent)
        except ReviewError:
            continue
        found.append(member.id)
    return found


_FOUR = 4
