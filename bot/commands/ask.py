"""Questions to the desk: in a private chat, by SMS, in a group, and what was chosen of a list."""

import contextlib
import re
import uuid
from datetime import timedelta

from bot.turn import Acknowledge, Effect, Say, Turn, tell
from content import callback, outcome, phrase
from content.message import Kind
from verification import case, desk, learning
from verification.case import Attachment, Heard, Question, State
from verification.fact import Refused

CHECK = "/check"
USEFUL = frozenset({"有用", "很有用", "useful"})
NOT_MINE = frozenset({"不是我问的", "这不是我问的", "not what i asked"})
_ENDS = "。.!！~～ "
_LATELY = timedelta(hours=24)
"""How long after an answer a bare word is about it."""


def question(turn: Turn, text: str | None = None) -> list[Effect]:
    """Give a text to the desk; its answer leaves through the outbox."""
    desk.hear(turn.session, turn.house.base, asked(turn, text), turn.now, turn.house.limits)
    return []


def take(turn: Turn) -> list[Effect]:
    """Take a text down as a case without judging it: when judging has failed."""
    desk.take(turn.session, asked(turn), turn.now, turn.house.limits)
    return []


def media(turn: Turn, file: Attachment | None) -> list[Effect]:
    """Take down a photo, voice note or file."""
    if turn.event.group:
        return group(turn, file)
    desk.hear(turn.session, turn.house.base, asked(turn, file=file), turn.now, turn.house.limits)
    return []


def group(turn: Turn, file: Attachment | None = None) -> list[Effect]:
    """Answer /check or a mention in a group: an answer or "being checked", never more.

    A reply to something the bot has said there is talk between neighbours, as is everything else.
    """
    if not _called(turn):
        return []
    matter = asked(turn, file=file)
    if not matter.matter and file is None:
        return [Say(turn.chat, phrase.say("join.group_check_empty", turn.language()))]
    reply = desk.hear(turn.session, turn.house.base, matter, turn.now, turn.house.limits)
    text = reply.group_text or phrase.say("case.group", turn.language())
    if turn.house.username:
        link = f"https://t.me/{turn.house.username}?start=q_{reply.question_id.hex}"
        text += f"\n{phrase.say('case.group_private', turn.language())} {link}"
    return [Say(turn.chat, text, what=reply.urgent)]


def private(turn: Turn, payload: str) -> list[Effect]:
    """Continue a group's question in the private chat that its link has opened."""
    try:
        heard = case.get(turn.session, uuid.UUID(payload.removeprefix("q_")))
    except ValueError:
        heard = None
    # what was asked in private is not continued by somebody else
    if heard is None or not heard.group:
        return [Say(turn.chat, phrase.say("join.help", turn.language()))]
    mine, area = turn.address_id(), turn.area()
    desk.again(turn.session, turn.house.base, heard.id, mine, turn.now, area, turn.house.limits)
    return []


def choose(turn: Turn, ref: str, option: str) -> list[Effect]:
    """Take a button under a list of facts, or 都不是 under an answer."""
    heard = _answered(turn, ref)
    if heard is None:
        return [_note(turn, "confirm.not_yours")]
    before = heard.state
    try:
        reply = desk.choose(
            turn.session, turn.house.base, heard.id, option, turn.now, turn.house.limits
        )
    except Refused as refused:
        return [Acknowledge(turn.event.callback_id, str(refused))]
    if reply.state is State.WAITING:
        return [_note(turn, "confirm.not_mine", number=reply.number)]
    return [
        Acknowledge(turn.event.callback_id)
        if before is State.ASKED_BACK
        else _note(turn, "confirm.again")
    ]


def choose_by_key(turn: Turn, ref: str) -> bool:
    """Take a key in a call that asked which fact is meant; False where the call asked no such."""
    heard = _answered(turn, ref)
    if heard is None or heard.state is not State.ASKED_BACK:
        return False
    chosen(turn, heard)
    # the call goes on, and waits for it
    callback.hold(turn.session, turn.event.address, turn.now + callback.ON_THE_LINE)
    return True


def chosen(turn: Turn, heard: Heard) -> None:
    """Take a key that chooses among facts; one that was not offered chooses nothing."""
    base, limits, event = turn.house.base, turn.house.limits, turn.event
    with contextlib.suppress(Refused):
        reply = desk.choose(turn.session, base, heard.id, event.key, turn.now, limits)
        if event.key in desk.NONE:
            # the call itself has said that it is being checked: nobody is called to hear it again
            here = callback.Call(turn.sender, event.provider_id)
            for notice_id in reply.notices:
                callback.told(turn.session, notice_id, event.address, here, turn.now)


def useful(turn: Turn, ref: str) -> list[Effect]:
    """Take 有用 under an answer."""
    heard = _answered(turn, ref)
    if heard is None:
        return [_note(turn, "confirm.not_yours")]
    learning.useful(turn.session, heard, turn.now)
    return [_note(turn, "confirm.useful")]


def marked(turn: Turn, text: str) -> list[Effect] | None:
    """Take 有用 or 不是我问的 in words, by SMS too, as a mark of the last answer; None: neither."""
    word = text.strip(_ENDS).lower()
    if word not in USEFUL | NOT_MINE:
        return None
    states = (State.ANSWERED, State.ASKED_BACK) if word in NOT_MINE else (State.ANSWERED,)
    heard = case.last(turn.session, turn.known_address(), turn.now - _LATELY, *states)
    if heard is None:
        return None
    if word in NOT_MINE:
        desk.choose(turn.session, turn.house.base, heard.id, "none", turn.now, turn.house.limits)
        return []
    learning.useful(turn.session, heard, turn.now)
    return tell(turn, "confirm.useful") if turn.kind is Kind.CHAT else []


def asked(turn: Turn, text: str | None = None, *, file: Attachment | None = None) -> Question:
    """Return what is asked: the text without its command, or the message that it replies to."""
    event = turn.event
    text = event.text.strip() if text is None else text
    checks = _command(text) == CHECK
    if checks:
        _, _, text = text.replace("\n", " ", 1).partition(" ")
    if turn.house.username:
        text = re.sub(f"@{re.escape(turn.house.username)}", "", text, flags=re.IGNORECASE).strip()
    return Question(
        text=text,
        address_id=None if event.group else turn.address_id(),
        channel=turn.kind,
        language=turn.language(),
        area=turn.area(),
        group=event.group,
        forwarded=event.forwarded,
        quoted=event.quoted if event.group or checks else "",
        attachment=file,
    )


def _answered(turn: Turn, ref: str) -> Heard | None:
    """Return the question that an attempt has answered, if who acts has asked it."""
    attempt = outcome.by_ref(turn.session, ref)
    heard = case.by_notice(turn.session, attempt.notice_id, attempt.address_id) if attempt else None
    return heard if heard is not None and heard.address_id == turn.address_id() else None


def _called(turn: Turn) -> bool:
    """Say whether the bot was called by its command or by its name."""
    text = turn.event.text.lower()
    if text.startswith("/"):
        return turn.event.addressed and _command(text) == CHECK
    name = turn.house.username.lower()
    return turn.event.addressed and (not name or f"@{name}" in text)


def _command(text: str) -> str:
    """Return the command that a text begins with, without the bot's name; "" for none."""
    word = (text.split() or [""])[0].partition("@")[0].lower()
    return word if word.startswith("/") else ""


def _note(turn: Turn, key: str, **values: object) -> Acknowledge:
    said = phrase.say(key, turn.language(), **values)
    return Acknowledge(turn.event.callback_id, said)
