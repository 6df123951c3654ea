"""Questions to the desk: in a private chat, by SMS, in a group, and what was chosen of a list."""

import uuid

from bot.turn import Acknowledge, Effect, Say, Turn
from content import outcome, phrase
from verification import case, desk
from verification.case import Attachment, Question


def question(turn: Turn) -> list[Effect]:
    """Give a text to the desk; its answer leaves through the outbox."""
    desk.hear(turn.session, turn.house.base, _question(turn), turn.now)
    return []


def take(turn: Turn) -> list[Effect]:
    """Take a text down as a case without judging it: when judging has failed."""
    desk.take(turn.session, _question(turn), turn.now)
    return []


def media(turn: Turn, file: Attachment | None) -> list[Effect]:
    """Take down a photo, voice note or file; in a group only when the bot was addressed."""
    if turn.event.group and not turn.event.addressed:
        return []
    desk.hear(turn.session, turn.house.base, _question(turn, file), turn.now)
    return []


def group(turn: Turn) -> list[Effect]:
    """Answer /check or a mention in a group: an answer or "being checked", never more."""
    if not turn.event.addressed:
        return []
    asked = _question(turn)
    if not asked.matter:
        return [Say(turn.chat, phrase.say("join.group_check_empty", turn.language()))]
    reply = desk.hear(turn.session, turn.house.base, asked, turn.now)
    text = reply.group_text or phrase.say("case.group", turn.language())
    if turn.house.username:
        link = f"https://t.me/{turn.house.username}?start=q_{reply.question_id.hex}"
        text += f"\n{phrase.say('case.group_private', turn.language())} {link}"
    return [Say(turn.chat, text)]


def private(turn: Turn, payload: str) -> list[Effect]:
    """Continue a group's question in the private chat that its link has opened."""
    try:
        question_id = uuid.UUID(payload.removeprefix("q_"))
        desk.again(
            turn.session,
            turn.house.base,
            question_id,
            turn.address_id(),
            turn.now,
            turn.area(),
        )
    except (ValueError, KeyError):
        return [Say(turn.chat, phrase.say("join.help", turn.language()))]
    return []


def choose(turn: Turn, ref: str, option: str) -> list[Effect]:
    """Take a button under a list of facts, or 都不是 under an answer."""
    attempt = outcome.by_ref(turn.session, ref)
    heard = case.by_notice(turn.session, attempt.notice_id, attempt.address_id) if attempt else None
    if heard is None or heard.address_id != turn.address_id():
        return [_note(turn, "confirm.not_yours")]
    desk.choose(turn.session, turn.house.base, heard.id, option, turn.now)
    return [Acknowledge(turn.event.callback_id)]


def _question(turn: Turn, file: Attachment | None = None) -> Question:
    event = turn.event
    text = event.text.strip()
    if text.startswith("/"):
        text = text.partition(" ")[2]
    if turn.house.username:
        text = text.replace(f"@{turn.house.username}", "").strip()
    return Question(
        text=text,
        address_id=None if event.group else turn.address_id(),
        channel=turn.kind,
        language=turn.language(),
        area=turn.area(),
        group=event.group,
        forwarded=event.forwarded,
        quoted=event.quoted if event.group else "",
        attachment=file,
    )


def _note(turn: Turn, key: str) -> Acknowledge:
    return Acknowledge(turn.event.callback_id, phrase.say(key, turn.language()))
