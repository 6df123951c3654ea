"""Render what the desk says: answers truth first, questions back, case receipts, corrections."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from content.form import Key, Parts
from content.message import Action, Written
from content.phrase import known, say
from content.plain import moment, sentence

Fields = Mapping[str, Any]

_MOST_OPTIONS = 3
_MOST_POINTS = 10
_WORST = (
    "false",
    "partly",
    "outdated",
    "depends",
    "disagree",
    "unconfirmed",
    "true",
    "debunk",
    "checking",
)
"""What the points of a letter are counted under, in the order of the counts."""


def answer(fields: Fields, language: Written, alone: str) -> Parts:
    """Return an ANSWER to one question or to a long letter, or an ASK."""
    del alone
    options = list(fields.get("options") or ())[:_MOST_OPTIONS]
    if fields.get("outcome") == "ask" and options:
        return _ask(options, language)
    if fields.get("outcome") == "as_of":
        return _as_of(fields, language)
    points, voices = list(fields.get("parts") or ()), list(fields.get("voices") or ())
    if points:
        return _letter(points, language)
    return _disagreeing(fields, voices, language) if voices else _single(fields, language)


def case(fields: Fields, language: Written, alone: str) -> Parts:
    """Return the receipt of a question that is being checked."""
    del alone
    expert = fields.get("expert") or say("case.expert", language)
    kinds = (kind for kind in ("still", "joined") if fields.get(kind) == "1")
    key = f"case.{next(kinds, 'received')}"
    text = say(key, language, number=fields.get("number", ""), expert=expert)
    said = say(f"{key}_said", language, expert=expert)
    return _plain(language, lines=(text,), brief=text, said=(said,))


def correction(fields: Fields, language: Written, alone: str) -> Parts:
    """Return what has changed since somebody was answered: the truth first, then the verdicts."""
    del alone
    verdict, old = (_verdict(fields.get(name, ""), language) for name in ("verdict", "old_verdict"))
    claim, truth = fields.get("claim", ""), fields.get("truth", "")
    values = {"claim": claim, "verdict": verdict, "old": old, "truth": truth}
    return _plain(
        language,
        lines=(
            say("correction.lead", language),
            truth,
            say("correction.changed", language, **values),
            *_signed(fields, language),
            say("correction.sorry", language),
        ),
        brief=say("correction.sms", language, **values),
        said=(
            say("correction.said", language),
            truth,
            *_judged(fields, language),
            say("correction.sorry", language),
        ),
    )


def _single(fields: Fields, language: Written) -> Parts:
    truth, claim = fields.get("truth", ""), fields.get("claim", "")
    verdict = _verdict(fields.get("verdict", ""), language)
    debunk = say("answer.debunk", language) if fields.get("debunk") == "1" else ""
    values = {"truth": truth, "claim": claim, "verdict": verdict}
    # without a claim there is nothing that a verdict could be read of
    bare = sentence(truth, language) + fields.get("source", "")
    return _plain(
        language,
        lines=(
            truth,
            debunk,
            say("answer.claim", language, **values) if claim else "",
            *_signed(fields, language),
            say("answer.not_mine_hint", language),
        ),
        brief=say("answer.sms", language, **values, source=fields.get("source", ""))
        if claim
        else bare,
        spare=(debunk,),
        tail=say("sms.not_mine", language),
        said=(truth, debunk, *_judged(fields, language), *_signed_said(fields, language)),
        buttons=_MARKS,
    )


_MARKS: tuple[tuple[Key, ...], ...] = (
    (("button.useful", Action.USEFUL, ""), ("button.not_mine", Action.NONE_OF_THESE, "")),
)


def _as_of(fields: Fields, language: Written) -> Parts:
    """Return a fact past its day: what it said, until when, and that the rest is being checked."""
    until = moment(fields.get("valid_until", ""), language)
    truth, number = sentence(fields.get("truth", ""), language), fields.get("number", "")
    return _plain(
        language,
        lines=(
            say("answer.as_of", language, until=until) + truth,
            say("answer.as_of_case", language, number=number),
            *_signed({**fields, "valid_until": ""}, language),
        ),
        brief=say("answer.as_of_sms", language, until=until, truth=truth, number=number),
        said=(
            say("answer.as_of", language, until=until) + truth,
            say("answer.as_of_said", language),
        ),
    )


def _disagreeing(fields: Fields, voices: Sequence[Fields], language: Written) -> Parts:
    """Return what each publisher says of one claim, with names and dates."""
    lines = [_voice(one, language) for one in voices]
    lead = say("answer.disagree", language)
    claim = fields.get("claim", "")
    return _plain(
        language,
        lines=(lead, *lines, say("answer.not_mine_hint", language)),
        brief=say("answer.voice_between", language).join(lines),
        tail=say("sms.not_mine", language),
        said=(
            lead,
            say("answer.claim_said", language, claim=claim) if claim else "",
            *(
                text
                for one in voices
                for text in (
                    say("answer.voice_said", language, **_named(one)),
                    _verdict_said(one, language),
                )
            ),
        ),
        buttons=_MARKS,
    )


def _voice(one: Fields, language: Written) -> str:
    date = moment(one.get("date", ""), language, year=False)
    key = "answer.voice" if date else "answer.voice_undated"
    verdict = _verdict(one.get("verdict", ""), language)
    return say(key, language, **_named(one), date=date, verdict=verdict)


def _named(one: Fields) -> dict[str, str]:
    return {name: one.get(name, "") for name in ("source", "truth")}


def _letter(points: Sequence[Fields], language: Written) -> Parts:
    """Return a letter's answer: the counts first; an SMS then has room for the worst point only."""
    head = _head(points, language)
    shown = list(enumerate(points, 1))[:_MOST_POINTS]
    more = len(points) - len(shown)
    spoken = [
        text
        for number, point in shown
        for text in (
            say("answer.part_said", language, number=number),
            *_point_said(point, language),
        )
    ]
    worst = min(shown, key=lambda one: _WORST.index(_tallied(one[1])))[1]
    return _plain(
        language,
        lines=(
            head,
            *(_point(number, point, language) for number, point in shown),
            say("letter.more", language, count=more) if more else "",
            say("answer.not_mine_hint", language),
        ),
        brief=head + _brief(worst, language),
        tail="" if _open(points) else say("sms.not_mine", language),
        said=(_head(points, language, "_said"), *spoken),
        buttons=_MARKS,
    )


def _head(points: Sequence[Fields], language: Written, ending: str = "") -> str:
    """Return the counts; the ending `_said` is for the ear: 一点不实 sounds like a bit untrue."""
    counts = Counter(_tallied(point) for point in points)
    parts = [
        say(f"letter.counted{ending}", language, count=counts[one], word=_counted(one, language))
        for one in _WORST
        if counts[one]
    ]
    tally = say("letter.between", language).join(parts)
    return say(f"letter.head{ending}", language, count=len(points), tally=tally)


def _counted(verdict: str, language: Written) -> str:
    return say(f"letter.{verdict}", language)


def _open(points: Sequence[Fields]) -> bool:
    """Whether some of a letter is being checked: then its asker hears more of it anyway."""
    return any(_tallied(point) == "checking" for point in points)


def _tallied(point: Fields) -> str:
    """Return under what a point is counted: its verdict, or that it is still being checked."""
    if point.get("outcome") != "answer":
        return "checking"
    if point.get("voices"):
        return "disagree"
    if point.get("debunk") == "1":
        return "debunk"
    verdict = point.get("verdict", "")
    return verdict if verdict in _WORST else "unconfirmed"


def _point(number: int, point: Fields, language: Written) -> str:
    values = {name: point.get(name, "") for name in ("claim", "truth")}
    values["verdict"] = _verdict(point.get("verdict", ""), language)
    if point.get("outcome") == "as_of":
        values["until"] = moment(point.get("valid_until", ""), language)
        values["truth"] = sentence(values["truth"], language)
    voices = point.get("voices")
    if voices:
        return f"{number}. " + say("answer.voice_between", language).join(
            _voice(one, language) for one in voices
        )
    case_number = point.get("number", "")
    return say(_POINTS[_manner(point)], language, number=number, case=case_number, **values)


_POINTS = {
    "answer": "answer.part",
    "debunk": "answer.part_debunk",
    "as_of": "answer.part_as_of",
    "case": "answer.part_case",
}


def _manner(point: Fields) -> str:
    if not point.get("truth"):
        return "case"
    if point.get("outcome") == "as_of":
        return "as_of"
    return "debunk" if point.get("debunk") == "1" else "answer"


def _brief(point: Fields, language: Written) -> str:
    """Return one point as an SMS has room for it, without its number in the letter."""
    line = _point(0, point, language).removeprefix("0. ")
    return (" " if language is Written.ENGLISH else "") + line


def _point_said(point: Fields, language: Written) -> tuple[str, ...]:
    manner = _manner(point)
    claim = point.get("claim", "")
    voices = point.get("voices") or ()
    if voices:
        return tuple(say("answer.voice_said", language, **_named(one)) for one in voices)
    if manner == "case":
        return (say("answer.part_case_said", language, claim=claim),)
    if manner == "as_of":
        until = moment(point.get("valid_until", ""), language)
        told = say("answer.as_of", language, until=until) + point["truth"]
        return (told, say("answer.as_of_said", language))
    if manner == "debunk":
        return (point["truth"], say("answer.debunk", language))
    return (point["truth"], *_judged(point, language))


def _ask(options: Sequence[Fields], language: Written) -> Parts:
    lines = [
        say("ask.option", language, number=number, claim=option.get("claim", ""))
        + _difference(option, language)
        for number, option in enumerate(options, 1)
    ]
    choices = [("call.choice", str(number)) for number in range(1, len(options) + 1)]
    chosen = say("call.chosen", language)
    return Parts(
        language=language,
        lines=(say("ask.question", language), *lines),
        brief=say("ask.sms", language, options="".join(sentence(line, language) for line in lines)),
        opening=say("call.opening_plain", language),
        said=(
            say("ask.said", language),
            *(
                say("ask.option_said", language, number=number, claim=_wording(option, language))
                for number, option in enumerate(options, 1)
            ),
        ),
        prompt=(*choices, ("call.prompt_ask", "")),
        answers={
            **{str(number): chosen for number in range(1, len(options) + 1)},
            "0": say("call.none", language),
        },
        buttons=(
            tuple(
                ("button.choice", Action.CHOOSE, str(number))
                for number in range(1, len(options) + 1)
            ),
            (("button.none", Action.NONE_OF_THESE, ""),),
        ),
    )


def _wording(option: Fields, language: Written) -> str:
    """Return an option as it is said: what it claims, and of where, if that is not sure."""
    claim, area = str(option.get("claim", "")), option.get("area", "")
    return claim + (say("ask.area", language, area=area) if area else "")


def _difference(option: Fields, language: Written) -> str:
    told, area = option.get("difference", ""), option.get("area", "")
    place = say("ask.area", language, area=area) if area else ""
    return place + (say("ask.difference", language, difference=told) if told else "")


def _verdict(verdict: str, language: Written) -> str:
    """Return the word for a verdict; what is not one counts as not settled."""
    key = f"verdict.{verdict}"
    return say(key if known(key) else "verdict.unconfirmed", language)


def _judged(fields: Fields, language: Written) -> tuple[str, ...]:
    claim = fields.get("claim", "")
    if not claim:
        return ()
    return (say("answer.claim_said", language, claim=claim), _verdict_said(fields, language))


def _verdict_said(fields: Fields, language: Written) -> str:
    key = f"verdict_said.{fields.get('verdict', '')}"
    return say(key if known(key) else "verdict_said.unconfirmed", language)


def _signed(fields: Fields, language: Written) -> tuple[str, ...]:
    """Return source, expert, date and how long it holds, where they are known."""
    values = {
        "source": fields.get("source", ""),
        "expert": fields.get("expert", ""),
        "date": moment(fields.get("date", ""), language),
        "until": moment(fields.get("valid_until", ""), language),
    }
    names = {"until": "valid_until"}
    return tuple(
        say(f"answer.{names.get(name, name)}", language, **{name: value})
        for name, value in values.items()
        if value
    )


def _signed_said(fields: Fields, language: Written) -> tuple[str, ...]:
    return tuple(
        say(f"answer.{name}_said", language, **{name: fields[name]})
        for name in ("source", "expert")
        if fields.get(name)
    )


def _plain(
    language: Written,
    *,
    lines: tuple[str, ...],
    brief: str,
    said: tuple[str, ...],
    spare: tuple[str, ...] = (),
    tail: str = "",
    buttons: tuple[tuple[Key, ...], ...] = (),
) -> Parts:
    """Return parts that ask for no more than a sign of having heard."""
    return Parts(
        language=language,
        lines=lines,
        brief=brief,
        spare=spare,
        tail=tail,
        opening=say("call.opening_plain", language),
        said=said,
        prompt=(("call.prompt_plain", ""),),
        answers={"1": say("call.received", language)},
        buttons=buttons,
    )
