"""/doors: the door-knock list in chat, for who goes to the doors."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.turn import Effect, Rewrite, Say
from channels.base import Event as Arrives
from channels.base import EventKind, Media
from content import alert as alerts
from content import identity, notice, people, phrase, place, task, visit
from content.delivery import Delivery, DeliveryState
from content.event import Event
from content.message import Kind, Written
from content.notice import Notice
from content.people import OwnerKind
from content.reason import Reason
from content.staff import Role
from content.task import TaskKind
from tests.bot.street import CHATS, LI_CHAT, STORM, Street, buttons, said
from tests.content import outbox
from verification.case import Attachment

WORKER = "9020"


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def worker(street: Street, chat: str, name: str, grid: str = "") -> None:
    """Let a grid worker begin, with a grid of their own if one is named."""
    area = place.find(street.session, grid) if grid else None
    member = identity.add_staff(
        street.session, name, [Role.GRID_WORKER], street.now, place_id=area.id if area else None
    )
    people.add_address(street.session, OwnerKind.STAFF, member.id, Kind.CHAT, chat, street.now)


def unreached(street: Street, grid: str = "") -> tuple[Notice, list[Effect]]:
    """Put 王奶奶 on the list, and let the grid worker ask for it."""
    worker(street, WORKER, "网格员", grid)
    made = street.publish()
    street.delivery(made, street.wang).state = DeliveryState.DOOR
    street.session.flush()
    return made, street.says(WORKER, "/doors")


def test_a_grid_worker_gets_a_card_with_buttons_for_each_person(street: Street) -> None:
    _, cards = unreached(street)
    assert "王奶奶" in said(cards)
    assert [one.split(":")[2].split(".")[0] for one in buttons(cards)] == [
        "done",
        "help",
        "away",
        "refused",
    ]
    assert max(len(one.encode()) for one in buttons(cards)) <= 64


def test_what_was_said_at_the_door_confirms(street: Street) -> None:
    made, cards = unreached(street)
    street.presses(WORKER, buttons(cards)[0])
    assert street.delivery(made, street.wang).reason is Reason.CONFIRMED_DOOR


def test_help_found_at_the_door_opens_a_task_even_for_who_confirmed_meanwhile(
    street: Street,
) -> None:
    made, cards = unreached(street)
    street.presses(WORKER, buttons(cards)[0])
    street.presses(WORKER, buttons(cards)[1])
    assert street.delivery(made, street.wang).needs_help
    assert TaskKind.HELP in {one.kind for one in task.waiting(street.session)}


def test_nobody_home_leaves_the_card_on_the_list(street: Street) -> None:
    made, cards = unreached(street)
    street.presses(WORKER, buttons(cards)[2])
    assert street.delivery(made, street.wang).state is DeliveryState.DOOR
    tried = select(Event.data).where(Event.kind == "door.tried")
    assert [one["found"] for one in street.session.scalars(tried)] == ["away"]


@pytest.mark.parametrize("chat", [LI_CHAT, CHATS[Role.EDITOR]])
def test_the_list_is_for_who_goes_to_the_doors(street: Street, chat: str) -> None:
    made, cards = unreached(street)
    assert "王奶奶" not in said(street.says(chat, "/doors"))
    assert said(street.presses(chat, buttons(cards)[0])) == word("staff.unknown")
    assert street.delivery(made, street.wang).state is DeliveryState.DOOR


@pytest.mark.parametrize(
    "value",
    ["done", "done.A1", "done.A1.zz", f"done.{'A' * 22}.{'A' * 22}", "undo", "undo.é", "x.y.z"],
)
def test_a_card_of_nobody_changes_nothing(street: Street, value: str) -> None:
    made, _ = unreached(street)
    street.presses(WORKER, f"door::{value}")
    assert street.delivery(made, street.wang).state is DeliveryState.DOOR
    assert alerts.recent(street.session)


def two(street: Street, state: DeliveryState) -> None:
    """Publish two alerts: to the first 王奶奶 stands so, for the second she must be visited."""
    worker(street, WORKER, "网格员")
    for content, stands in ((STORM, state), (replace(STORM, event="停水"), DeliveryState.DOOR)):
        street.delivery(street.publish(content), street.wang).state = stands
    street.session.flush()


def test_a_worker_gets_the_list_that_has_somebody_left(street: Street) -> None:
    two(street, DeliveryState.CONFIRMED)
    assert "上门名单 A2：1户，1人" in said(street.says(WORKER, "/doors"))


def test_the_lists_of_other_alerts_are_offered(street: Street) -> None:
    two(street, DeliveryState.DOOR)
    cards = street.says(WORKER, "/doors")
    assert "上门名单 A1：1户，1人" in said(cards)
    assert cards[-1].buttons[0][0].label == "A2：1户，1人"
    assert "上门名单 A2：1户，1人" in said(street.presses(WORKER, buttons(cards)[-1]))


def card(effects: list[Effect]) -> Rewrite:
    """The card as it is redrawn after a press."""
    (found,) = [one for one in effects if isinstance(one, Rewrite)]
    return found


def labels(one: Rewrite) -> list[str]:
    return [button.label for row in one.buttons for button in row]


def test_the_lead_says_what_is_to_be_said_at_the_door(street: Street) -> None:
    _, cards = unreached(street)
    assert all(part in said(cards[:1]) for part in ("A1", "1户，1人", "今晚8点起有大暴雨。"))


def test_the_card_itself_shows_what_was_done_and_how_to_take_it_back(street: Street) -> None:
    made, cards = unreached(street)
    shown = card(street.presses(WORKER, buttons(cards)[0], message_id="55"))
    assert (shown.message_id, labels(shown)) == ("55", ["需要帮助", "按错了"])
    assert "7月20日09:00 已通知（网格员）" in shown.text
    undo = shown.buttons[-1][0].data("")
    shown = card(street.presses(WORKER, undo, message_id="55"))
    assert labels(shown) == ["已通知", "需要帮助", "不在家", "拒绝"]
    assert street.delivery(made, street.wang).state is DeliveryState.DOOR


def test_a_home_where_nobody_opened_says_when_to_go_again(street: Street) -> None:
    _, cards = unreached(street)
    shown = card(street.presses(WORKER, buttons(cards)[2], message_id="55"))
    assert "7月20日09:00 不在家" in shown.text
    assert "7月20日09:30以后再去" in shown.text
    street.now += timedelta(minutes=31)
    assert "可以再去一次了" in said(street.says(WORKER, "/doors"))


def test_of_two_workers_the_second_sees_who_was_faster(street: Street) -> None:
    made, cards = unreached(street)
    worker(street, "9021", "同事")
    street.presses(WORKER, buttons(cards)[3])
    done = street.presses("9021", buttons(cards)[2], message_id="77")
    assert "已经记了“拒绝”（网格员）" in said(done)
    assert "拒绝（网格员）" in card(done).text
    assert street.delivery(made, street.wang).state is DeliveryState.REFUSED


def test_a_colleague_s_press_is_not_taken_back_but_by_the_office(street: Street) -> None:
    made, cards = unreached(street)
    worker(street, "9021", "同事")
    undo = card(street.presses(WORKER, buttons(cards)[0], message_id="5")).buttons[-1][0].data("")
    assert said(street.presses("9021", undo)) == word("door.undo_not_yours")
    street.presses(CHATS[Role.PUBLISHER], undo)
    assert street.delivery(made, street.wang).state is DeliveryState.DOOR


class TestOwnGrid:
    """王奶奶 lives in 1网格."""

    @pytest.fixture(autouse=True)
    def _gridded(self, street: Street) -> None:
        place.Tree(street.session).ensure(place.read("3-2-501"), "1网格")  # type: ignore[arg-type]
        place.Tree(street.session).ensure(place.read("9-1-101"), "2网格")  # type: ignore[arg-type]
        street.session.flush()

    def test_a_worker_sees_and_presses_the_own_grid_only(self, street: Street) -> None:
        made, cards = unreached(street, "1网格")
        assert "王奶奶" in said(cards)
        worker(street, "9022", "二格", "2网格")
        assert said(street.says("9022", "/doors")) == word("door.empty")
        pressed = street.presses("9022", buttons(cards)[0])
        assert said(pressed) == word("door.other_grid")
        assert street.delivery(made, street.wang).state is DeliveryState.DOOR

    def test_who_has_no_grid_yet_is_told_so(self, street: Street) -> None:
        _, cards = unreached(street)
        assert said(cards) == word("door.no_grid")

    def test_the_office_sees_every_grid(self, street: Street) -> None:
        unreached(street, "2网格")
        assert "王奶奶" in said(street.says(CHATS[Role.PUBLISHER], "/doors"))


def test_beyond_twenty_cards_the_list_goes_on_page_by_page(street: Street) -> None:
    for number in range(44):
        one = outbox.resident(
            street.session, street.now, f"住户{number:02}", room=f"8-1-{number + 101}"
        )
        assert one
    unreached(street)
    street.session.execute(update(Delivery).values(state=DeliveryState.DOOR))
    street.session.expire_all()
    cards = street.says(WORKER, "/doors")
    names = [one.text.split()[1] for one in cards[1:-1]]  # type: ignore[union-attr]
    assert (len(names), said(cards[-1:])) == (20, word("door.more", count=26))
    street.presses(WORKER, buttons(cards)[0])
    while buttons(cards)[-1].startswith("door::more"):
        cards = street.presses(WORKER, buttons(cards)[-1])
        names += [
            one.text.split()[1] for one in cards if isinstance(one, Say) and "住户" in one.text
        ]
    assert len(names) == len(set(names))
    assert {f"住户{number:02}" for number in range(44)} <= set(names)


class TestNotes:
    """What is sent after a press, or as a reply to a card, is kept with the door."""

    def _kept(self, street: Street) -> list[tuple[str, int]]:
        made = alerts.recent(street.session)[-1]
        told = notice.last(street.session, made.id)
        assert told is not None
        one = visit.card(street.session, told.id, street.wang.id)
        assert one is not None
        return [(been.note, been.photos) for been in one.been]

    def _photo(self, street: Street, **more: str) -> list[Effect]:
        sent = Arrives(EventKind.MEDIA, address=WORKER, media=Media("f1", "image/jpeg"), **more)  # type: ignore[arg-type]
        return street.hear(Kind.CHAT, sent, Attachment("image/jpeg", "f1", data=b"jpeg"))

    def test_the_next_message_is_the_note(self, street: Street) -> None:
        _, cards = unreached(street)
        street.presses(WORKER, buttons(cards)[2])
        assert "已记在卡上：3号楼2单元501室 王奶奶" in said(self._photo(street))
        assert "已记在卡上" in said(street.says(WORKER, "灯亮着，没有人应门"))
        assert self._kept(street) == [("灯亮着，没有人应门", 1)]
        street.says(WORKER, "自来水有毒吗")
        assert self._kept(street) == [("灯亮着，没有人应门", 1)]

    def test_a_photo_brings_its_caption(self, street: Street) -> None:
        _, cards = unreached(street)
        street.presses(WORKER, buttons(cards)[0])
        self._photo(street, text="门口有积水")
        assert self._kept(street) == [("门口有积水", 1)]

    def test_later_it_is_meant_as_something_else(self, street: Street) -> None:
        _, cards = unreached(street)
        street.presses(WORKER, buttons(cards)[0])
        street.now += timedelta(minutes=11)
        street.says(WORKER, "自来水有毒吗")
        assert self._kept(street) == [("", 0)]

    def test_a_reply_to_a_card_is_its_note_before_and_after_a_press(self, street: Street) -> None:
        made, cards = unreached(street)
        street.says(WORKER, "听邻居说去女儿家了", replied=buttons(cards)[0])
        assert self._kept(street) == [("听邻居说去女儿家了", 0)]
        assert street.delivery(made, street.wang).state is DeliveryState.DOOR
        street.presses(WORKER, buttons(cards)[0])
        street.says(WORKER, "回来了", replied=buttons(cards)[0])
        assert self._kept(street)[-1] == ("回来了", 0)

    def test_nobody_else_writes_on_a_card(self, street: Street) -> None:
        _, cards = unreached(street)
        street.says(LI_CHAT, "随便写写", replied=buttons(cards)[0])
        assert self._kept(street) == []

    def test_a_half_written_alert_is_not_taken_for_a_note(self, street: Street) -> None:
        _, cards = unreached(street)
        chat = CHATS[Role.AUTHOR]
        member = identity.by_chat(street.session, chat)
        assert member is not None
        identity.set_roles(street.session, member.id, [Role.AUTHOR, Role.GRID_WORKER], street.now)
        street.says(chat, "/broadcast")
        street.presses(chat, buttons(cards)[2])
        street.says(chat, "停水通知\n7月20日3号楼停水。")
        assert self._kept(street) == [("", 0)]


def test_who_refused_may_be_told_after_all_and_who_was_told_may_need_help(
    street: Street,
) -> None:
    made, cards = unreached(street)
    refused = card(street.presses(WORKER, buttons(cards)[3], message_id="5"))
    assert labels(refused) == ["已通知", "需要帮助", "按错了"]
    told = card(street.presses(WORKER, refused.buttons[0][0].data(""), message_id="5"))
    assert labels(told) == ["需要帮助", "按错了"]
    helped = card(street.presses(WORKER, told.buttons[0][0].data(""), message_id="5"))
    assert labels(helped) == ["按错了"]
    assert street.delivery(made, street.wang).needs_help
