"""From a file or options to the draft that the review takes; every mistake is one sentence."""

import inspect
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.orm import Session

from bot.cli import context
from content import cap, place, wording
from content import draft as drafts
from content.alert import Category, Certainty, Color, ReviewError, Severity, Status, Urgency
from content.draft import Draft, Text
from content.message import Written
from content.people import Audience, Need

K = TypeVar("K", bound=StrEnum)

HOURS = 24.0
"""How long an alert runs when nothing is said."""
_WORDS: dict[str, type[StrEnum]] = {
    "severity": Severity,
    "urgency": Urgency,
    "certainty": Certainty,
    "category": Category,
    "color": Color,
    "status": Status,
}
_COLORS = {"red": "红", "orange": "橙", "yellow": "黄", "blue": "蓝"}
_PLAIN = {"event", "expires", "hours", "places", "needs", "languages", "no_action"}
_SHAPES: dict[str, Callable[[Any], bool]] = {
    "hours": lambda value: isinstance(value, int | float) and 0 < value <= _LONGEST,
    "needs": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "no_action": lambda value: isinstance(value, bool),
}
_SHAPES["languages"] = _SHAPES["needs"]
_LONGEST = 24 * 60
"""Hours that an alert may run at most: two months."""
_TEXTS = {"headline", "description", "instruction", "cancel_text"}


_Text = str | None
_OPTIONS: dict[str, Any] = {
    "file": Annotated[
        Path | None, typer.Option(help="a TOML file of fields and texts, or plain text")
    ],
    "text": Annotated[_Text, typer.Option(help="the text in zh-Hans")],
    "headline": Annotated[_Text, typer.Option(help="the headline in zh-Hans")],
    "instruction": Annotated[_Text, typer.Option(help="what residents should do, in zh-Hans")],
    "cancel_text": Annotated[_Text, typer.Option(help="what will be said when it is over")],
    "event": Annotated[_Text, typer.Option(help="what it is about: 暴雨, 停水")],
    "severity": Annotated[_Text, typer.Option(help="Extreme, Severe, Moderate or Minor")],
    "color": Annotated[_Text, typer.Option(help="红, 橙, 黄 or 蓝: says the severity")],
    "urgency": Annotated[_Text, typer.Option(help="Immediate, Expected, Future or Past")],
    "status": Annotated[_Text, typer.Option(help="Actual, Exercise or Test")],
    "expires": Annotated[_Text, typer.Option(help="2026-07-20 20:00, local time")],
    "place": Annotated[_Text, typer.Option(help="3号楼、5号楼; 全部: everywhere")],
    "need": Annotated[list[str] | None, typer.Option(help="only people with this need")],
}
_CHINESE = {"text": "description"} | {name: name for name in _TEXTS if name != "description"}
_RENAMED = {"place": "places", "need": "needs"}


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a draft; it gets what was said as its argument `given`."""

    @wraps(command)
    def wrapped(**said: Any) -> None:
        options = {name: said.pop(name) for name in _OPTIONS}
        try:
            given = _given(options)
        except ReviewError as error:
            context.fail(str(error))
        command(given=given, **said)

    signature = inspect.signature(command)
    own = [one for one in signature.parameters.values() if one.name != "given"]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]
    named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    wrapped.__signature__ = signature.replace(parameters=named + shared)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {one.name: one.annotation for one in named + shared}
    return wrapped


def _given(said: Mapping[str, Any]) -> dict[str, Any]:
    """Put the options over the file; without any text the texts stay as they are."""
    there = {name: value for name, value in said.items() if value not in (None, [])}
    path = there.pop("file", None)
    found = from_file(path) if path else {}
    chinese = {_CHINESE[name]: there.pop(name) for name in _CHINESE if name in there}
    if chinese:
        found[Written.HANS] = {**found.get(Written.HANS, {}), **chinese}
    return found | {_RENAMED.get(name, name): value for name, value in there.items()}


_FILES = (".toml", ".txt", ".md")


def from_file(path: Path) -> dict[str, Any]:
    """Read a TOML file of fields and texts, or plain text as the Chinese text."""
    if path.suffix not in _FILES:
        # a residents' list chosen by mistake must not become an alert
        raise ReviewError(
            f"通知的文件要是 {'、'.join(_FILES)}，不是 {path.name}。 "
            f"An alert is read from a {', '.join(_FILES)} file, not from {path.name}."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix != ".toml":
            return {Written.HANS: {"description": text.strip()}}
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ReviewError(f"{path} 不是 UTF-8 文本，请另存。 {path} is not UTF-8 text.") from error
    except OSError as error:
        raise ReviewError(f"读不了文件 {path}。 The file {path} cannot be read.") from error
    except tomllib.TOMLDecodeError as error:
        raise ReviewError(f"{path} 格式不对：{error}。 {path} is not valid TOML.") from error


def build(session: Session, given: Mapping[str, Any], base: Draft | None, now: datetime) -> Draft:
    """Return `base` with what is given put over it, or a new draft; raises ReviewError."""
    _known(given)
    start = base or Draft("", {}, now + timedelta(hours=HOURS))
    words = {name: _word(kind, str(given[name])) for name, kind in _WORDS.items() if name in given}
    if "color" in words and "severity" not in words:
        words["severity"] = Color(words["color"]).severity
    event = str(given.get("event", start.event))
    texts = _texts(given, start.texts, event)
    # a text that is marked as a drill makes it one; without the mark it stays what it was
    head = drafts.marked(texts[Written.HANS].headline) if Written.HANS in texts else Status.ACTUAL
    if head is not Status.ACTUAL:
        words.setdefault("status", head)
    return replace(
        start,
        event=event,
        texts=texts,
        expires=_expires(given, start.expires, cap.zone(session), now),
        audience=_audience(session, given, start.audience),
        no_action=bool(given.get("no_action", start.no_action)),
        **words,  # type: ignore[arg-type]
    )


def _known(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if isinstance(value, Mapping):
            if name not in set(Written):
                known = "、".join(Written)
                raise ReviewError(
                    f"不认识语言 {name}，可以用 {known}。 Unknown language {name}: use {known}."
                )
            wrong = set(value) - _TEXTS
        else:
            wrong = {name} - _PLAIN - set(_WORDS)
            if name in _SHAPES and not _SHAPES[name](value):
                raise ReviewError(f"栏目 {name} 的值不对。 The field {name} has a wrong value.")
        if wrong:
            field = min(wrong)
            raise ReviewError(f"不认识的栏目 {field}。 Unknown field {field}.")


def _word(kind: type[K], text: str) -> K:
    wanted = _COLORS.get(text.lower(), text.removesuffix("色")).lower()
    for member in kind:
        if member.value.lower() == wanted:
            return member
    known = "、".join(member.value for member in kind)
    raise ReviewError(f"{text} 不对，可以用 {known}。 {text} is not one of {known}.")


def _texts(
    given: Mapping[str, Any], before: Mapping[Written, Text], event: str
) -> dict[Written, Text]:
    texts = dict(before)
    for language in Written:
        if language in given:
            old = texts.get(language, Text(cancel_text=wording.cancel_text(event, language)))
            said = {name: str(value).strip() for name, value in given[language].items()}
            if old.headline == _headline(old):
                # it was taken from the text, so it goes with the text
                old = replace(old, headline="")
            fresh = Text(**{**asdict(old), **said})
            texts[language] = fresh if fresh.headline else replace(fresh, headline=_headline(fresh))
    return texts


def _headline(text: Text) -> str:
    first = text.description.strip().splitlines()[:1]
    return wording.sentences(first[0])[0] if first else ""


def _expires(given: Mapping[str, Any], before: datetime, zone: ZoneInfo, now: datetime) -> datetime:
    if "hours" in given:
        return now + timedelta(hours=float(given["hours"]))
    if "expires" not in given:
        return before
    value = given["expires"]
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ReviewError(
            f"看不懂时间 {value}，请写成 2026-07-20 20:00。 Write the time as 2026-07-20 20:00."
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _audience(session: Session, given: Mapping[str, Any], before: Audience) -> Audience:
    audience = before
    if "places" in given:
        try:
            paths = place.paths(session, str(given["places"]))
        except place.PlaceError as error:
            raise ReviewError(str(error)) from error
        audience = replace(audience, places=tuple(sorted(paths)))
    if "needs" in given:
        needs = frozenset(_word(Need, need) for need in given["needs"])
        audience = replace(audience, needs=needs)
    if "languages" in given:
        languages = frozenset(_word(Written, language) for language in given["languages"])
        audience = replace(audience, languages=languages)
    return audience
