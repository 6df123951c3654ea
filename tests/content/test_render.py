"""One notice, every form: within limits, clean, drill word first, the reader's language."""

import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content.form import CHAT_LIMIT, SMS_SEGMENTS
from content.message import Action, Message, Spoken, Written
from content.notice import NoticeKind
from content.phrase import say, traditional
from content.plain import moment, thoughts
from content.render import render
from content.segment import Encoding, measure

ALERT = {
    "sender": "幸福里社区居委会",
    "code": "A12",
    "headline": "今晚停水",
    "description": "8月3日19:30到22:00，3号楼因为修水管停水。",
    "instruction": "请先接好水。",
    "event": "停水",
    "color": "",
    "severity": "Moderate",
    "status": "Actual",
    "msg_type": "Alert",
    "expires": "2026-08-03T22:00:00+08:00",
    "phone": "0571-88001234",
    "missing": "",
}
ENGLISH = ALERT | {
    "sender": "Xingfuli committee",
    "headline": "No water tonight",
    "description": "The pipe of building 3 is repaired from 19:30 to 22:00.",
    "instruction": "Please fill a bucket now.",
}
ANSWER = {
    "outcome": "answer",
    "truth": "今晚正常供水。",
    "verdict": "false",
    "claim": "今晚停水",
    "source": "供水公司",
    "expert": "管网工程师",
    "date": "2026-08-01",
    "valid_until": "2026-08-04",
    "debunk": "",
    "options": [],
    "parts": [],
}
OPTIONS = [
    {"fact_id": "a", "claim": "3号楼停水", "difference": "3号楼"},
    {"fact_id": "b", "claim": "4号楼停水", "difference": "4号楼"},
]
LANGUAGES = [
    (Written.HANS, Spoken.MANDARIN),
    (Written.HANT, Spoken.CANTONESE),
    (Written.ENGLISH, Spoken.ENGLISH),
    (Written.HANS, Spoken.CANTONESE),
    (Written.ENGLISH, Spoken.MANDARIN),
]
STATUSES = {"Exercise": "exercise", "Test": "test"}
few = settings(max_examples=40, deadline=None)
words = st.text(max_size=120) | st.sampled_from(
    ["请大家不要下楼。" * 300, "stay inside now " * 150, "😀👨‍👩‍👧" * 300]
)
dates = st.dates().map(str) | st.datetimes().map(datetime.isoformat) | words
alerts = st.fixed_dictionaries(
    dict.fromkeys(("sender", "code", "headline", "description", "instruction", "phone"), words),
    optional={
        "status": st.sampled_from(["Actual", "Exercise", "Test", "?"]),
        "msg_type": st.sampled_from(["Alert", "Update", "Cancel", "?"]),
        "severity": words,
        "color": words,
        "expires": dates,
        "missing": st.sampled_from(["", "1"]),
    },
)
points = st.fixed_dictionaries(
    dict.fromkeys(("claim", "truth", "verdict", "number", "difference", "source", "area"), words),
    optional={
        "outcome": st.sampled_from(["answer", "as_of", "case", "?"]),
        "debunk": st.sampled_from(["", "1"]),
        "date": dates,
        "valid_until": dates,
    },
)
desk = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("truth", "verdict", "claim", "source", "expert", "number", "text", "old_verdict"),
            words,
        ),
        "outcome": st.sampled_from(["answer", "ask", "as_of"]),
        "voices": st.lists(points, max_size=4),
        "valid_until": dates,
        "debunk": st.sampled_from(["", "1"]),
        "date": dates,
        "options": st.lists(points, max_size=5),
        "parts": st.lists(points, max_size=9),
    },
)


def forms(message: Message) -> list[str]:
    assert message.speech is not None
    speech = message.speech
    return [
        message.chat,
        message.sms,
        speech.foreword,
        speech.opening,
        speech.prompt,
        *speech.sentences,
    ]


def told(fields: dict[str, Any], language: Written = Written.HANS, **more: str) -> Message:
    return render(NoticeKind.ALERT, fields | more, language, Spoken.MANDARIN)


def assert_deliverable(message: Message) -> None:
    assert message.chat.strip()
    assert len(message.chat.encode("utf-16-le")) <= 2 * CHAT_LIMIT
    assert measure(message.sms).segments <= SMS_SEGMENTS
    control = re.compile(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    )
    assert [form for form in forms(message) if control.search(form)] == []
    for row in message.buttons:
        assert all(len(button.data("f" * 32).encode()) <= 64 and button.label for button in row)


@few
@given(fields=alerts, language=st.sampled_from(LANGUAGES), alone=words)
def test_any_alert_fits_every_form(
    fields: dict[str, str], language: tuple[Written, Spoken], alone: str
) -> None:
    message = render(NoticeKind.ALERT, fields, *language, alone=alone)
    assert_deliverable(message)
    assert message.speech is not None
    assert len(message.speech.script) < 2000


@few
@given(
    kind=st.sampled_from([k for k in NoticeKind if k is not NoticeKind.ALERT]),
    fields=desk,
    language=st.sampled_from(LANGUAGES),
)
def test_anything_else_fits_every_form(
    kind: NoticeKind, fields: dict[str, Any], language: tuple[Written, Spoken]
) -> None:
    given_text = {"text": "好的。"} | fields
    given_text["text"] = given_text["text"] if re.search(r"\w", given_text["text"]) else "好的。"
    assert_deliverable(render(kind, {"truth": "真的。"} | given_text, *language))


@few
@given(fields=alerts, language=st.sampled_from(LANGUAGES), status=st.sampled_from(sorted(STATUSES)))
def test_a_drill_begins_with_the_drill_word_in_every_form(
    fields: dict[str, str], language: tuple[Written, Spoken], status: str
) -> None:
    message = render(NoticeKind.ALERT, fields | {"status": status}, *language)
    mark = say(f"mark.{STATUSES[status]}", language[0]).strip()
    assert message.chat.startswith(mark)
    assert message.sms.startswith(mark)
    assert message.speech is not None
    warning = say(f"status.{STATUSES[status]}", message.speech.language)
    assert message.speech.opening.startswith(warning.rstrip())
    assert message.speech.sentences[-1].endswith(warning.rstrip())


@pytest.mark.parametrize("language", Written)
def test_what_is_real_never_carries_a_drill_word(language: Written) -> None:
    message = told(ENGLISH if language is Written.ENGLISH else ALERT, language)
    drill = [
        say(f"{table}.{status}", language).strip()
        for table in ("mark", "status")
        for status in STATUSES.values()
    ]
    assert [word for word in drill for form in forms(message) if word in form] == []


def test_chat_says_what_to_do_before_why() -> None:
    chat = told(ALERT).chat
    assert chat.splitlines()[:2] == ["幸福里社区居委会", "今晚停水"]
    assert chat.index("请先接好水") < chat.index("修水管")


def test_a_call_says_who_is_calling_first_and_asks_for_a_key_last() -> None:
    speech = told(ALERT).speech
    assert speech is not None
    assert speech.opening == "您好，这里是幸福里社区居委会。"
    assert speech.prompt == "听明白请按一，重听请按二，需要帮助请按三。"
    assert set(speech.answers) == {"1", "3"}
    assert "八月三号晚上七点半到晚上十点，三号楼因为修水管停水。" in speech.sentences


def test_an_sms_begins_with_its_sender_and_holds_no_link() -> None:
    sms = told(ALERT, instruction="请看 https://example.org/water?x=1 或 www.example.cn/a").sms
    assert sms.startswith("幸福里社区居委会：今晚停水。")
    assert re.search(r"http|www|example", sms) is None


def test_the_reason_is_in_an_sms_only_where_it_costs_no_segment() -> None:
    long = "因为修水管。" * 30
    assert (
        measure(told(ALERT, description=long).sms).segments
        == measure(told(ALERT, description="").sms).segments
    )
    assert "修水管" in told(ALERT, phone="", description="修水管。").sms


def test_the_way_to_answer_is_never_cut_from_an_sms() -> None:
    assert told(ALERT, instruction="请接好水，" * 150).sms.endswith("收到回1，求助回3。")


def test_an_english_sms_stays_in_the_cheap_alphabet() -> None:
    assert measure(told(ENGLISH, Written.ENGLISH).sms).encoding is Encoding.GSM7


def test_a_chinese_sender_does_not_make_an_english_sms_dear() -> None:
    message = told(ENGLISH, Written.ENGLISH, sender="幸福里社区")
    assert measure(message.sms).encoding is Encoding.GSM7
    assert message.sms.startswith("Residents' committee: No water tonight.")
    assert message.chat.startswith("幸福里社区\n")


def test_a_missing_language_gets_one_phrase_and_then_the_chinese_in_full() -> None:
    message = render(NoticeKind.ALERT, ALERT | {"missing": "1"}, Written.ENGLISH, Spoken.ENGLISH)
    phrase, chinese = message.chat.split("\n\n", 1)
    assert phrase == say("missing.text", Written.ENGLISH)
    assert chinese == told(ALERT).chat
    assert message.buttons[0][0].label == "Received"
    assert message.speech is not None
    assert (message.speech.language, message.speech.foreword[:12]) == (
        Spoken.MANDARIN,
        "This message",
    )


def test_a_chinese_answer_to_a_reader_of_english_is_framed_in_chinese() -> None:
    chat = render(NoticeKind.ANSWER, ANSWER, Written.ENGLISH, Spoken.ENGLISH).chat
    assert chat.startswith(say("missing.text", Written.ENGLISH))
    assert "核实日期：2026年8月1日" in chat


def test_traditional_readers_get_traditional_characters_throughout() -> None:
    message = render(NoticeKind.ALERT, ALERT, Written.HANT, Spoken.CANTONESE)
    assert [form for form in forms(message) if traditional(form) != form] == []
    assert message.buttons[0][1].label == "需要幫助"


def test_a_contact_hears_whose_contact_they_are() -> None:
    message = render(NoticeKind.ALERT, ALERT, Written.HANS, Spoken.MANDARIN, alone="王奶奶")
    assert "您是王奶奶的紧急联系人" in message.chat
    assert "您是王奶奶的联系人" in message.sms
    assert message.speech is not None
    assert message.speech.sentences[0] == "您是王奶奶的紧急联系人。"
    assert [button.label for button in message.buttons[0]] == ["我来转告", "请社区上门"]


def test_an_update_and_an_end_are_marked_and_the_end_repeats_no_order() -> None:
    update, end = told(ALERT, msg_type="Update"), told(ALERT, msg_type="Cancel", instruction="")
    assert "【更新】" in update.chat.splitlines()[0]
    assert "【更新】" in update.sms
    assert end.chat.splitlines()[:2] == ["【解除】幸福里社区居委会", "已解除：今晚停水"]
    assert [button.action for row in end.buttons for button in row] == [Action.RECEIVED]


def test_colour_and_severity_are_said_in_words() -> None:
    assert "级别：红色预警，特别严重" in told(ALERT, color="红", severity="Extreme").chat
    assert "Level" not in told(ENGLISH, Written.ENGLISH, severity="Unknown").chat


def test_an_answer_says_the_truth_first_then_verdict_source_expert_and_dates() -> None:
    lines = render(NoticeKind.ANSWER, ANSWER, Written.HANS, Spoken.MANDARIN).chat.splitlines()
    assert lines[:6] == [
        "今晚正常供水。",
        "“今晚停水”这个说法：假",
        "来源：供水公司",
        "专家：管网工程师",
        "核实日期：2026年8月1日",
        "有效到：2026年8月4日",
    ]


def test_a_forwarded_debunk_is_told_to_be_right() -> None:
    chat = render(NoticeKind.ANSWER, ANSWER | {"debunk": "1"}, Written.HANS, Spoken.MANDARIN).chat
    assert chat.splitlines()[1] == "您转来的是一条辟谣，内容属实。"


def test_a_question_back_offers_numbers_on_buttons_and_keys() -> None:
    fields = ANSWER | {"outcome": "ask", "options": OPTIONS}
    message = render(NoticeKind.ANSWER, fields, Written.HANS, Spoken.MANDARIN)
    assert message.chat.splitlines()[1] == "1. 3号楼停水（区别：3号楼）"
    pressed = [(one.action, one.value) for row in message.buttons for one in row]
    assert pressed == [(Action.CHOOSE, "1"), (Action.CHOOSE, "2"), (Action.NONE_OF_THESE, "")]
    assert message.speech is not None
    assert set(message.speech.answers) == {"0", "1", "2"}


def test_a_long_letter_is_answered_point_by_point() -> None:
    parts = [
        {
            "outcome": "answer",
            "claim": "停水",
            "truth": "今晚不停水。",
            "verdict": "false",
            "number": "",
        },
        {"outcome": "case", "claim": "停气", "truth": "", "verdict": "", "number": "C7"},
    ]
    message = render(NoticeKind.ANSWER, ANSWER | {"parts": parts}, Written.HANS, Spoken.MANDARIN)
    lines = message.chat.splitlines()
    assert lines[0] == "您转来的内容有2点：1点不实，1点正在核实。"
    assert lines[1] == "1. 今晚不停水。（“停水”：假）"
    assert lines[2] == "2. “停气”：正在核实，编号C7，请先不要转发。"
    assert message.sms == f"{lines[0]}今晚不停水。（“停水”：假）"


@pytest.mark.parametrize(
    ("verdict", "counted"),
    [
        ("false", "1点不实"),
        ("true", "1点属实"),
        ("partly", "1点部分失实"),
        ("depends", "1点要分情况"),
        ("unconfirmed", "1点尚无定论"),
        ("outdated", "1点已过时"),
    ],
)
def test_a_letter_begins_with_how_many_points_of_it_are_what(verdict: str, counted: str) -> None:
    parts = [{"outcome": "answer", "claim": "停水", "truth": "不停水。", "verdict": verdict}] * 1
    parts.append({"outcome": "case", "claim": "停气", "number": "7"})
    message = render(NoticeKind.ANSWER, ANSWER | {"parts": parts}, Written.HANS, Spoken.MANDARIN)
    assert message.chat.startswith(f"您转来的内容有2点：{counted}，1点正在核实。")
    assert message.speech is not None
    assert message.speech.sentences[0].startswith("您转来的内容有")


def test_a_fact_past_its_day_is_told_as_of_that_day_and_never_as_a_verdict() -> None:
    fields = ANSWER | {"outcome": "as_of", "number": "9"}
    message = render(NoticeKind.ANSWER, fields, Written.HANS, Spoken.MANDARIN)
    first = "截至2026年8月4日的情况：今晚正常供水。"
    assert message.chat.startswith(f"{first}\n之后的情况正在核实，编号9。")
    assert message.sms.startswith(first)
    assert "假" not in message.chat + message.sms


def test_publishers_who_disagree_are_shown_with_names_and_dates() -> None:
    voices = [
        {"source": "水务局", "date": "2026-08-01", "truth": "水可以喝。", "verdict": "false"},
        {"source": "晚报", "date": "2026-08-03", "truth": "水要烧开再喝。", "verdict": "partly"},
    ]
    message = render(NoticeKind.ANSWER, ANSWER | {"voices": voices}, Written.HANS, Spoken.MANDARIN)
    both = (
        "水务局（8月1日）认为：水可以喝。（假）",
        "晚报（8月3日）认为：水要烧开再喝。（部分失实）",
    )
    assert tuple(message.chat.splitlines()[1:3]) == both
    assert message.sms == "；".join(both) + "不是这件事回0。"
    assert message.speech is not None
    assert "晚报认为" in "".join(message.speech.sentences)


def test_without_a_claim_the_full_sentence_carries_no_label() -> None:
    fields = ANSWER | {"claim": "", "verdict": ""}
    message = render(NoticeKind.ANSWER, fields, Written.HANS, Spoken.MANDARIN)
    assert message.chat.splitlines()[0] == "今晚正常供水。"
    assert "定论" not in message.chat + message.sms


def test_a_case_promises_an_answer_and_a_correction_names_both_verdicts() -> None:
    case = render(
        NoticeKind.CASE, {"number": "C7", "expert": "李工"}, Written.HANS, Spoken.MANDARIN
    )
    assert case.chat == "收到，编号C7，正在请李工核实，请先不要转发，有结果一定告诉您。"
    fields = ANSWER | {"verdict": "true", "old_verdict": "false"}
    correction = render(NoticeKind.CORRECTION, fields, Written.HANS, Spoken.MANDARIN)
    assert "原来说“假”，现在是“真”" in correction.chat


def test_a_page_can_be_taken_with_one_button() -> None:
    page = render(
        NoticeKind.PAGE, {"text": "3号楼有人要帮忙", "urgent": "1"}, Written.HANS, Spoken.MANDARIN
    )
    assert page.chat == "【紧急】3号楼有人要帮忙"
    assert page.buttons[0][0].action is Action.RECEIVED


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("请关好门窗，不要外出，远离广告牌。", ["请关好门窗。", "不要外出。", "远离广告牌。"]),
        ("请留在家里，拔掉插头。", ["请留在家里。", "拔掉插头。"]),
        ("因检修停水，请提前存水，关好龙头。", ["因检修停水，请提前存水。", "关好龙头。"]),
        ("如果家里进水，请关电闸，往高处走。", ["如果家里进水，请关电闸，往高处走。"]),
        ("闻到煤气味，请开窗，不要开灯。", ["闻到煤气味，请开窗，不要开灯。"]),
        ("老人不舒服，请马上打120。", ["老人不舒服，请马上打120。"]),
        ("请3号楼的住户，马上下楼。", ["请3号楼的住户，马上下楼。"]),
        ("请在12月1日前，往箱子里存水。", ["请在12月1日前，往箱子里存水。"]),
        ("有大暴雨，可能下到半夜。", ["有大暴雨，可能下到半夜。"]),
        ("请存水。详情见 www.example.com/a?b=1。", ["请存水。"]),
        ("3号楼停水，详见 www.example.com。请存水。", ["3号楼停水。", "请存水。"]),
        (
            "See www.example.com. It rains until 7 p.m. on 3 May.",
            ["It rains until 7 p.m. on 3 May."],
        ),
        ("Stay at home, and close the doors.", ["Stay at home, and close the doors."]),
        (
            "Please stay at home and close your windows and your doors, and do not use the lift.",
            [
                "Please stay at home and close your windows and your doors.",
                "And do not use the lift.",
            ],
        ),
    ],
)
def test_what_is_to_be_done_is_said_one_thing_a_sentence(text: str, told: list[str]) -> None:
    assert thoughts(text) == told


def test_long_sentences_are_cut_for_the_ear_at_commas() -> None:
    long = "今天晚上有大暴雨，请大家早点回家，关好门窗，不要到地下车库去，老人和孩子请不要出门。"
    assert all(len(piece) <= 36 for piece in thoughts(long))
    assert thoughts("Stay at home. It rains 3.5 mm.") == ["Stay at home.", "It rains 3.5 mm."]


@pytest.mark.parametrize(
    ("phone", "shown"),
    [("+8657188001234", "0571 8800 1234"), ("+8613912345678", "139 1234 5678"), ("12345", "12345")],
)
def test_phones_are_shown_as_people_dial_them(phone: str, shown: str) -> None:
    message = told(ALERT, phone=phone)
    assert f"值班电话：{shown}\n" in message.chat
    assert message.speech is not None
    assert re.search(r"[百千万\d]", message.speech.machine) is None


def test_moments_are_written_as_people_write_them() -> None:
    assert moment("2026-08-03T22:00:00+08:00", Written.HANS) == "2026年8月3日22:00"
    assert moment("2026-08-03", Written.ENGLISH) == "3 August 2026"
    assert moment("长期", Written.HANS) == "长期"
