"""Registered SMS texts are filled whole, cut safely or refused in words; links go where they may."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import template
from content.message import Blanks, Message, Spoken, Unfit, Written
from content.notice import NoticeKind
from content.render import render
from content.template import Template, TemplateError, Templates
from content.texting import Texting

FILE = """
required = ["+86"]

[[template]]
id = "HX0123456789abcdef0123456789abcdef"
notices = ["alert", "update"]
language = "zh-Hans"
text = "{sender}提醒您：{headline}。{instruction}。电话{phone}。收到回1，求助回3。"
variables = ["sender", "headline", "instruction", "phone"]
limits = { sender = 12, headline = 12, instruction = 20, phone = 20 }
whole = ["instruction"]

[[template]]
id = "SMS_480"
notices = ["exercise"]
language = "zh-Hans"
text = "【演练】{sender}：{text}"
variables = { sender = "org", text = "content" }
limits = { text = 40 }
"""
FIELDS = {
    "sender": "幸福里社区",
    "headline": "【重要】3号楼停水",
    "instruction": "请提前存水。\n关好龙头。",
    "description": "因管道检修，详见 www.example.com/a",
    "phone": "+8657188001234",
    "expires": "2026-12-01T20:00:00+08:00",
    "msg_type": "Alert",
}
MOBILE, ABROAD = "+8613800000002", "+12025550199"


@pytest.fixture
def known(tmp_path: Path) -> Templates:
    return written(tmp_path, FILE)


def written(folder: Path, text: str) -> Templates:
    path = folder / "templates.toml"
    path.write_text(text, encoding="utf-8")
    return template.load(path)


def message(written: Written = Written.HANS, **more: str) -> Message:
    return render(NoticeKind.ALERT, FIELDS | more, written, Spoken.MANDARIN)


def test_a_registered_text_is_filled_by_the_names_its_provider_knows(known: Templates) -> None:
    said = Texting(templates=known)(MOBILE, message())
    assert said.template == "HX0123456789abcdef0123456789abcdef"
    assert said.variables == {
        "1": "幸福里社区",
        "2": "重要3号楼停水",
        "3": "请提前存水。关好龙头",
        "4": "0571 8800 1234",
    }
    assert said.body.startswith("幸福里社区提醒您：重要3号楼停水。请提前存水。关好龙头。电话")


def test_only_numbers_that_need_it_get_a_registered_text(known: Templates) -> None:
    said = Texting(templates=known)(ABROAD, message())
    assert (said.template, said.body) == ("", message().sms)


def test_a_long_variable_is_cut_between_words(known: Templates) -> None:
    long = message(headline="因供水管道紧急检修幸福里社区三号楼停水")
    assert Texting(templates=known)(MOBILE, long).variables["2"] == "因供水管道紧急检修…"


def test_what_must_stay_whole_is_refused_in_words_for_the_clerk(known: Templates) -> None:
    long = message(instruction="请提前储存足够的生活用水，关好水龙头，照看好老人和孩子。")
    with pytest.raises(Unfit, match="“要做的事”最多20个字，现在有27个"):
        Texting(templates=known)(MOBILE, long)


def test_without_what_is_to_be_done_the_description_is_told(known: Templates) -> None:
    said = Texting(templates=known)(MOBILE, message(instruction="", description="12月1日停水。"))
    assert said.variables["3"] == "12月1日停水"


def test_an_empty_headline_is_refused_and_a_missing_duty_phone_is_nobodys_fault(
    known: Templates,
) -> None:
    for field, missing in (("headline", False), ("phone", True)):
        with pytest.raises(Unfit, match="是空的") as caught:
            Texting(templates=known)(MOBILE, message(**{field: ""}))
        assert caught.value.missing is missing


def test_a_drill_takes_no_text_of_a_real_alert(known: Templates) -> None:
    said = Texting(templates=known)(MOBILE, message(status="Exercise"))
    assert said.body.startswith("【演练】幸福里社区：")
    assert set(said.variables) == {"org", "content"}


@pytest.mark.parametrize(
    ("language", "more"),
    [(Written.ENGLISH, {"headline": "No water", "instruction": "Store", "description": ""}),
     (Written.HANS, {"msg_type": "Cancel"}), (Written.HANS, {"status": "Test"})],
)  # fmt: skip
def test_where_no_text_is_registered_nothing_is_sent(
    known: Templates, language: Written, more: dict[str, str]
) -> None:
    with pytest.raises(Unfit, match="没有登记") as caught:
        Texting(templates=known)(MOBILE, message(language, **more))
    assert caught.value.missing


def test_who_reads_traditional_characters_gets_them_filled_in(known: Templates) -> None:
    said = Texting(templates=known)(MOBILE, message(Written.HANT, headline="暴雨预警"))
    assert said.variables["2"] == "暴雨預警"


def test_a_relative_gets_the_text_for_relatives_where_there_is_one(known: Templates) -> None:
    theirs = Template(
        "1", frozenset({"contact"}), Written.HANS, "请转告{alone}：{headline}",
        {"alone": "1", "headline": "2"},
    )  # fmt: skip
    told = render(NoticeKind.ALERT, FIELDS, Written.HANS, Spoken.MANDARIN, alone="王奶奶")
    both = replace(known, known=(*known.known, theirs))
    assert Texting(templates=both)(MOBILE, told).body.startswith("请转告王奶奶")
    assert Texting(templates=known)(MOBILE, told).template.startswith("HX")


@given(st.text(max_size=120), st.text(max_size=120))
def test_no_variable_is_ever_longer_than_its_limit(headline: str, instruction: str) -> None:
    one = Template(
        "1", frozenset({"alert"}), Written.HANS, "{headline}，{instruction}",
        {"headline": "1", "instruction": "2"}, {"headline": 12, "instruction": 30},
    )  # fmt: skip
    words = {"headline": headline, "instruction": instruction}
    try:
        said = one.fill(Blanks(("alert",), Written.HANS, words))
    except Unfit:
        return
    assert len(said.variables["1"]) <= 12
    assert len(said.variables["2"]) <= 30
    assert "\n" not in said.body


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('language = "zh-Hans"', 'language = "zh"', "zh"),
        ('"sender", "headline", ', '"headline", ', "variables"),
        ('["alert", "update"]', '["alarm"]', "alarm"),
        ("limits = { sender", "limits = { sendr", "sendr"),
        ("whole =", "hole =", "hole"),
        ('id = "SMS_480"\n', "", "id"),
        ('"【演练】{sender}', '"{sender}', "exercise"),
        ('["exercise"]', '["exercise", "alert"]', "exercise"),
        ('["+86"]', "86", "required"),
        ("[[template]]\nid", "[[templates]]\nid", "template"),
        ("required", "required =", "TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(TemplateError, match=said):
        written(tmp_path, FILE.replace(old, new, 1))


def test_without_a_file_there_are_no_templates_and_nobody_needs_one() -> None:
    assert not template.load(None).needed(MOBILE)


def test_links_are_left_out_with_a_word_where_the_provider_refuses_them() -> None:
    texting = Texting(unlinked=("+86",))
    linked = message(description="", instruction="详见 www.example.com/a")
    assert "（网址略）。" in texting(MOBILE, linked).body
    assert "www.example.com/a 。" in texting(ABROAD, linked).body


def test_by_default_nobody_gets_a_link() -> None:
    linked = message(description="", instruction="See https://example.com/?a=1.")
    assert "example" not in Texting()(ABROAD, linked).body


def test_a_registered_text_holds_no_link_either(known: Templates) -> None:
    said = Texting(templates=known)(MOBILE, message(instruction="请看 example.com"))
    assert said.variables["3"] == "请看（网址略）"
