"""Template: an SMS text that is registered with a provider, its variables filled and checked."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from content.message import Blanks, Texted, Unfit, Written
from content.phrase import say
from content.plain import line
from content.segment import shorten

NOTICES = frozenset(
    {"alert", "update", "cancel", "exercise", "test", "contact"}
    | {"answer", "case", "correction", "reply", "page"}
)
"""What a template may be for; a drill never takes the template of a real alert."""
VARIABLES = frozenset(
    {"sender", "headline", "instruction", "description", "event", "expires"}
    | {"phone", "code", "alone", "number", "text"}
)
"""What a template may name; `text` is the whole SMS without its last words."""
WHOLE = frozenset({"phone", "code", "number", "expires"})
"""What is never cut, whatever a template says: half of it would be wrong."""
_OURS = frozenset({"headline", "instruction", "description"})
"""What authors write; the others are empty for reasons of their own, such as nobody on duty."""
_LIMIT = 70
_ELLIPSIS = 3
"""What a cut may add."""
_NAMED = re.compile(r"\{(\w+)\}")
_STOPS = "。.，,；;！!"
_FIELDS = {"id", "notices", "language", "text", "variables", "limits", "whole"}


class TemplateError(ValueError):
    """The file of templates cannot be used; the sentence (Chinese, English) says where and why."""


@dataclass(frozen=True, slots=True)
class Template:
    """One registered text: for which notices, in which language, with which variables.

    keys: the provider's own name of each variable. limits: the characters it may have. whole: the
    variables that are refused when they are too long; the others are cut between words.
    """

    id: str
    notices: frozenset[str]
    language: Written
    text: str
    keys: Mapping[str, str]
    limits: Mapping[str, int] = field(default_factory=dict)
    whole: frozenset[str] = WHOLE

    def fill(self, blanks: Blanks) -> Texted:
        """Return the text as it is sent; raises Unfit with a sentence for who writes."""
        said = {name: self._value(name, blanks) for name in self.keys}
        body = _NAMED.sub(lambda named: said[named[1]], self.text)
        return Texted(body, self.id, {key: said[name] for name, key in self.keys.items()})

    def _value(self, name: str, blanks: Blanks) -> str:
        value = line(re.sub("[【】]", "", blanks.words.get(name, "")))
        after = self.text.partition(f"{{{name}}}")[2][:1]
        if after in _STOPS:
            value = value.rstrip(_STOPS)
        if not value:
            raise Unfit(_both("empty", name=f"template.{name}"), missing=name not in _OURS)
        limit = self.limits.get(name, _LIMIT)
        if len(value) <= limit:
            return value
        if name in self.whole:
            given = {"limit": limit, "count": len(value)}
            raise Unfit(_both("long", name=f"template.{name}", **given))
        return shorten(value, limit - _ELLIPSIS)


@dataclass(frozen=True, slots=True)
class Templates:
    """All registered texts, and the beginnings of the numbers that get nothing else."""

    required: tuple[str, ...] = ()
    known: tuple[Template, ...] = ()

    def needed(self, number: str) -> bool:
        """Say whether a number (E.164) gets registered texts only."""
        return number.startswith(self.required) if self.required else False

    def fill(self, blanks: Blanks | None) -> Texted:
        """Return the registered text for this; raises Unfit, `missing` where there is none."""
        if blanks is None:
            raise _missing("text", Written.HANS)
        for notice in blanks.notices:
            for tongue in _READ.get(blanks.language, (blanks.language,)):
                for one in self.known:
                    if one.language is tongue and notice in one.notices:
                        return one.fill(blanks)
        raise _missing(blanks.notices[-1], blanks.language)


_READ = {Written.HANT: (Written.HANT, Written.HANS)}
"""In which languages a registered text may be: who reads traditional characters reads both."""


def _missing(notice: str, language: Written) -> Unfit:
    tongue = f"outlook.written_{language.replace('-', '_')}"
    said = _both("missing", notice=f"template.for_{notice}", language=tongue)
    return Unfit(said, missing=True)


def _both(key: str, **values: object) -> str:
    """Return a sentence in Chinese and English; a value may be the key of a phrase itself."""

    def told(language: Written) -> str:
        said = {
            name: say(value, language) if isinstance(value, str) else value
            for name, value in values.items()
        }
        return say(f"template.{key}", language, **said)

    return f"{told(Written.HANS)} {told(Written.ENGLISH)}"


def load(path: Path | None) -> Templates:
    """Read the file of templates (None: there are none); raises TemplateError."""
    if path is None:
        return Templates()
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TemplateError(
            "短信模板文件打不开或不是 TOML。 The file of SMS templates cannot be read as TOML."
        ) from error
    rows = body.get("template", [])
    required = body.get("required", ["+86"])
    if not _texts(required) or not isinstance(rows, list) or set(body) - {"required", "template"}:
        raise TemplateError(
            "短信模板文件里只能有 required 和 [[template]]。 "
            "The file of SMS templates holds `required` and [[template]] only."
        )
    return Templates(tuple(required), tuple(_read(at, row) for at, row in enumerate(rows, 1)))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _read(at: int, row: Any) -> Template:
    """Read one [[template]]; raises TemplateError that names what is wrong in it."""
    try:
        made = _made(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(at, str(error).strip("'")) from error
    if unknown := (set(made.keys) | set(made.limits) | made.whole) - VARIABLES:
        raise _wrong(at, min(unknown))
    if set(_NAMED.findall(made.text)) != set(made.keys):
        raise _wrong(at, "variables")
    if strange := made.notices - NOTICES:
        raise _wrong(at, min(strange))
    for status in made.notices & {"exercise", "test"}:
        # every text of a drill begins with the word that says so
        if made.notices - {status} or not made.text.startswith(
            say(f"mark.{status}", made.language)
        ):
            raise _wrong(at, status)
    return made


def _made(row: Mapping[str, Any]) -> Template:
    if unknown := set(row) - _FIELDS:
        raise ValueError(min(unknown))
    names = row["variables"]
    if not isinstance(names, Mapping):
        names = {name: at for at, name in enumerate(names, 1)}
    return Template(
        id=str(row["id"]),
        notices=frozenset(row["notices"]),
        language=Written(row["language"]),
        text=str(row["text"]),
        keys={name: str(key) for name, key in names.items()},
        limits={name: int(limit) for name, limit in row.get("limits", {}).items()},
        whole=WHOLE | frozenset(row.get("whole", [])),
    )


def _wrong(at: int, what: str) -> TemplateError:
    return TemplateError(
        f"第{at}个短信模板有误：{what}。 The SMS template number {at} is wrong: {what}."
    )
