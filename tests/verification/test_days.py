"""Days: a word such as 明晚 means a date that depends on when it was said."""

from datetime import date

import pytest

from verification.days import relative

MONDAY = date(2026, 8, 3)


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("今晚停水", {(2026, 8, 3)}),
        ("明早八点停电", {(2026, 8, 4)}),
        ("大后天开会", {(2026, 8, 6)}),
        ("昨天停过水", {(2026, 8, 2)}),
        ("周三停水", set()),
        ("这周一停水", {(2026, 8, 3)}),
        ("下周1起不让进", {(2026, 8, 10)}),
        ("下下个星期天", {(2026, 8, 23)}),
        ("上禮拜五", {(2026, 7, 31)}),
        ("本周末停水", {(2026, 8, 8), (2026, 8, 9)}),
        ("下个月5号停水", {(2026, 9, 5)}),
        ("月底涨价", {(2026, 8, 0)}),
        ("今天和明天都停水", {(2026, 8, 3), (2026, 8, 4)}),
        ("8月20日停水", set()),
        ("周末两天都能打疫苗", set()),
        ("每个月月初收费，以前周转不开", set()),
        ("前门和后门都锁了", set()),
    ],
)
def test_a_day_is_counted_from_when_it_was_said(said: str, days: set[tuple[int, int, int]]) -> None:
    assert relative(said, MONDAY) == days


def test_a_month_is_counted_over_the_end_of_a_year() -> None:
    assert relative("下个月3号", date(2026, 12, 31)) == {(2027, 1, 3)}
