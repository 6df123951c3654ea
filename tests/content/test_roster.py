import io
from datetime import datetime

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import people, place, privacy, roster, sheet
from content.event import HOUSE, Event
from content.listing import Problem
from content.message import Kind, Spoken, Written
from content.people import Address, Consent, Contact, Need, Resident, Told
from content.roster import Report, RosterError
from content.store import Store

HEAD = "编号,姓名,网格,地址,手机,座机,需求,联系人姓名,联系人关系,联系人电话,书面语言,口语,备注\n"
WANG = "R1,王奶奶,1网格,3-2-501,,010-62345678,老人、独居,王强,儿子,139 0013 9000,繁体,粤语,爱下棋\n"
LI = "R2,李明,1网格,3号楼1单元101室,13800138000,,,,,,,,\n"


def load(session: Session, text: str, now: datetime) -> Report:
    return roster.load(session, sheet.parse(text.encode()), now, HOUSE)


def problems(store: Store, text: str, now: datetime) -> list[Problem]:
    with pytest.raises(RosterError) as refused, store.begin() as session:
        load(session, text, now)
    return list(refused.value.problems)


def only(session: Session) -> Resident:
    return session.scalars(select(Resident)).one()


def test_a_list_becomes_people_with_home_needs_and_languages(store: Store, now: datetime) -> None:
    with store.begin() as session:
        assert load(session, HEAD + WANG, now) == Report(1, 0, 0, 0, ())
        who = only(session)
        assert (who.name, who.needs) == ("王奶奶", {Need.ELDERLY, Need.LIVES_ALONE})
        assert (who.written, who.spoken) == (Written.HANT, Spoken.CANTONESE)
        assert place.lines(session, [who.place_id])[who.place_id] == "3号楼2单元501室"


def test_a_mobile_takes_sms_and_calls_and_a_landline_only_calls(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        load(session, HEAD + WANG + LI, now)
        found = people.addresses(session, session.scalars(select(Resident.id)))
        kinds = [[view.kind for view in views] for views in found.values()]
        assert sorted(map(sorted, kinds)) == [[Kind.CALL], [Kind.CALL, Kind.SMS]]


def test_a_contact_comes_with_name_relation_and_number(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, HEAD + WANG, now)
        [contact] = people.contacts(session, [only(session).id])[only(session).id]
        assert (contact.name, contact.relation) == ("王强", "儿子")
        assert people.value(session, people.addresses(session, [contact.id])[contact.id][0].id) == (
            "+8613900139000"
        )


def test_the_list_says_when_a_contact_is_told(store: Store, now: datetime) -> None:
    head = HEAD.replace("联系人电话", "联系人电话,联系人通知")
    told = []
    with store.begin() as session:
        for said in ("", "同时", "", "之后"):
            row = WANG.replace("139 0013 9000", f"139 0013 9000,{said}")
            load(session, head + row, now)
            session.expire_all()
            who = only(session).id
            told.append(people.contacts(session, [who])[who][0].told)
        titles, row = roster.rows(session)
    # an empty cell changes nothing
    assert told == [Told.AFTER, Told.WITH, Told.WITH, Told.AFTER]
    assert row[titles.index("联系人通知")] == "之后"


def test_importing_the_same_file_twice_changes_nothing(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, HEAD + WANG + LI, now)
    with store.begin() as session:
        before = list(session.scalars(select(Address.id)))
        assert load(session, HEAD + WANG + LI, now) == Report(0, 0, 2, 0, ())
        assert list(session.scalars(select(Address.id))) == before


def test_another_spelling_of_the_same_home_changes_nothing(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, HEAD + WANG, now)
        other = WANG.replace("3-2-501", "幸福里三栋二单元５０１室").replace("1网格", "第一网格")
        assert load(session, HEAD + other, now).unchanged == 1


def test_a_changed_row_updates_the_same_person(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, HEAD + LI, now)
        before = only(session).id
        session.expire_all()
        changed = LI.replace("13800138000", "13900139000").replace("101", "102")
        assert load(session, HEAD + changed, now).updated == 1
        assert [only(session).id] == [before]
        assert session.scalars(select(Address.value).distinct()).all()[0] == "+8613900139000"


def test_a_changed_contact_updates_the_person(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, HEAD + WANG, now)
        assert load(session, HEAD + WANG.replace("王强,儿子", "王芳,女儿"), now).updated == 1
        assert load(session, HEAD + "R1,王奶奶,1网格,3-2-501,,,,,,,,,\n", now).updated == 1
        assert session.scalar(select(func.count()).select_from(Contact)) == 0
        assert session.scalar(select(func.count()).select_from(Address)) == 0


def test_people_without_a_number_are_known_by_name_and_home(store: Store, now: datetime) -> None:
    text = "姓名,地址,手机\n李明,3-1-101,13800138000\n"
    with store.begin() as session:
        assert load(session, text, now).added == 1
        assert load(session, text.replace("3-1-101", "3栋1单元101"), now).unchanged == 1


def test_an_empty_cell_keeps_what_the_person_has_told(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, HEAD + LI, now)
        only(session).needs = frozenset({Need.DEAF})
        session.flush()
        assert load(session, HEAD + LI, now).unchanged == 1
        assert only(session).needs == {Need.DEAF}


def test_an_import_never_undoes_an_opt_out(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, HEAD + LI, now)
        number = "+8613800138000"
        people.set_consent(session, Kind.SMS, number, Consent.WITHDRAWN, "sms", HOUSE, now)
        load(session, HEAD + LI + LI.replace("R2", "R3"), now)
        kept = session.scalars(select(Address.consent).where(Address.kind == Kind.SMS))
        assert set(kept) == {Consent.WITHDRAWN}


def test_who_was_erased_does_not_come_back_with_the_next_list(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, HEAD + LI, now)
        privacy.erase(session, only(session).id, HOUSE, now)
        assert load(session, HEAD + LI + WANG, now) == Report(1, 0, 0, 1, ())


def test_one_bad_row_and_nothing_is_imported(store: Store, now: datetime) -> None:
    assert problems(store, HEAD + WANG + LI.replace("13800138000", "1380013"), now)
    with store.read() as session:
        assert people.count(session, people.Audience()) == 0
        assert place.find(session, "3号楼") is None


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("R9,,1,3-2-501", "姓名", "missing"),
        ("R9,张三,1,", "地址", "3-2-501"),
        ("R9,张三,1,3号楼", "地址", "3-2-501"),
        ("R9,张三,1,2026-03-02", "地址", "text column"),
        ("R9,张三,1,3-2-501,1380013", "手机", "check its digits"),
        ("R9,张三,1,3-2-501,1.38E+10", "手机", "make the column text"),
        ("R9,张三,1,3-2-501,,62345678", "座机", "area code"),
        ("R9,张三,1,3-2-501,,,会飞", "需求", "elderly"),
        ("R9,张三,1,3-2-501,,,,王强,儿子,", "联系人电话", "no number"),
        ("R9,张三,1,3-2-501,,,,,,,火星文", "书面语言", "zh-hans"),
        ("R9,张三,1,3-2-501,,,,,,,,火星话", "口语", "cmn, yue"),
        ("R9,张三,1,3-2-501,,,,,,,,,11010519491231002X", "备注", "Identity-card"),
        ("11010519491231002X,张三,1,3-2-501", "编号", "Identity-card"),
        ("R1,张三,1,3-2-502", "编号", "on line 2 already"),
        ("R9,张三,2网格,3-2-502", "网格", "another grid"),
    ],
)
def test_a_bad_cell_is_reported_with_line_column_and_reason(
    store: Store, now: datetime, row: str, column: str, reason: str
) -> None:
    [problem] = problems(store, HEAD + WANG + row + "\n", now)
    assert (problem.line, problem.column) == (3, column)
    assert reason.lower() in problem.reason.lower()


def test_every_bad_row_is_reported_at_once_and_no_number_in_any(
    store: Store, now: datetime
) -> None:
    found = problems(store, HEAD + "R1,王奶奶,1,无,1380013\n" + LI.replace("8000,", "80,"), now)
    assert [problem.line for problem in found] == [2, 2, 3]
    assert not any("1380013" in str(problem) for problem in found)


@pytest.mark.parametrize("head", ["编号,手机\n", "", "编号,姓名\n", "foo,bar\n"])
def test_a_missing_column_is_named(store: Store, now: datetime, head: str) -> None:
    found = problems(store, head + "1,2\n", now)
    assert found[-1].column in ("姓名", "地址")


def test_a_column_of_identity_numbers_is_refused_whole(store: Store, now: datetime) -> None:
    [problem] = problems(store, "姓名,地址,身份证号\n王奶奶,3-2-501,\n", now)
    assert (problem.line, problem.column) == (1, "身份证号")


def test_english_titles_and_separate_parts_of_the_address(store: Store, now: datetime) -> None:
    text = "ID,Name,Estate,Building,Unit,Room,Mobile,Needs\nR1,Ann,,3,2,501,+852 9123 4567,deaf\n"
    with store.begin() as session:
        load(session, text, now)
        who = only(session)
        assert place.lines(session, [who.place_id])[who.place_id] == "3号楼2单元501室"
        assert who.needs == {Need.DEAF}


def test_columns_that_were_not_read_are_named(store: Store, now: datetime) -> None:
    with store.begin() as session:
        assert load(session, "姓名,地址,星座\n李明,3-1-101,双鱼\n", now).ignored == ("星座",)


def test_an_xlsx_is_imported_like_a_csv(store: Store, now: datetime) -> None:
    book, out = Workbook(), io.BytesIO()
    for row in (["编号", "姓名", "楼栋", "房号", "手机"], [7, "李明", 3, 501, 13800138000]):
        book.active.append(row)
    book.save(out)
    with store.begin() as session:
        roster.load(session, sheet.parse(out.getvalue(), ".xlsx"), now, HOUSE)
        assert only(session).number == "7"
        assert len(people.addresses(session, [only(session).id])[only(session).id]) == 2


def test_an_export_can_be_imported_again_and_changes_nothing(store: Store, now: datetime) -> None:
    noname = "姓名,地址,手机\n=HYPERLINK(1),花园小区3-1-101,+852 9123 4567、010-62345678\n"
    with store.begin() as session:
        load(session, HEAD + WANG + LI, now)
        load(session, noname, now)
        out = roster.export(session, now, HOUSE)
        assert b",'=HYPERLINK(1)" in out
        assert roster.load(session, sheet.parse(out), now, HOUSE).unchanged == 3


def test_the_events_of_an_import_hold_only_counts(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, HEAD + WANG, now)
        [kept] = session.scalars(select(Event))
        assert (kept.kind, kept.data) == ("residents.imported", {"added": 1, "updated": 0})


def test_progress_ends_at_all_rows(store: Store, now: datetime) -> None:
    seen: list[tuple[int, int]] = []
    with store.begin() as session:
        lines = sheet.parse((HEAD + WANG + LI).encode())
        roster.load(session, lines, now, HOUSE, lambda done, of: seen.append((done, of)))
    assert seen == [(2, 2)]


def test_a_list_without_columns_of_numbers_and_contacts_takes_none_away(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        load(session, HEAD + WANG, now)
        report = load(session, "编号,姓名,网格,地址\nR1,王奶奶,1网格,3-2-501\n", now)
        who = only(session).id
        assert (report.updated, report.unchanged) == (0, 1)
        assert people.addresses(session, [who])[who]
        assert people.contacts(session, [who])[who]


def test_a_smartphone_is_no_need(store: Store, now: datetime) -> None:
    with store.begin() as session:
        load(session, "姓名,地址,需求\n王奶奶,3-2-501,无智能手机\n", now)
        assert only(session).needs == {Need.NO_SMARTPHONE}
    assert problems(store, "姓名,地址,需求\n李明,3-1-101,智能手机\n", now)[0].column == "需求"
