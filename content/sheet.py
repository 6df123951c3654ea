"""A table that somebody has saved from a spreadsheet: CSV in any usual encoding, or XLSX."""

import csv
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException

_MAX_BYTES = 20_000_000
_MAX_UNPACKED = 300_000_000
"""Bytes of an unpacked XLSX: a zip bomb is refused before it is opened."""
_MAX_ROWS = 200_000
_MAX_COLUMNS = 100
_MAX_CELL = 2_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


class SheetError(ValueError):
    """A file is not a table that can be read; the sentence (Chinese, English) says what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row with the line it stands on (from 1); every cell is stripped text."""

    number: int
    cells: tuple[str, ...]


def read(path: Path) -> list[Line]:
    """Read a CSV or XLSX file, empty rows left out; raises SheetError."""
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= _MAX_BYTES else b""
    except OSError as error:
        raise SheetError("文件打不开，请检查路径。 The file cannot be opened.") from error
    if size > _MAX_BYTES:
        raise SheetError("文件超过 20 MB，请分成几份。 The file exceeds 20 MB: split it.")
    return parse(content, path.suffix.lower())


def parse(content: bytes, suffix: str = "") -> list[Line]:
    """Read the content of a file; `suffix` (`.xlsx`) is what its name promises."""
    if content.startswith(_OLD_EXCEL):
        raise SheetError(
            "这是旧版或加密的 Excel 文件，请另存为普通的 .xlsx 或 CSV。 "
            "This is an old or locked Excel file: save it as a plain .xlsx or CSV."
        )
    if content.startswith(b"PK"):
        return list(_lines(_xlsx(content)))
    if suffix in (".xlsx", ".xlsm"):
        raise SheetError(_NOT_XLSX)
    return list(_lines(_csv(content)))


def safe(cell: str) -> str:
    """Return the cell so that a spreadsheet shows it and never runs it as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def write(rows: Iterable[Iterable[str]]) -> bytes:
    """Return the rows as CSV that Excel opens rightly: UTF-8 with BOM, every cell safe."""
    out = io.StringIO()
    csv.writer(out).writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


_NOT_XLSX = (
    "这个文件不是真正的 XLSX，请在表格软件里重新另存。 "
    "This file is not really an XLSX: save it again from the spreadsheet."
)


def _lines(rows: Iterable[tuple[int, list[str]]]) -> Iterator[Line]:
    for count, (number, cells) in enumerate(rows):
        if count >= _MAX_ROWS:
            raise SheetError("超过 20 万行，请分成几份。 More than 200,000 rows: split the file.")
        if len(cells) > _MAX_COLUMNS or any(len(cell) > _MAX_CELL for cell in cells):
            raise SheetError(
                f"第 {number} 行太长，这不像居民名册。 "
                f"Line {number} is too long for a list of residents."
            )
        clean = tuple(_unguarded(cell.strip()) for cell in cells)
        if any(clean):
            yield Line(number, clean)


def _unguarded(cell: str) -> str:
    """Undo `safe`, so that an exported file can be imported."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def _csv(content: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(content)
    if "\0" in text:
        raise SheetError("这个文件不是表格。 This file is not a table.")
    first = text.partition("\n")[0]
    delimiter = max(",\t;", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise SheetError(
            f"CSV 第 {reader.line_num} 行的引号不完整。 "
            f"The CSV is broken at line {reader.line_num}."
        ) from error


def _decoded(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SheetError(
        "文件的编码看不懂，请另存为 UTF-8 CSV 或 XLSX。 "
        "The file's encoding is unknown: save it as UTF-8 CSV or XLSX."
    )


def _xlsx(content: bytes) -> list[tuple[int, list[str]]]:
    # a fifth of a second to load, and most commands read no sheet
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(item.file_size for item in packed.infolist()) > _MAX_UNPACKED:
                raise SheetError("表格太大，请分成几份。 The table is too large: split it.")
        with warnings.catch_warnings():
            # openpyxl warns of missing styles and the like, which nobody here needs
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            rows = book.worksheets[0].iter_rows(values_only=True, max_row=_MAX_ROWS + 1)
            cells = [_trimmed(row) for row in rows]
        book.close()
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        ParseError,
        DefusedXmlException,
        zlib.error,
        *(
            RuntimeError,
            KeyError,
            IndexError,
            TypeError,
            ValueError,
            AttributeError,
            EOFError,
            OSError,
        ),
    ) as error:
        if isinstance(error, SheetError):
            raise
        raise SheetError(_NOT_XLSX) from error
    return list(enumerate(cells, start=1))


def _trimmed(row: tuple[Any, ...]) -> list[str]:
    cells = [_text(value) for value in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # Excel keeps a telephone number as 13800138000.0
    if isinstance(value, datetime):
        return value.date().isoformat()
    return str(value)
