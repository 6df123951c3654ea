"""What tells two versions of an alert apart: the facts that changed, and every changed line."""

from collections.abc import Iterable

from content import wording
from content.draft import Draft, Text
from content.message import Written

_FACTS = {
    "severity": ("级别", "severity"),
    "urgency": ("紧急程度", "urgency"),
    "certainty": ("把握程度", "certainty"),
    "category": ("类别", "category"),
    "color": ("预警颜色", "colour"),
    "status": ("真实或演练", "status"),
    "event": ("事件", "event"),
    "expires": ("有效期", "expiry"),
    "audience": ("发送范围", "audience"),
    "no_action": ("是否需要行动", "whether anything is to be done"),
}
_TEXTS = {
    "headline": "标题",
    "description": "正文",
    "instruction": "行动建议",
    "cancel_text": "解除用语",
}


def facts(before: Draft, after: Draft, places: Iterable[str]) -> list[str]:
    """Return a sentence for each change that an edit may not make without a new verification."""
    names = tuple(places)
    found = [
        f"{chinese}变了，需要重新核实。 The {english} changed and must be verified again."
        for name, (chinese, english) in _FACTS.items()
        if before.snapshot[name] != after.snapshot[name]
    ]
    for language in Written:
        old, new = before.texts.get(language), after.texts.get(language)
        if (old is None) != (new is None):
            found.append(
                f"{language} 文本有增减，需要重新核实。 The {language} text must be verified again."
            )
        if old and new:
            found += [
                f"{word}，需要重新核实。 This must be verified again."
                for word in _words(old, new, names)
            ]
    return found


def lines(before: Draft, after: Draft) -> list[str]:
    """Return each difference as a line: what it was, and what it is now."""
    found = [
        f"{chinese}: {_shown(getattr(before, name))} → {_shown(getattr(after, name))}"
        for name, (chinese, _) in _FACTS.items()
        if before.snapshot[name] != after.snapshot[name]
    ]
    for language in Written:
        old, new = (one.texts.get(language, Text()) for one in (before, after))
        found += [
            f"{language} {chinese}: {getattr(old, name)} → {getattr(new, name)}"
            for name, chinese in _TEXTS.items()
            if getattr(old, name) != getattr(new, name)
        ]
    return found


def _words(old: Text, new: Text, places: tuple[str, ...]) -> list[str]:
    return wording.changed(old.body, new.body, places) + wording.changed(
        old.cancel_text, new.cancel_text, places
    )


def _shown(value: object) -> str:
    return "、".join(map(str, value.places)) if hasattr(value, "places") else str(value)
