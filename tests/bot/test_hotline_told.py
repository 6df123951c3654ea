"""What the hotline tells: how many alerts run, each without a greeting of its own, and answers."""

from dataclasses import replace

import pytest

from bot import hotline
from bot.hotline import Lead
from channels.base import Event, EventKind
from content import callback, notice
from content.draft import Text
from content.message import Kind, Spoken, Written
from content.notice import NoticeKind
from content.staff import Role
from tests.bot.street import STORM, WANG, WATER, Street
from verification import facts

GAS = replace(
    STORM, texts={Written.HANS: Text("今天停煤气", "检修管道。", "请关好阀门。", "好了。")}
)
BOTH = replace(
    STORM, texts={**STORM.texts, Written.ENGLISH: Text("Storm", "Rain.", "Stay in.", "Over.")}
)


def heard(street: Street, language: Spoken) -> list[str]:
    """Return what 王奶奶 hears after key 1, in a language."""
    who = hotline.caller(street.session, WANG, hotline.NOWHERE)
    script = hotline.script(
        street.session, who, street.now, speech=False, language=language, tells=True
    )
    return [line.text for line in script.steps[f"{language}-alerts"].ask]


def test_one_is_told_at_once(street: Street) -> None:
    street.publish()
    said = heard(street, Spoken.MANDARIN)
    assert said[0] == "暴雨红色预警。"


def test_of_several_it_is_said_how_many_and_nobody_is_greeted_again(street: Street) -> None:
    street.publish(GAS)
    street.publish()
    said = heard(street, Spoken.MANDARIN)
    assert said[0] == "现在有两个通知。"
    assert said.count("下一个通知。") == 1
    assert "您好" not in "".join(said)


def test_who_listens_in_english_is_told_why_an_alert_is_chinese(street: Street) -> None:
    street.publish(GAS)
    street.publish(BOTH)
    said = heard(street, Spoken.ENGLISH)
    foreword = said.index("This message is not yet available in English. The Chinese text follows.")
    assert said[foreword + 1] == "今天停煤气。"
    assert "press 1" not in "".join(said)
    assert "Stay in." in said


def test_who_knows_the_keys_need_not_wait_and_a_key_cuts_the_alerts_short(street: Street) -> None:
    who = hotline.caller(street.session, WANG, hotline.NOWHERE)
    script = hotline.script(street.session, who, street.now, speech=True)
    asked = [step for name, step in script.steps.items() if step.asks and name.startswith("cmn")]
    assert [step for step in asked if step.say] == []
    alerts = script.steps["cmn-alerts"]
    # whatever a television says meanwhile is not listened to
    assert (alerts.keys["3"], alerts.silence, alerts.words) == ("cmn-help", "cmn-stay", "")


def test_an_english_voice_says_no_chinese_name(street: Street) -> None:
    who = hotline.caller(street.session, WANG, hotline.NOWHERE)
    script = hotline.script(street.session, who, street.now, speech=True, language=Spoken.ENGLISH)
    assert script.steps[script.start].ask[0].text == "Hello, this is the residents' committee."


@pytest.mark.parametrize(
    ("lead", "first"),
    [
        (Lead.NOTHING, WATER.truth),
        (Lead.EARLIER, "先告诉您上次问的事。"),
        (Lead.GREETING, "您好，这里是社区居委会。先告诉您上次问的事。"),
    ],
)
def test_an_answer_is_introduced_as_far_as_its_caller_needs_it(
    street: Street, lead: Lead, first: str
) -> None:
    asked = {"address": WANG, "text": WATER.claim, "step": "rumor", "called": True}
    street.hear(Kind.CALL, Event(EventKind.TEXT, provider_id="CA1", **asked))
    who = hotline.caller(street.session, WANG, hotline.NOWHERE)
    later = callback.Call("twilio_voice", "CA2")
    found = hotline.waiting(street.session, who, who.spoken, later, lead)
    assert found is not None
    assert next(found[1].lines()).text == first


@pytest.mark.parametrize(("key", "kind"), [("1", NoticeKind.CASE), ("0", None)])
def test_only_none_of_them_is_answered_by_the_call_itself(
    street: Street, key: str, kind: NoticeKind | None
) -> None:
    """What was chosen may be withdrawn by then: that it is being checked is still to be told."""
    call = {"address": WANG, "called": True, "provider_id": "CA1"}
    asked = Event(EventKind.TEXT, text="自来水厂怎么了", step="rumor", **call)
    street.hear(Kind.CALL, asked)
    here = callback.Call("twilio_voice", "CA1")
    shown = callback.due(street.session, WANG, here)
    assert shown is not None
    fact = facts.named(street.session, "water")
    facts.withdraw(street.session, fact, street.staff[Role.PUBLISHER], street.now)
    street.hear(Kind.CALL, Event(EventKind.KEY, key=key, step="start", subject=shown.hex, **call))
    left = callback.due(street.session, WANG, here)
    assert (notice.get(street.session, left).kind if left else None) is kind
