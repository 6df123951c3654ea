"""What the hotline tells of the alerts that run: how many, each without a greeting of its own."""

from dataclasses import replace

from bot import hotline
from content.draft import Text
from content.message import Spoken, Written
from tests.bot.street import STORM, WANG, Street

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
    return [line.text for line in script.steps[f"{language}-alerts"].say]


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
