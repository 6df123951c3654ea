import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from content import sheet
from content.sheet import SheetError

TEXT = "编号,姓名\r\nR1,王奶奶\r\n,\r\nR2,李明\r\n"


def an_xlsx(*rows: list[object]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_csv_is_read_in_every_usual_encoding(encoding: str) -> None:
    lines = sheet.parse(TEXT.encode(encoding))
    assert [(line.number, line.cells) for line in lines] == [
        (1, ("编号", "姓名")),
        (2, ("R1", "王奶奶")),
        (4, ("R2", "李明")),
    ]


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_the_delimiter_is_seen(mark: str) -> None:
    assert sheet.parse(f"编号{mark}姓名\n".encode())[0].cells == ("编号", "姓名")


def test_an_xlsx_keeps_telephone_numbers_whole() -> None:
    lines = sheet.parse(an_xlsx(["手机", "空"], [13800138000, None], [13800138000.0, None]))
    assert [line.cells for line in lines[1:]] == [("13800138000",), ("13800138000",)]


@pytest.mark.parametrize(
    "content",
    [b"", b"not a table", b"PK", b"PK\x03\x04broken", TEXT.encode()],
)
def test_a_file_that_is_not_an_xlsx_is_one_sentence(content: bytes) -> None:
    with pytest.raises(SheetError, match="not really an XLSX"):
        sheet.parse(content, ".xlsx")


def test_a_zip_without_a_workbook_is_one_sentence() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("[Content_Types].xml", "<x/>")
    with pytest.raises(SheetError, match="not really an XLSX"):
        sheet.parse(out.getvalue())


def test_an_entity_attack_in_an_xlsx_is_refused() -> None:
    attack = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Types>&a;</Types>'
    source, out = io.BytesIO(an_xlsx(["编号"])), io.BytesIO()
    with zipfile.ZipFile(source) as good, zipfile.ZipFile(out, "w") as bad:
        for item in good.namelist():
            bad.writestr(item, attack if item.endswith(".xml") else good.read(item))
    with pytest.raises(SheetError, match="not really an XLSX"):
        sheet.parse(out.getvalue())


def test_an_old_or_locked_excel_file_says_what_to_do() -> None:
    with pytest.raises(SheetError, match="save it as a plain"):
        sheet.parse(b"\xd0\xcf\x11\xe0" + b"\0" * 100)


@pytest.mark.parametrize("content", [b"a,b\0c\n", b"\x80\x81\xff\xff", b'a,"' + b"x" * 200_000])
def test_what_is_not_a_table_is_refused(content: bytes) -> None:
    with pytest.raises(SheetError):
        sheet.parse(content)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(20_000_001)
    with pytest.raises(SheetError, match="20 MB"):
        sheet.read(large)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="cannot be opened"):
        sheet.read(tmp_path / "none.csv")


@pytest.mark.parametrize("cell", ["=1+1", "+86138", "-1", "@x", "=HYPERLINK(1)"])
def test_no_cell_runs_as_a_formula_and_each_comes_back(cell: str) -> None:
    written = sheet.write([[cell, "王"]])
    assert f"'{cell}" in written.decode("utf-8-sig")
    assert sheet.parse(written)[0].cells == (cell, "王")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_sentence(content: bytes) -> None:
    refusal = None
    try:
        sheet.parse(content)
    except SheetError as error:
        refusal = str(error)
    assert refusal is None or refusal.endswith(".")
