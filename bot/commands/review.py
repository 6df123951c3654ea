"""The review in chat: each step is a button under a page that goes to who may take it."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.commands import broadcast, dialogue
from bot.turn import Acknowledge, Effect, Follow, HangUp, Say, Turn
from content import alert as alerts
from content import draft as drafts
from content import expansion, identity, notice, outcome, people, phrase
from content import review as reviews
from content.alert import Alert, MsgType, ReviewError, Revision, Severity, Stage, Step
from content.message import Action, Button, Kind, Written
from content.notice import NoticeKind
from content.review import AskFirst
from content.staff import Role

_LASTS = timedelta(days=1)
_NEXT: dict[Stage, tuple[Role, tuple[str, ...]]] = {
    Stage.DRAFT: (Role.VERIFIER, ("verify", "return")),
    Stage.VERIFIED: (Role.EDITOR, ("edit_done", "edit", "return")),
    Stage.EDITED: (Role.PUBLISHER, ("publish", "return")),
}
"""Who is asked at which stage, with which buttons."""


def press(turn: Turn, value: str) -> list[Effect]:
    """Take a button of the review: `step.code`."""
    step, _, code = value.partition(".")
    done = Acknowledge(turn.event.callback_id)
    if turn.staff() is None:
        return [Acknowledge(turn.event.callback_id, _word("staff.unknown"))]
    try:
        return [done, *_step(turn, step, code)]
    except AskFirst as question:
        return [done, _again(turn, str(question), code)]
    except ReviewError as error:
        return [done, Say(turn.chat, str(error))]


def answer(turn: Turn, step: str, text: str, data: dict[str, Any]) -> list[Effect]:
    """Take the reason of a return, or the edited text."""
    alert = alerts.get(turn.session, data["code"])
    revision = alerts.current(turn.session, alert)
    try:
        if step == "return":
            return _return(turn, alert, revision, text)
        return _edit(turn, alert, revision, text)
    except ReviewError as error:
        return [Say(turn.chat, str(error))]


def cancel(turn: Turn, code: str) -> list[Effect]:
    """/cancel A12: tell everyone who was told that it is over."""
    try:
        alert = alerts.get(turn.session, code)
        made = reviews.cancel(turn.session, turn.actor(), alert, turn.now)
    except ReviewError as error:
        return [Say(turn.chat, str(error))]
    said = _word("staff.cancelled", code=alert.code, count=made.expected)
    return [Say(turn.chat, said), *_open_calls(turn, alert)]


def refuse(turn: Turn, key: str) -> list[Effect]:
    """Say why a step is not taken."""
    return [Say(turn.chat, _word(key))]


def _step(turn: Turn, step: str, code: str) -> list[Effect]:
    alert = alerts.get(turn.session, code)
    revision = alerts.current(turn.session, alert)
    actor = turn.actor()
    match step:
        case "submit":
            return _submit(turn, alert, revision)
        case "verify":
            reviews.verify(turn.session, actor, revision, turn.now)
            return _passed(turn, alert, revision, "staff.verified")
        case "edit_done":
            content = drafts.read(turn.session, revision)
            reviews.edit(turn.session, actor, revision, content, turn.now)
            return _passed(turn, alert, revision, "staff.edited")
        case "publish" | "again":
            return _publish(turn, alert, revision, again=step == "again")
        case "return" | "edit":
            dialogue.ask(turn, f"review.{step}", code=alert.code)
            key = "staff.return_reason" if step == "return" else "staff.broadcast_text"
            return [Say(turn.chat, _word(key))]
        case "rework":
            return broadcast.rework(turn, alert.code)
        case "discard":
            dialogue.settle(turn)
            return [Say(turn.chat, _word("staff.broadcast_dropped", code=alert.code))]
    return broadcast.press(turn, step, alert.code)


def _submit(turn: Turn, alert: Alert, revision: Revision) -> list[Effect]:
    """Hand the draft to who may verify it; in an emergency to the publishers as well."""
    _ask_next(turn, alert, revision)
    said = _word("staff.waiting", code=alert.code, role=_word("staff.role_verifier"))
    return [Say(turn.chat, said)]


def _passed(turn: Turn, alert: Alert, revision: Revision, key: str) -> list[Effect]:
    _ask_next(turn, alert, revision)
    return [Say(turn.chat, _word(key, code=alert.code))]


def _return(turn: Turn, alert: Alert, revision: Revision, reason: str) -> list[Effect]:
    reviews.send_back(turn.session, turn.actor(), revision, reason, turn.now)
    dialogue.settle(turn)
    member = turn.staff()
    said = _word(
        "staff.returned", code=alert.code, name=member.name if member else "", reason=reason
    )
    _page(turn, [revision.author_id], said, ("rework",), alert.code)
    return [Say(turn.chat, said)]


def _edit(turn: Turn, alert: Alert, revision: Revision, text: str) -> list[Effect]:
    """Change the wording; what touches a fact sends the draft back to be verified."""
    content = drafts.read(turn.session, revision)
    written = broadcast.parse(text)
    old = content.texts[Written.HANS]
    texts = {**content.texts, Written.HANS: replace(written, cancel_text=old.cancel_text)}
    changed = reviews.edit(
        turn.session, turn.actor(), revision, replace(content, texts=texts), turn.now
    )
    dialogue.settle(turn)
    _ask_next(turn, alert, revision)
    if changed:
        return [Say(turn.chat, "\n".join((_word("staff.refused_facts"), *changed)))]
    return [Say(turn.chat, _word("staff.edited", code=alert.code))]


def _publish(turn: Turn, alert: Alert, revision: Revision, *, again: bool) -> list[Effect]:
    emergency = revision.severity is Severity.EXTREME and revision.stage in (
        Stage.DRAFT,
        Stage.RETURNED,
    )
    before = revision.stage
    made = reviews.publish(
        turn.session, turn.actor(), revision, turn.now, emergency=emergency, again=again
    )
    if before is Stage.PUBLISHED:
        return [Say(turn.chat, _word("staff.done_already"))]
    calls = _open_calls(turn, alert) if made.msg_type is MsgType.UPDATE else []
    said = _word("staff.published", code=alert.code, count=made.expected)
    return [Say(turn.chat, said), Follow(turn.chat, alert.code, made.id), *calls]


def _ask_next(turn: Turn, alert: Alert, revision: Revision) -> None:
    """Page everybody who may take the next step, except who is barred by the review anyway."""
    revision = alerts.current(turn.session, alert)
    if revision.stage not in _NEXT:
        return
    role, steps = _NEXT[revision.stage]
    step = _word(f"staff.step_{_STEP_WORD[role]}")
    member = turn.staff()
    lead = _word("staff.asked", name=member.name if member else "", step=step, code=alert.code)
    body = drafts.read(turn.session, revision).texts[Written.HANS].body
    lines = [lead, body]
    if role is Role.PUBLISHER:
        differences = reviews.difference(turn.session, revision)
        lines += [_word("staff.difference" if differences else "staff.no_difference"), *differences]
    who = [one for one in _with_role(turn, role) if one != revision.author_id]
    _page(turn, who, "\n".join(lines), steps, alert.code)


_STEP_WORD = {
    Role.VERIFIER: Step.VERIFY.value,
    Role.EDITOR: Step.EDIT.value,
    Role.PUBLISHER: Step.PUBLISH.value,
}


def _with_role(turn: Turn, role: Role) -> list[uuid.UUID]:
    return [
        member.id
        for member in identity.everyone(turn.session)
        if member.left_at is None and role in identity.roles(turn.session, member.id)
    ]


def _page(
    turn: Turn, staff_ids: list[uuid.UUID], text: str, steps: tuple[str, ...], code: str
) -> None:
    """Send members of staff a text with buttons, through the outbox."""
    reach = people.addresses(turn.session, staff_ids)
    chats = [a.id for many in reach.values() for a in many if a.kind is Kind.CHAT]
    if not chats:
        return
    fields = {
        "text": text,
        "steps": [
            {"label": f"staff.{step}", "action": "staff", "value": f"{step}.{code}"}
            for step in steps
        ],
    }
    made = notice.make(
        turn.session,
        kind=NoticeKind.PAGE,
        texts={Written.HANS: fields},
        severity=Severity.SEVERE,
        confirms=False,
        expires_at=turn.now + _LASTS,
        now=turn.now,
        made_by=turn.actor().id,
    )
    expansion.direct(turn.session, made, chats, turn.now)


def _again(turn: Turn, question: str, code: str) -> Say:
    yes = Button(_word("staff.publish"), Action.STAFF, f"again.{code}")
    return Say(turn.chat, question, ((yes,),))


def _open_calls(turn: Turn, alert: Alert) -> list[Effect]:
    """Return the calls of earlier revisions that are still waiting at a provider."""
    return [
        HangUp(sender, provider_id)
        for sender, provider_id in outcome.open_calls(turn.session, alert.id)
    ]


def _word(key: str, **values: Any) -> str:
    return phrase.say(key, Written.HANS, **values)
