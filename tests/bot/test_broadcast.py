"""/broadcast: the dialogue that writes a draft, and its preview in every form."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.commands import broadcast, dialogue
from bot.prices import Prices
from content import alert as alerts
from content import draft as drafts
from content import phrase
from content.alert import Color, Revision, Severity, Status, Urgency
from content.message import Kind, Written
from content.staff import Role
from tests.bot.street import CHATS, Street, buttons, said

AUTHOR = CHATS[Role.AUTHOR]
TEXT = "停水通知\n明天8点到18点3号楼停水。\n请提前储水。"


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def written(street: Street, *answers: str) -> Revision:
    for text in ("/broadcast", TEXT, *answers):
        street.says(AUTHOR, text)
    return newest(street)


def newest(street: Street) -> Revision:
    return alerts.current(street.session, alerts.recent(street.session)[0])


def test_four_answers_make_a_draft(street: Street) -> None:
    row = written(street, "No water\nBuilding 3.", "3号楼", "黄")
    content = drafts.read(street.session, row)
    assert (content.color, content.severity) == (Color.YELLOW, Severity.MODERATE)
    assert len(content.audience.places) == 1
    assert content.texts[Written.HANS].instruction == "请提前储水。"
    assert content.texts[Written.ENGLISH].headline == "No water"


def test_the_preview_shows_every_form_and_the_figures(street: Street) -> None:
    written(street, "No water\nBuilding 3.", "全部")
    shown = said(street.says(AUTHOR, "黄"))
    for part in ("[zh-Hans]", "[en]", word("staff.preview_chat"), word("staff.preview_call")):
        assert part in shown
    assert word("staff.preview_count", count=2) in shown
    assert "短信（简体中文）：" in shown


def test_the_author_is_warned_of_what_is_hard_to_follow(street: Street) -> None:
    street.says(AUTHOR, "/broadcast")
    shown = said(street.says(AUTHOR, TEXT))
    assert word("staff.unclear") in shown
    assert word("clarity.undated", words="明天") in shown
    assert word("staff.unclear") in said(street.says(AUTHOR, "No water\nTomorrow from 8 to 6."))


def test_a_plain_text_is_taken_without_a_word(street: Street) -> None:
    street.says(AUTHOR, "/broadcast")
    shown = said(street.says(AUTHOR, "停水\n12月1日上午8点到10点，3号楼停水。\n请提前存水。"))
    assert word("staff.unclear") not in shown


def test_the_preview_names_the_money_where_there_are_prices(street: Street) -> None:
    street.house = replace(street.house, prices=Prices("元", {Kind.CHAT: 0.1, Kind.CALL: 0.5}))
    written(street, "No water\nBuilding 3.", "全部")
    assert "首次联系最多约" in said(street.says(AUTHOR, "黄"))


def test_the_preview_counts_who_has_no_text_in_their_language(street: Street) -> None:
    street.li.written = Written.ENGLISH
    code = alerts.get(street.session, written(street).alert_id).code
    street.presses(AUTHOR, f"staff::skip.{code}")
    street.says(AUTHOR, "全部")
    shown = said(street.presses(AUTHOR, f"staff::黄.{code}"))
    assert word("staff.preview_missing", language="en", count=1) in shown


@pytest.mark.parametrize(("answer", "urgent"), [("红", True), ("蓝", False), ("一般", False)])
def test_only_what_is_extreme_offers_the_emergency_path(
    street: Street, answer: str, urgent: bool
) -> None:
    written(street, "No water\nBuilding 3.", "全部")
    data = buttons(street.says(AUTHOR, answer))
    assert any("submit_urgent" in one for one in data) is urgent
    assert (newest(street).urgency is Urgency.IMMEDIATE) is urgent


@pytest.mark.parametrize("places", ["99号楼", "幸福大街", "全部的人", "，", "、 "])
def test_an_unknown_place_is_asked_again(street: Street, places: str) -> None:
    row = written(street, "No water\nBuilding 3.")
    assert said(street.says(AUTHOR, places))
    assert drafts.read(street.session, row).audience.places == ()
    street.says(AUTHOR, "3号楼")
    assert len(drafts.read(street.session, row).audience.places) == 1


def test_a_draft_survives_between_two_answers_in_the_database(street: Street) -> None:
    row = written(street)
    street.session.expire_all()
    street.says(AUTHOR, "No water\nBuilding 3.")
    assert Written.ENGLISH in drafts.read(street.session, row).texts


@pytest.mark.parametrize("text", ["跳过", "Skip", "跳過"])
def test_skip_may_be_typed_as_well(street: Street, text: str) -> None:
    row = written(street, text, "全部")
    assert Written.ENGLISH not in drafts.read(street.session, row).texts


def test_a_command_gives_up_the_open_question(street: Street) -> None:
    written(street)
    street.says(AUTHOR, "/status")
    street.says(AUTHOR, "全部")
    assert Written.ENGLISH not in drafts.read(street.session, newest(street)).texts


def test_a_draft_is_gone_on_with_by_its_code(street: Street) -> None:
    code = alerts.get(street.session, written(street).alert_id).code
    street.says(AUTHOR, "/cancel")
    assert said(street.says(AUTHOR, f"/broadcast {code.lower()}")) == word(
        "staff.broadcast_audience"
    )
    street.says(AUTHOR, "全部")
    street.says(AUTHOR, "黄")
    assert word("staff.preview", code=code) in said(street.says(AUTHOR, f"/broadcast {code}"))


def test_cancel_alone_gives_up_the_open_question_and_keeps_the_draft(street: Street) -> None:
    code = alerts.get(street.session, written(street).alert_id).code
    told = said(street.says(AUTHOR, "/cancel"))
    assert word("staff.broadcast_kept", code=code) in told
    street.says(AUTHOR, "地铁要修到门口")
    assert Written.ENGLISH not in drafts.read(street.session, newest(street)).texts


def test_a_question_that_was_left_open_for_long_is_not_answered_by_chance(street: Street) -> None:
    street.says(AUTHOR, "/broadcast")
    street.now += dialogue.LASTS + timedelta(minutes=1)
    street.says(AUTHOR, "地铁要修到门口")
    assert alerts.recent(street.session) == []


def test_what_was_published_is_not_gone_on_with(street: Street) -> None:
    made = street.publish()
    code = alerts.get(street.session, made.alert_id).code  # type: ignore[arg-type]
    assert said(street.says(AUTHOR, f"/broadcast {code}")) == word("staff.done_already")


def test_a_command_may_end_with_its_line(street: Street) -> None:
    assert word("staff.broadcast_more") in said(street.says(AUTHOR, f"/broadcast\n{TEXT}"))


def test_the_text_may_come_with_the_command(street: Street) -> None:
    assert word("staff.broadcast_more") in said(street.says(AUTHOR, f"/broadcast {TEXT}"))
    assert drafts.read(street.session, newest(street)).texts[Written.HANS].headline == "停水通知"


@pytest.mark.parametrize(
    ("headline", "status"),
    [("【演练】暴雨", Status.EXERCISE), ("测试：停水", Status.TEST), ("停水", Status.ACTUAL)],
)
def test_a_drill_is_known_by_its_first_word(street: Street, headline: str, status: Status) -> None:
    street.says(AUTHOR, f"/broadcast {headline}\n明天8点停水。")
    assert newest(street).status is status


def test_a_draft_written_anew_as_a_drill_becomes_one_and_stays_one(street: Street) -> None:
    row = written(street, "No water\nBuilding 3.", "全部", "蓝")
    code = alerts.get(street.session, row.alert_id).code
    for text in (f"【演练】{TEXT}", TEXT):
        street.presses(AUTHOR, f"staff::rework.{code}")
        street.says(AUTHOR, text)
    assert newest(street).status is Status.EXERCISE


def test_a_text_of_one_line_is_told_in_full() -> None:
    found = broadcast.parse("明天8点到18点3号楼停水，请提前储水。")
    assert (found.headline, found.description) == (
        "明天8点到18点3号楼停水",
        "明天8点到18点3号楼停水，请提前储水。",
    )


def test_an_update_takes_over_audience_and_severity(street: Street) -> None:
    made = street.publish()
    code = alerts.get(street.session, made.alert_id).code  # type: ignore[arg-type]
    street.says(AUTHOR, f"/update {code}\n{TEXT}")
    street.presses(AUTHOR, f"staff::skip.{code}")
    assert (newest(street).number, newest(street).severity) == (2, Severity.EXTREME)


def test_a_draft_that_still_runs_is_not_updated(street: Street) -> None:
    code, _ = street.drafted()
    assert "还有一版没有发布" in said(street.says(AUTHOR, f"/update {code} {TEXT}"))


@pytest.mark.parametrize("text", [" ", "\n\n", "。！"])
def test_an_empty_text_is_refused_and_asked_again(street: Street, text: str) -> None:
    street.says(AUTHOR, "/broadcast")
    assert said(street.says(AUTHOR, text)) == word("staff.refused_empty")
    street.says(AUTHOR, TEXT)
    assert newest(street).event == "停水通知"


def test_a_headline_without_a_text_is_not_submitted(street: Street) -> None:
    street.says(AUTHOR, "/broadcast 停水通知\n请提前储水。")
    code = alerts.recent(street.session)[0].code
    assert "缺标题或正文" in said(street.presses(AUTHOR, f"staff::submit.{code}"))
