"""Answers: every notice of the desk can be read in every language, and says nothing of its inside."""

import uuid
from datetime import date

import pytest

from content.message import Spoken, Written
from content.notice import NoticeKind
from content.render import render
from verification import answer
from verification.fact import FactVersion
from verification.index import Candidate, FactView, Verdict
from verification.match import Decision, Outcome

SPOKEN = {
    Written.HANS: Spoken.MANDARIN,
    Written.HANT: Spoken.CANTONESE,
    Written.ENGLISH: Spoken.ENGLISH,
}


@pytest.fixture
def version() -> FactVersion:
    return FactVersion(
        fact_id=uuid.uuid4(),
        number=1,
        claim="自来水厂被人投毒",
        truth="自来水厂没有被投毒，水可以喝。",
        verdict=Verdict.FALSE,
        source="疾控中心",
        expert="陈医师",
        date=date(2026, 7, 18),
        valid_until=None,
    )


def asked(*conflicts: str) -> Decision:
    shown = tuple(
        Candidate(FactView(str(uuid.uuid4()), f"{number}号楼停水"), 1.0, 0.5, conflict)
        for number, conflict in enumerate(conflicts, start=3)
    )
    return Decision(Outcome.ASK, shown, shown, 0.5, "ask")


@pytest.mark.parametrize("language", list(Written))
def test_an_answer_is_read_in_every_language(language: Written, version: FactVersion) -> None:
    fields = answer.same(answer.fact(version), [language])[language]
    message = render(NoticeKind.ANSWER, fields, language, SPOKEN[language])
    assert "毒" in message.chat
    assert message.buttons


@pytest.mark.parametrize("language", list(Written))
def test_a_letter_is_read_point_by_point(language: Written, version: FactVersion) -> None:
    parts = [answer.part_checked("车棚要拆", "7"), answer.part(version)]
    fields = answer.same(answer.letter(parts), [language])[language]
    message = render(NoticeKind.ANSWER, fields, language, SPOKEN[language])
    assert "7" in message.chat


@pytest.mark.parametrize("language", list(Written))
def test_a_withdrawal_names_no_source(language: Written, version: FactVersion) -> None:
    fields = answer.correction(version, "false", [language], withdrawn=True)[language]
    message = render(NoticeKind.CORRECTION, fields, language, SPOKEN[language])
    assert version.truth not in message.chat
    assert "疾控中心" not in message.chat


def test_a_reader_of_traditional_characters_gets_them(version: FactVersion) -> None:
    fields = answer.same(answer.fact(version), [Written.HANT])[Written.HANT]
    assert fields["truth"] == "自來水廠沒有被投毒，水可以喝。"


def test_no_notice_lacks_chinese() -> None:
    assert set(answer.said(("intent.chit_chat",), [Written.ENGLISH])) == {
        Written.HANS,
        Written.ENGLISH,
    }


@pytest.mark.parametrize(
    ("conflict", "difference"),
    [
        ("number: 13号楼 / 3号楼", "13号楼 / 3号楼"),
        ("date: 隔壁 / –", "隔壁"),
        ("area: /own/3/ / /own/4/", ""),
        ("", ""),
    ],
)
def test_an_option_shows_only_words_that_its_asker_can_compare(
    conflict: str, difference: str
) -> None:
    fields = answer.options(asked(conflict))
    assert fields["options"][0]["difference"] == difference


def test_at_most_three_facts_are_shown() -> None:
    assert len(answer.options(asked("", "", "", ""))["options"]) == 3


def test_a_group_reads_one_line(version: FactVersion) -> None:
    line = answer.short(answer.fact(version), Written.HANS)
    assert line.startswith(version.truth)
    assert "\n" not in line


def other(version: FactVersion, **change: object) -> FactVersion:
    kept = ("claim", "truth", "verdict", "source", "expert", "date", "valid_until")
    values = {name: getattr(version, name) for name in kept} | change
    return FactVersion(fact_id=uuid.uuid4(), number=1, **values)


def test_publishers_who_agree_are_named_together(version: FactVersion) -> None:
    fields = answer.fact(version, others=[other(version, source="水务局")])
    assert (fields["source"], fields["voices"]) == ("疾控中心、水务局", [])


def test_publishers_who_disagree_are_all_shown_the_newest_last(version: FactVersion) -> None:
    older = other(version, source="晚报", verdict=Verdict.PARTLY, date=date(2026, 7, 1))
    voices = answer.fact(version, others=[older])["voices"]
    assert [one["source"] for one in voices] == ["晚报", "疾控中心"]


def test_the_full_sentence_stands_without_a_label_for_who_asked_the_opposite(
    version: FactVersion,
) -> None:
    fields = answer.same(answer.fact(version, label=False), [Written.HANS])[Written.HANS]
    message = render(NoticeKind.ANSWER, fields, Written.HANS, Spoken.MANDARIN)
    assert version.truth in message.chat
    assert "假" not in message.chat + message.sms
