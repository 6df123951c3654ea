"""Whom a call names: everybody who is told by it, in one sentence."""

from collections.abc import Sequence
from dataclasses import replace

from content.form import Parts
from content.message import Written
from content.phrase import say
from content.plain import chinese, clean
from content.shared import NAMED

_LIMIT = 40
_PROMPTS = {"call.prompt": "call.prompt_shared"}
"""For several together the keys mean what they mean for one."""


def listed(names: Sequence[str], language: Written) -> str:
    """Return the names as one says them: 王秀英和李建国; of many the first few "and family"."""
    told = [str(clean(name, _LIMIT)) for name in names[:NAMED]]
    if len(names) > NAMED:
        return say("call.family", language, names=say("call.between", language).join(told))
    *first, last = told
    if not first:
        return last
    names_ = say("call.between", language).join(first)
    return say("call.together", language, names=names_, last=last)


def call(parts: Parts, names: Sequence[str]) -> Parts:
    """Return the parts of a call that says for whom it is, as soon as it has said who calls."""
    spoken = listed(names, parts.language)
    # an English voice cannot say a Chinese name
    unsaid = parts.language is Written.ENGLISH and chinese(spoken)
    key = "call.named_all" if unsaid else "call.named"
    named = say(key, parts.language, names=spoken)
    prompt = tuple((_PROMPTS.get(line, line), number) for line, number in parts.prompt)
    space = " " if parts.language is Written.ENGLISH else ""
    return replace(parts, opening=f"{parts.opening}{space}{named}", prompt=prompt)
