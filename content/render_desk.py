"""Render what the desk says: answers truth first, questions back, case receipts, corrections."""

from collections.abc import Mapping, Sequence
from typing import Any

from content.form import Key, Parts
from content.message import Action, Written
from content.phrase import known, say
from content.plain import moment, sentence

Fields = Mapping[str, Any]

_MOST_PARTS = 6
_MOST_OPTIONS = 3


def answer(fields: Fields, language: Written, alone: str) -> Parts:
    """Return an ANSWER to one question or to a long letter, or an ASK."""
    del alone
    options = list(fields.get("options") or ())[:_MOST_OPTIONS]
    if fields.get("outcome") == "ask" and options:
        return _ask(options, language)
    points = list(fields.get("parts") or ())[:_MOST_PARTS]
    return _letter(points, language) if points else _single(fields, language)


def case(fields: Fields, language: Written, alone: str) -> Parts:
    """Return the receipt of a question that is being checked."""
    del alone
    expert = fields.get("expert") or say("case.expert", language)
    text = say("case.received", language, number=fields.get("number", ""), expert=expert)
    said = say("case.received_said", language, expert=expert)
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
    return _plain(
        language,
        lines=(
            truth,
            debunk,
            say("answer.claim", language, **values) if claim else verdict,
            *_signed(fields, language),
            say("answer.not_mine_hint", language),
        ),
        brief=say("answer.sms", language, **values, source=fields.get("source", "")),
        spare=(debunk,),
        said=(truth, debunk, *_judged(fields, language), *_signed_said(fields, language)),
        buttons=((("button.not_mine", Action.NONE_OF_THESE, ""),),),
    )


def _letter(points: Sequence[Fields], language: Written) -> Parts:
    lead = say("answer.parts", language, count=len(points))
    lines = [_point(number, point, language) for number, point in enumerate(points, 1)]
    said = [
        text
        for number, point in enumerate(points, 1)
        for text in (
            say("answer.part_said", language, number=number),
            *_point_said(point, language),
        )
    ]
    return _plain(
        language,
        lines=(lead, *lines, say("answer.not_mine_hint", language)),
        brief=sentence(lead, language) + "".join(sentence(line, language) for line in lines),
        said=(lead, *said),
        buttons=((("button.not_mine", Action.NONE_OF_THESE, ""),),),
    )


def _point(number: int, point: Fields, language: Written) -> str:
    claim = point.get("claim", "")
    if not point.get("truth"):
        case_number = point.get("number", "")
        return say("answer.part_case", language, number=number, claim=claim, case=case_number)
    verdict = _verdict(point.get("verdict", ""), language)
    truth = point["truth"]
    return say("answer.part", language, number=number, truth=truth, claim=claim, verdict=verdict)


def _point_said(point: Fields, language: Written) -> tuple[str, ...]:
    if not point.get("truth"):
        return (say("answer.part_case_said", language, claim=point.get("claim", "")),)
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
                say("ask.option_said", language, number=number, claim=option.get("claim", ""))
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


def _difference(option: Fields, language: Written) -> str:
    told = option.get("difference", "")
    return say("ask.difference", language, difference=told) if told else ""


def _verdict(verdict: str, language: Written) -> str:
    """Return the word for a verdict; what is not one counts as not settled."""
    key = f"verdict.{verdict}"
    return say(key if known(key) else "verdict.unconfirmed", language)


def _judged(fields: Fields, language: Written) -> tuple[str, ...]:
    key = f"verdict_said.{fields.get('verdict', '')}"
    claim = fields.get("claim", "")
    return (
        say("answer.claim_said", language, claim=claim) if claim else "",
        say(key if known(key) else "verdict_said.unconfirmed", language),
    )


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
    buttons: tuple[tuple[Key, ...], ...] = (),
) -> Parts:
    """Return parts that ask for no more than a sign of having heard."""
    return Parts(
        language=language,
        lines=lines,
        brief=brief,
        spare=spare,
        opening=say("call.opening_plain", language),
        said=said,
        prompt=(("call.prompt_plain", ""),),
        answers={"1": say("call.received", language)},
        buttons=buttons,
    )
