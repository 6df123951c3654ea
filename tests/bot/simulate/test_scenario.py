import pytest

from bot.simulate import scenario
from bot.simulate.scenario import ScenarioError
from content.alert import Severity
from content.message import Kind
from content.people import Need
from tests.bot.simulate.played import parsed

ALL = '[[group]]\nname = "all"\nshare = 1\n'


@pytest.mark.parametrize("name", scenario.built_in())
def test_every_scenario_that_comes_along_can_be_read(name: str) -> None:
    found = scenario.load(name)
    assert found.chinese
    assert {sender.kind for sender in found.senders()} == {Kind.CHAT, Kind.SMS, Kind.CALL}


def test_a_scenario_says_only_what_is_different() -> None:
    street, community = scenario.load("street"), scenario.load("community")
    assert street.groups == community.groups
    assert (street.residents, street.limits.lines) == (100_000, 600)


def test_a_scenario_says_who_lives_there_and_what_breaks() -> None:
    found = parsed(
        f'severity = "Extreme"\n{ALL}needs = {{ elderly = 0.3 }}\n'
        '[[outage]]\nkind = "sms"\nafter = 1\nminutes = 5\n[limits]\nlines = 7\n'
    )
    assert found.severity is Severity.EXTREME
    assert found.groups[0].needs == {Need.ELDERLY: 0.3}
    assert (found.outages[0].kind, found.outages[0].refuses) == (Kind.SMS, True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The shares must add up to 1"),
        (ALL + "mobile = 2\n", "mobile is a number from 0 to 1, not 2"),
        (ALL + 'chat = "often"\n', "chat is a number from 0 to 1"),
        (ALL + "needs = { tall = 1 }\n", "needs are shares of elderly"),
        (ALL + "calling = { answers = 0.9, busy = 0.2 }\n", "more than 1 together"),
        (ALL + "[limits]\ncables = 3\n", "[limits] has no cables; it has chat_per_second"),
        ('severity = "Bad"\n' + ALL, "severity is one of Extreme"),
        ("limits = 3\n" + ALL, "[limits] is a table"),
        ('what_if = ["ladders=2"]\n' + ALL, "ladders cannot be changed"),
        (ALL + '[[outage]]\nkind = "sms"\n', "[[outage]] needs after"),
        ("group = 3\n", "group is a list"),
    ],
)
def test_a_wrong_scenario_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parsed(text)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("wish", ["lines", "lines=", "lines=many", "lines=0", "=3"])
def test_a_wish_is_a_limit_and_a_number(wish: str) -> None:
    with pytest.raises(ScenarioError):
        scenario.changed(scenario.load("community"), wish)


def test_a_scenario_that_is_nowhere_is_told_with_those_there_are() -> None:
    with pytest.raises(ScenarioError, match="community"):
        scenario.load("moon")
