"""A time says whether it is in the morning or the evening, to who reads and to who hears."""

import pytest

from content import daypart
from content.message import Spoken
from content.speak import speak


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("下午2:00到5:30停水", "下午两点到下午五点半停水"),
        ("晚上7:30至11:00停水", "晚上七点半至晚上十一点停水"),
        ("中午12:00-2:00停水", "中午十二点到下午两点停水"),
        ("今晚8:00到10:00", "今晚八点到今晚十点"),
        ("晚上10:00到6:00停水", "晚上十点到早上六点停水"),
        ("上午8:00到11:30停水", "上午八点到上午十一点半停水"),
        ("9:30到17:00停水", "上午九点半到下午五点停水"),
        ("晚上7点到11点停水", "晚上七点到十一点停水"),
    ],
)
def test_both_ends_of_a_span_are_heard_in_their_part_of_the_day(text: str, said: str) -> None:
    assert speak(daypart.spread(text), Spoken.MANDARIN) == said


@pytest.mark.parametrize(
    "text", ["今晚7:00到9:00", "上午9:00到11:00", "早8点到晚8点", "次日6:00", "12:00"]
)
def test_a_part_counts_for_what_follows_in_its_sentence(text: str) -> None:
    assert daypart.unsaid(text) == []


@pytest.mark.parametrize("text", ["7:00", "晚上开会。7:00到场", "七点半"])
def test_a_time_without_its_part_is_found(text: str) -> None:
    assert len(daypart.unsaid(text)) == 1
