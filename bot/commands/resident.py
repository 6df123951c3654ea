"""Residents in the chat app: register with a code, consent, language, needs; stop, be forgotten."""

from bot import rights
from bot.commands import ask, dialogue, menu
from bot.turn import Acknowledge, Effect, Rows, Say, Turn
from content import code as codes
from content import identity, people, phrase
from content.event import Actor, Door
from content.message import Action, Button, Kind, Written
from content.people import Consent, Need, OwnerKind, Resident
from content.place import Place
from content.staff import CredentialKind

_LANGUAGES = {"hans": Written.HANS, "hant": Written.HANT, "en": Written.ENGLISH}
_CODE = 24
"""The longest text that may be a code, without its blanks."""
_ASKED = "join.code"


def start(turn: Turn, payload: str) -> list[Effect]:
    """Begin: with a code ask for consent, with a group's question answer it, else ask for one."""
    if payload.startswith("q_"):
        return ask.private(turn, payload)
    if payload:
        return _code(turn, payload)
    if turn.residents():
        door = Actor(Door.CHAT, turn.residents()[0].id)
        people.set_consent(
            turn.session, Kind.CHAT, turn.event.address, Consent.GRANTED, Door.CHAT, door, turn.now
        )
        return [_say(turn, "join.already")]
    dialogue.ask(turn, _ASKED)
    return [_say(turn, "join.welcome", community=turn.community.name)]


def typed(turn: Turn, text: str) -> list[Effect] | None:
    """Take a text that is meant as a code from somebody who has not registered; None: it is not.

    After /start one word of letters and digits is a code, right or wrong. At any other time a wrong
    one must look like a code, or every short word would be refused and no question heard.
    """
    plain = codes.compact(text)
    if turn.residents() or turn.staff() or not plain or len(plain) > _CODE or not plain.isascii():
        return None
    just_asked = dialogue.asked(turn)[0] == _ASKED
    meant = codes.looks_like(text) or (just_asked and any(map(str.isdigit, plain)))
    if not meant and codes.find(turn.session, text, turn.now) is None:
        return None
    return _code(turn, text)


def press(turn: Turn, action: str, value: str) -> list[Effect]:
    """Take a button of the registration, or of /forget."""
    done = Acknowledge(turn.event.callback_id)
    if action == Action.FORGET:
        return [done, *_forget(turn, value)]
    what, _, rest = value.partition(".")
    match what:
        case "yes":
            return [done, *_redeem(turn, rest)]
        case "no":
            return [done, _say(turn, "join.consent_no")]
        case "lang":
            return [done, *_language(turn, rest)]
        case "need":
            return [done, *_need(turn, rest)]
    return [done]


def stop(turn: Turn) -> list[Effect]:
    """Opt out of messages in this chat."""
    people.set_consent(
        turn.session,
        Kind.CHAT,
        turn.event.address,
        Consent.WITHDRAWN,
        Door.CHAT,
        turn.actor(),
        turn.now,
    )
    return [_say(turn, "join.stopped")]


def forget(turn: Turn) -> list[Effect]:
    """Ask before everything about this person is erased."""
    language = turn.language()
    buttons: Rows = (
        (
            Button(phrase.say("button.yes", language), Action.FORGET, "yes"),
            Button(phrase.say("button.no", language), Action.FORGET, "no"),
        ),
    )
    return [Say(turn.chat, phrase.say("join.forget", language), buttons)]


def group_hello(turn: Turn) -> list[Effect]:
    """Say once, when added to a group, how to ask."""
    return [_say(turn, "join.group_hello")]


def _code(turn: Turn, code: str) -> list[Effect]:
    """Check a code; an invitation binds at once, a resident is asked for consent first."""
    if codes.limited(turn.session, turn.event.address, turn.now):
        return [_say(turn, "join.too_many", minutes=60)]
    found = codes.find(turn.session, code, turn.now)
    if found is None:
        codes.refuse(turn.session, turn.event.address, turn.now)
        return [_say(turn, "join.wrong_code")]
    if found.kind is CredentialKind.INVITATION:
        return _redeem(turn, code)
    language = turn.language()
    buttons: Rows = (
        (
            Button(phrase.say("button.yes", language), Action.JOIN, f"yes.{codes.compact(code)}"),
            Button(phrase.say("button.no", language), Action.JOIN, "no"),
        ),
    )
    return [Say(turn.chat, phrase.say("join.consent", language), buttons)]


def _redeem(turn: Turn, code: str) -> list[Effect]:
    done = identity.redeem(turn.session, code, turn.event.address, turn.now)
    if done.refusal:
        return [Say(turn.chat, done.refusal)]
    if done.owner_kind is OwnerKind.STAFF and done.owner_id is not None:
        member = identity.staff(turn.session, done.owner_id)
        commands = menu.said(turn.session, member)
        said = phrase.say("staff.invited", Written.HANS, name=member.name, commands=commands)
        return [Say(turn.chat, said)]
    if done.verified:
        return [_say(turn, "join.linked")]
    buttons: Rows = tuple(
        (Button(phrase.say(f"join.language_{short}", Written.HANS), Action.JOIN, f"lang.{short}"),)
        for short in _LANGUAGES
    )
    return [Say(turn.chat, phrase.say("join.language", turn.language()), buttons)]


def _language(turn: Turn, short: str) -> list[Effect]:
    resident = _stranger(turn)
    if resident is None or short not in _LANGUAGES:
        return []
    resident.written = _LANGUAGES[short]
    return [Say(turn.chat, phrase.say("join.needs", resident.written), _needs(resident))]


def _need(turn: Turn, word: str) -> list[Effect]:
    """Add or take away a need; `done` ends the registration."""
    resident = _stranger(turn)
    if resident is None:
        return []
    if word in set(Need):
        resident.needs = resident.needs ^ {Need(word)}
        return [Say(turn.chat, phrase.say("join.needs", resident.written), _needs(resident))]
    place = turn.session.get(Place, (resident.community_id, resident.place_id))
    return [_say(turn, "join.done", place=place.name if place else turn.community.name)]


def _needs(resident: Resident) -> Rows:
    language = resident.written
    rows: Rows = tuple(
        (
            Button(
                ("✓ " if need in resident.needs else "")
                + phrase.say(f"join.need_{need}", language),
                Action.JOIN,
                f"need.{need}",
            ),
        )
        for need in Need
    )
    word = "button.done" if resident.needs else "button.skip"
    return (*rows, (Button(phrase.say(word, language), Action.JOIN, "need.done"),))


def _stranger(turn: Turn) -> Resident | None:
    """Return the person this chat registered itself; an imported one is changed by staff only."""
    return next((one for one in turn.residents() if not one.verified), None)


def _forget(turn: Turn, value: str) -> list[Effect]:
    if value != "yes":
        return [_say(turn, "join.forget_kept")]
    language, mine = turn.language(), turn.event.address
    rights.forget(turn.session, turn.kind, mine, turn.actor(), turn.now)
    return [Say(turn.chat, phrase.say("join.forgotten", language))]


def _say(turn: Turn, key: str, **values: object) -> Say:
    return Say(turn.chat, phrase.say(key, turn.language(), **values))
