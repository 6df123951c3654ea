"""The review in chat: who is asked, what their buttons do, and what is refused."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.commands import preview, status
from bot.turn import Follow, Foresee, Glance
from channels import sweep
from content import alert as alerts
from content import identity, notice, people, phrase, review, task
from content.alert import Revision, Stage
from content.delivery import Delivery
from content.event import Actor, Door
from content.message import Kind, Written
from content.notice import Notice, NoticeKind
from content.people import OwnerKind
from content.staff import Role
from content.task import TaskKind
from content.template import Template, Templates
from content.texting import Texting
from tests.bot.street import CHATS, LI_CHAT, STORM, STRANGER, Street, buttons, said

AUTHOR, VERIFIER, EDITOR, PUBLISHER = (
    CHATS[role] for role in (Role.AUTHOR, Role.VERIFIER, Role.EDITOR, Role.PUBLISHER)
)


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def pages(street: Street, chat: str) -> list[dict[str, str]]:
    """Return the pages that a member of staff was sent: button word -> callback data."""
    return [
        {
            button.value.partition(".")[0]: button.data("ab" * 16)
            for row in one.buttons
            for button in row
        }
        for one in street.told(Kind.CHAT, chat)
    ]


def submitted(street: Street, how: str = "submit") -> tuple[str, Revision]:
    code, row = street.drafted()
    street.presses(AUTHOR, f"staff::{how}.{code}")
    return code, row


def edited(street: Street) -> tuple[str, Revision]:
    code, row = submitted(street)
    street.presses(VERIFIER, pages(street, VERIFIER)[-1]["verify"])
    street.presses(EDITOR, pages(street, EDITOR)[-1]["edited"])
    return code, row


def another(street: Street, chat: str, *roles: Role) -> Actor:
    member = identity.add_staff(street.session, "多面手", roles, street.now)
    people.add_address(street.session, OwnerKind.STAFF, member.id, Kind.CHAT, chat, street.now)
    return Actor(Door.CHAT, member.id)


def test_three_people_publish_by_pressing_what_they_are_sent(street: Street) -> None:
    _, row = edited(street)
    done = street.presses(PUBLISHER, pages(street, PUBLISHER)[-1]["publish"])
    assert row.stage is Stage.PUBLISHED
    assert [type(one) for one in done if isinstance(one, Follow)] == [Follow]


def test_who_reviews_sees_every_form_and_what_it_takes(street: Street) -> None:
    edited(street)
    for chat in (VERIFIER, EDITOR, PUBLISHER):
        shown = said(street.presses(chat, pages(street, chat)[-1]["show"]))
        assert word("staff.preview_text") in shown
        assert "短信（简体中文）：" in shown
        assert word("staff.submit") not in shown


def test_what_fits_no_registered_sms_is_refused_before_anybody_reviews_it(street: Street) -> None:
    short = Template(
        "1",
        frozenset({"alert", "cancel"}),
        Written.HANS,
        "{headline}",
        {"headline": "1"},
        {"headline": 3},
        frozenset({"headline"}),
    )
    street.house = replace(street.house, texting=Texting(templates=Templates(("+86",), (short,))))
    code, row = street.drafted()
    figures = preview.foretell(street.session, street.house, Foresee("1", row.id, street.now))
    assert "“标题”最多3个字" in figures.text
    refused = said(street.presses(AUTHOR, f"staff::submit.{code}"))
    assert "“标题”最多3个字" in refused
    assert pages(street, VERIFIER) == []


def test_the_editor_is_told_what_could_be_plainer(street: Street) -> None:
    edited(street)
    told = {chat: street.told(Kind.CHAT, chat)[-1].chat for chat in (VERIFIER, EDITOR, PUBLISHER)}
    assert [chat for chat, text in told.items() if word("staff.unclear") in text] == [EDITOR]
    assert word("clarity.undated", words="今晚") in told[EDITOR]


def test_an_author_with_every_role_may_still_not_approve_their_own(street: Street) -> None:
    code, row = submitted(street)
    author = street.staff[Role.AUTHOR]
    identity.set_roles(street.session, author.id, list(Role), street.now)
    told = said(street.presses(AUTHOR, pages(street, VERIFIER)[-1]["verify"]))
    assert code
    assert "作者不能核实自己写的通知" in told
    assert row.stage is Stage.DRAFT


def test_every_button_fits_into_what_telegram_takes(street: Street) -> None:
    code, row = street.drafted()
    alerts.get(street.session, row.alert_id).code = "A99999"
    street.presses(AUTHOR, "staff::submit.A99999")
    street.presses(VERIFIER, pages(street, VERIFIER)[-1]["verify"])
    data = [*pages(street, VERIFIER)[-1].values(), *pages(street, EDITOR)[-1].values()]
    assert code
    assert max(len(one.encode()) for one in data) <= 64


def test_a_second_click_publishes_nothing_twice(street: Street) -> None:
    edited(street)
    press = pages(street, PUBLISHER)[-1]["publish"]
    street.presses(PUBLISHER, press)
    assert word("staff.done_already") in said(street.presses(PUBLISHER, press))
    made = select(Notice).where(Notice.kind == NoticeKind.ALERT)
    assert len(street.session.scalars(made).all()) == 1


def test_submitting_twice_asks_once(street: Street) -> None:
    code, _ = submitted(street)
    street.presses(AUTHOR, f"staff::submit.{code}")
    assert len(pages(street, VERIFIER)) == 1


def test_a_text_changed_while_it_was_read_is_not_verified(street: Street) -> None:
    _, row = submitted(street)
    press = pages(street, VERIFIER)[-1]["verify"]
    other = replace(STORM, event="大暴雨")
    review.edit(street.session, street.staff[Role.AUTHOR], row, other, street.now)
    assert "刚刚改过" in said(street.presses(VERIFIER, press))
    assert row.stage is Stage.DRAFT


def test_a_wording_changed_while_it_was_read_is_not_published(street: Street) -> None:
    _, row = edited(street)
    press = pages(street, PUBLISHER)[-1]["publish"]
    text = replace(STORM.texts[Written.HANS], headline="暴雨红色预警信号")
    other = replace(STORM, texts={Written.HANS: text})
    review.edit(street.session, street.staff[Role.EDITOR], row, other, street.now)
    assert "刚刚改过" in said(street.presses(PUBLISHER, press))
    assert row.stage is Stage.EDITED


def test_who_is_barred_by_the_review_is_not_asked(street: Street) -> None:
    both = another(street, "9010", Role.AUTHOR, Role.VERIFIER, Role.PUBLISHER)
    code, _ = street.drafted()
    row = review.draft(street.session, both, replace(STORM, event="停水"), street.now)
    mine = alerts.get(street.session, row.alert_id).code
    street.presses("9010", f"staff::submit.{mine}")
    assert (code, pages(street, "9010")) == (code, [])
    assert len(pages(street, VERIFIER)) == 1


def test_who_verified_is_not_asked_to_publish(street: Street) -> None:
    another(street, "9010", Role.VERIFIER, Role.PUBLISHER)
    submitted(street)
    street.presses("9010", pages(street, "9010")[-1]["verify"])
    street.presses(EDITOR, pages(street, EDITOR)[-1]["edited"])
    assert [list(one) for one in pages(street, "9010")] == [["verify", "show", "return"]]
    assert len(pages(street, PUBLISHER)) == 1


def test_where_nobody_can_take_the_next_step_who_acts_is_told(street: Street) -> None:
    verifier = street.staff[Role.VERIFIER].id
    assert verifier is not None
    identity.set_roles(street.session, verifier, [Role.GRID_WORKER], street.now)
    code, _ = street.drafted()
    told = said(street.presses(AUTHOR, f"staff::submit.{code}"))
    assert word("staff.nobody", step="核实", code=code) in told


def test_a_return_brings_its_reason_to_the_author(street: Street) -> None:
    _, row = submitted(street)
    street.presses(VERIFIER, pages(street, VERIFIER)[-1]["return"])
    street.says(VERIFIER, "请写明开始时间")
    assert row.stage is Stage.RETURNED
    assert "请写明开始时间" in street.told(Kind.CHAT, AUTHOR)[-1].chat


def test_a_reworked_draft_is_asked_about_again(street: Street) -> None:
    code, row = submitted(street)
    street.presses(VERIFIER, pages(street, VERIFIER)[-1]["return"])
    street.says(VERIFIER, "请写明开始时间")
    street.presses(AUTHOR, pages(street, AUTHOR)[-1]["rework"])
    street.says(AUTHOR, "暴雨红色预警\n今晚9点起有大暴雨。\n请待在家里。")
    street.presses(AUTHOR, f"staff::skip.{code}")
    street.presses(AUTHOR, f"staff::submit.{code}")
    assert (row.stage, len(pages(street, VERIFIER))) == (Stage.DRAFT, 2)


def test_an_edit_of_a_number_goes_back_to_be_verified(street: Street) -> None:
    _, row = submitted(street)
    street.presses(VERIFIER, pages(street, VERIFIER)[-1]["verify"])
    street.presses(EDITOR, pages(street, EDITOR)[-1]["edit"])
    told = said(street.says(EDITOR, "暴雨红色预警\n今晚9点起有大暴雨。\n请待在家里。"))
    assert word("staff.refused_facts") in told
    assert word("clarity.undated", words="今晚") in told
    assert (row.stage, len(pages(street, VERIFIER))) == (Stage.DRAFT, 2)


def test_the_emergency_path_is_a_button_of_its_own(street: Street) -> None:
    _, row = submitted(street, "submit_urgent")
    (page,) = pages(street, PUBLISHER)
    assert list(page) == ["urgent", "show", "return"]
    street.presses(PUBLISHER, page["urgent"])
    assert (row.stage, row.emergency) == (Stage.PUBLISHED, True)
    assert TaskKind.REVIEW in {one.kind for one in task.waiting(street.session)}


def test_publishing_what_is_not_verified_is_refused(street: Street) -> None:
    code, row = submitted(street)
    told = said(street.presses(PUBLISHER, f"staff::publish.{code}"))
    assert "还没有核实" in told
    assert row.stage is Stage.DRAFT


def test_the_same_text_is_published_again_only_when_asked_for(street: Street) -> None:
    street.publish()
    code, row = edited(street)
    asked = street.presses(PUBLISHER, pages(street, PUBLISHER)[-1]["publish"])
    assert row.stage is Stage.EDITED
    street.presses(PUBLISHER, buttons(asked)[0])
    assert (code, row.stage) == (code, Stage.PUBLISHED)


@pytest.mark.parametrize("step", ["submit", "verify", "edited", "publish", "urgent", "return"])
def test_nobody_but_staff_takes_a_step(street: Street, step: str) -> None:
    code, row = street.drafted()
    told = said(street.presses(LI_CHAT, f"staff::{step}.{code}"))
    assert told == word("staff.unknown")
    assert row.stage is Stage.DRAFT


@pytest.mark.parametrize("chat", [AUTHOR, EDITOR, PUBLISHER])
def test_nobody_verifies_without_the_role(street: Street, chat: str) -> None:
    code, row = submitted(street)
    assert said(street.presses(chat, f"staff::verify.{code}")).strip()
    assert row.stage is Stage.DRAFT


def test_cancel_tells_everyone_who_was_told_and_hangs_up(street: Street) -> None:
    from content import outcome

    made = street.publish()
    ref = street.send(made, street.wang, Kind.CALL)
    outcome.accepted(street.session, ref, "CA1", street.now)
    code = alerts.get(street.session, made.alert_id).code  # type: ignore[arg-type]
    second = another(street, "9010", Role.PUBLISHER)
    done = street.says("9010", f"/cancel {code.lower()}")
    assert word("staff.cancelled", code=code, count=1) in said(done)
    assert sweep.superfluous(street.session) == [("test_call", "CA1")]
    assert second.id is not None


@pytest.mark.parametrize("command", ["/cancel", "/cancel A999", "/cancel x'; DROP", "/status A999"])
def test_an_unknown_code_is_a_sentence(street: Street, command: str) -> None:
    assert "There is no alert" in (told := said(street.says(PUBLISHER, command))) or "code" in told


@pytest.mark.parametrize("chat", [LI_CHAT, STRANGER])
@pytest.mark.parametrize(
    "command", ["/broadcast", "/broadcast 停水", "/status", "/cancel A1", "/update A1"]
)
def test_staff_commands_are_for_staff(street: Street, chat: str, command: str) -> None:
    assert said(street.says(chat, command)) == word("staff.unknown")


@pytest.mark.parametrize(
    ("role", "commands"),
    [
        (Role.GRID_WORKER, ["/status", "/doors", "/tasks", "/cancel", "/check"]),
        (Role.EXPERT, ["/status", "/cases", "/lessons", "/cancel", "/check"]),
        (Role.AUTHOR, ["/broadcast", "/broadcast", "/record", "/status", "/cancel", "/check"]),
    ],
)
def test_staff_are_told_what_they_may_do_themselves(
    street: Street, role: Role, commands: list[str]
) -> None:
    member = identity.add_staff(street.session, "某人", [role], street.now)
    people.add_address(street.session, OwnerKind.STAFF, member.id, Kind.CHAT, "9030", street.now)
    assert re.findall(r"/[a-z]+", said(street.says("9030", "/help"))) == commands


@pytest.mark.parametrize("command", ["/broadcast", "/broadcast 停水通知", "/update A1"])
def test_only_authors_write(street: Street, command: str) -> None:
    assert "作者的角色" in said(street.says(VERIFIER, command))
    assert alerts.recent(street.session) == []


def test_only_publishers_cancel(street: Street) -> None:
    made = street.publish()
    code = alerts.get(street.session, made.alert_id).code  # type: ignore[arg-type]
    assert "发布人" in said(street.says(VERIFIER, f"/cancel {code}"))
    assert notice.last(street.session, made.alert_id) is made  # type: ignore[arg-type]


def test_status_shows_what_runs_and_one_alert_by_grid(street: Street) -> None:
    made = street.publish()
    ref = street.send(made, street.li, Kind.CHAT)
    street.presses(LI_CHAT, f"received:{ref}")
    code = alerts.get(street.session, made.alert_id).code  # type: ignore[arg-type]
    (all_,), (one,) = (street.says(AUTHOR, words) for words in ("/status", f"/status {code}"))
    assert isinstance(all_, Glance)
    assert isinstance(one, Glance)
    brief = status.glance(street.session, all_, street.now)
    assert brief.startswith(f"{code}：1/2人收到")
    assert status.glance(street.session, one, street.now).startswith(f"{brief}\n")


def test_with_nothing_running_status_says_so(street: Street) -> None:
    assert said(street.says(AUTHOR, "/status")) == word("staff.nothing_open")
    assert street.session.scalars(select(Delivery)).all() == []
