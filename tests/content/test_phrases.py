"""Every fixed sentence exists in every language, is short, and has the same placeholders."""

import re
import string
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from content.alert import Color, Severity, Step
from content.message import Kind, Spoken, Written
from content.people import Need, Role
from content.phrase import PhraseError, known, say, table, traditional
from content.reason import Reason
from content.segment import Encoding, encoding

HANS, EN = table(Written.HANS), table(Written.ENGLISH)
PACKAGES = ("bot", "channels", "verification", "content")
OWN_NAMES = ("join.language_hans", "join.language_hant")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys() -> None:
    assert set(HANS) == set(EN)


@pytest.mark.parametrize("key", sorted(HANS))
def test_a_sentence_has_the_same_placeholders_in_every_language(key: str) -> None:
    assert placeholders(HANS[key]) == placeholders(EN[key])
    assert placeholders(table(Written.HANT)[key]) == placeholders(HANS[key])


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    for language in Written:
        assert say(f"reason.{reason}", language).strip()


@pytest.mark.parametrize(
    "key",
    [
        *(f"severity.{one}" for one in Severity),
        *(f"color.{one}" for one in Color),
        *(f"need.{one}" for one in Need),
        *(f"join.need_{one}" for one in Need),
        *(f"kind.{one}" for one in Kind),
        *(f"staff.role_{one}" for one in Role),
        *(f"staff.step_{one}" for one in Step if one is not Step.DRAFT),
    ],
)
def test_every_word_of_the_vocabulary_can_be_said(key: str) -> None:
    assert known(key)


def test_chinese_sentences_are_short_enough_for_one_breath() -> None:
    pieces = [
        (key, piece) for key, text in HANS.items() for piece in re.split("[。！？；，：]", text)
    ]
    assert [(key, piece) for key, piece in pieces if len(piece) > 30] == []


def test_english_sentences_are_short_and_cost_no_unicode_sms() -> None:
    own = {key: text for key, text in EN.items() if key not in OWN_NAMES}
    long = [
        k for k, text in own.items() for one in re.split("[.!?;:]", text) if len(one.split()) > 24
    ]
    assert long == []
    assert [key for key, text in own.items() if encoding(text) is not Encoding.GSM7] == []


def test_no_sentence_holds_a_number_but_public_hotlines() -> None:
    public = {"110", "119", "120", "12356", "2026", "08", "03", "21", "00"}
    found = {
        number for text in (*HANS.values(), *EN.values()) for number in re.findall(r"\d{2,}", text)
    }
    assert found <= public


def test_traditional_chinese_is_made_from_the_simplified() -> None:
    assert say("button.help", Written.HANT) == "需要幫助"
    assert traditional("台风红色预警") == "颱風紅色預警"


def test_cantonese_reads_traditional_and_english_reads_english() -> None:
    assert say("button.help", Spoken.CANTONESE) == "需要幫助"
    assert say("button.help", Spoken.ENGLISH) == "I need help"


def test_a_value_is_set_in_as_it_is_even_with_braces() -> None:
    assert say("alert.phone", Written.HANS, phone="{x} %s") == "居委会值班电话：{x} %s"


def test_an_unknown_key_or_a_missing_value_is_an_error() -> None:
    with pytest.raises(PhraseError, match=r"no\.such"):
        say("no.such", Written.HANS)
    with pytest.raises(PhraseError, match="phone"):
        say("alert.phone", Written.ENGLISH)


def test_a_file_holds_no_sentence_twice() -> None:
    sources = {text for text in HANS.values() if len(text) > 12}
    raw = (files("content.phrases") / "zh-Hans.toml").read_text(encoding="utf-8")
    assert len(tomllib.loads(raw)) == len({key.split(".")[0] for key in HANS})
    assert sorted(t for t in sources if list(HANS.values()).count(t) > 1) == []


def test_every_sentence_that_the_code_names_exists() -> None:
    root = Path(__file__).resolve().parents[2]
    code = [p.read_text(encoding="utf-8") for name in PACKAGES for p in (root / name).rglob("*.py")]
    named = {key for text in code for key in re.findall(r'\bsay\(\s*"([a-z_]+\.\w+)"', text)}
    assert len(named) > 50
    assert sorted(key for key in named if not known(key)) == []
