"""Who calls back hears the alerts they have missed, one after the other, each with its keys."""

import uuid
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy.orm import Session

from content import call, compose, missed
from content.call import Script
from content.message import Speech, Spoken
from content.speak import sentence

TURNS = 200
BACK, OVER = "back", "over"
"""The steps of the hotline at which a call goes on after a key, and after silence."""


class Missed(NamedTuple):
    """An alert that a caller has missed: the attempt that told it, and the call that does now."""

    ref: str
    script: Script


def next_(session: Session, number: str, after: uuid.UUID | None = None) -> Missed | None:
    """Return the alert to tell to this number (E.164): the first, or the next `after` a notice."""
    waiting = missed.refs(session, number, after)
    for ref in waiting:
        said = compose.by_ref(session, ref)
        if said is not None and said.speech is not None:
            return Missed(ref, _opened(said.speech, 0 if after else len(waiting)))
    return None


def script(speech: Speech) -> Script:
    """Return the call that tells one of them: it goes on after key 1 and after silence.

    Who has asked for help is not led anywhere: somebody calls them.
    """
    others = tuple(_noted(one) for one in speech.others)
    told = replace(_noted(speech), others=others)
    return call.script(told, onward={"1": BACK, "": OVER}, turns=TURNS)


def _opened(speech: Speech, count: int) -> Script:
    """Return the same from its beginning; count: how many there are, 0 after the first."""
    space = " " if speech.language is Spoken.ENGLISH else ""
    if count == 0:
        opening = (sentence("call.callback_next", speech.language), speech.opening)
    else:
        key = "call.callback" if count == 1 else "call.callback_many"
        opening = (speech.opening, sentence(key, speech.language, count=count))
    return script(replace(speech, opening=space.join(opening)))


def _noted(speech: Speech) -> Speech:
    """Return the same with an answer to key 1 that does not say goodbye."""
    return replace(
        speech, answers={**speech.answers, "1": sentence("hotline.noted", speech.language)}
    )
