"""The review in chat: each step is a button under a page that goes to who may take it."""

from dataclasses import replace
from typing import Any

from bot.commands import broadcast, dialogue, pages, preview
from bot.turn import Acknowledge, Effect, Follow, Say, Turn
from content import alert as alerts
from content import condition, phrase
from content import draft as drafts
from content import review as reviews
from content.alert import Alert, ReviewError, Revision, Stage
from content.message import Action, Button, Written
from content.place import PlaceError
from content.review import AskFirst


def press(turn: Turn, value: str) -> list[Effect]:
    """Take a button of the review: `step.code.seen`, `seen` being the text's hash as shown."""
    step, _, rest = value.partition(".")
    code, _, seen = rest.partition(".")
    done = Acknowledge(turn.event.callback_id)
    if turn.staff() is None:
        return [Acknowledge(turn.event.callback_id, _word("staff.unknown"))]
    try:
        return [done, *_step(turn, step, code, seen)]
    except AskFirst as question:
        return [done, _again(turn, str(question), f"{code}.{seen}")]
    except (ReviewError, PlaceError) as error:
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
    return [Say(turn.chat, said)]


def _step(turn: Turn, step: str, code: str, seen: str) -> list[Effect]:
    alert = alerts.get(turn.session, code)
    revision = alerts.current(turn.session, alert)
    match step:
        case "submit" | "submit_urgent":
            return _submit(turn, alert, urgent=step == "submit_urgent")
        case "verify":
            reviews.verify(turn.session, turn.actor(), revision, turn.now, seen=seen)
            return _passed(turn, alert, "staff.verified")
        case "edited":
            content = drafts.read(turn.session, revision)
            condition.as_seen(content, seen)
            reviews.edit(turn.session, turn.actor(), revision, content, turn.now)
            return _passed(turn, alert, "staff.edited")
        case "publish" | "again" | "urgent":
            return _publish(turn, alert, revision, step, seen)
        case "return" | "edit":
            dialogue.ask(turn, f"review.{step}", code=alert.code)
            key = "staff.return_reason" if step == "return" else "staff.broadcast_text"
            return [Say(turn.chat, _word(key))]
        case "show" | "rework" | "discard":
            return _aside(turn, alert, revision, step)
    return broadcast.press(turn, step, alert.code)


def _aside(turn: Turn, alert: Alert, revision: Revision, step: str) -> list[Effect]:
    """Do what is no step of the review: show the draft in every form, write it anew, give it up."""
    if step == "show":
        return preview.show(turn, revision)
    if step == "rework":
        return broadcast.rework(turn, alert.code)
    dialogue.settle(turn)
    return [Say(turn.chat, _word("staff.broadcast_dropped", code=alert.code))]


def _submit(turn: Turn, alert: Alert, *, urgent: bool) -> list[Effect]:
    """Hand the draft to who may verify it; in an emergency to who may publish it."""
    revision = alerts.current(turn.session, alert)
    condition.tellable(turn.session, drafts.read(turn.session, revision), turn.now)
    preview.fit(turn, revision)
    stuck = pages.ask_next(turn, alert, urgent=urgent and pages.extreme(revision))
    role = "staff.role_publisher" if urgent else "staff.role_verifier"
    return stuck or [Say(turn.chat, _word("staff.waiting", code=alert.code, role=_word(role)))]


def _passed(turn: Turn, alert: Alert, key: str) -> list[Effect]:
    stuck = pages.ask_next(turn, alert)
    return [Say(turn.chat, _word(key, code=alert.code)), *stuck]


def _return(turn: Turn, alert: Alert, revision: Revision, reason: str) -> list[Effect]:
    reviews.send_back(turn.session, turn.actor(), revision, reason, turn.now)
    dialogue.settle(turn)
    said = _word("staff.returned", code=alert.code, name=pages.name(turn), reason=reason)
    pages.send(turn, [revision.author_id], said, [("staff.rework", "rework")], alert.code)
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
    stuck = pages.ask_next(turn, alert)
    unclear = broadcast.unclear(turn, Written.HANS, written)
    if changed:
        said = "\n".join((_word("staff.refused_facts"), *changed))
        return [Say(turn.chat, said), *unclear, *stuck]
    return [Say(turn.chat, _word("staff.edited", code=alert.code)), *unclear, *stuck]


def _publish(turn: Turn, alert: Alert, revision: Revision, step: str, seen: str) -> list[Effect]:
    """Publish; the emergency path only from its own button or where the review is not over."""
    before = revision.stage
    if step != "urgent":
        # in an emergency everybody whom no SMS reaches is reached by the next step
        preview.fit(turn, revision)
    made = reviews.publish(
        turn.session,
        turn.actor(),
        revision,
        turn.now,
        emergency=step == "urgent" or (step == "again" and before is not Stage.EDITED),
        again=step == "again",
        seen=seen,
    )
    if before is Stage.PUBLISHED:
        return [Say(turn.chat, _word("staff.done_already"))]
    said = _word("staff.published", code=alert.code, count=made.expected)
    return [Say(turn.chat, said), Follow(turn.chat, alert.code, made.id)]


def _again(turn: Turn, question: str, shown: str) -> Say:
    yes = Button(_word("staff.publish"), Action.STAFF, f"again.{shown}")
    return Say(turn.chat, question, ((yes,),))


def _word(key: str, **values: Any) -> str:
    return phrase.say(key, Written.HANS, **values)
