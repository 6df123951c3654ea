"""The committee's list of residents, read row by row into people, with every fault named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from content import columns, home, mask, number
from content.home import Home
from content.message import Spoken, Written
from content.number import Number, NumberError
from content.people import Need, Told
from content.sheet import Line

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with how many rows are read, of how many."""

_STEP = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one cell: its line, its column's title, the reason in two languages."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        title = f"“{self.column}”" if self.column else ""
        return f"第 {self.line} 行 line {self.line} {title}：{self.reason}"


@dataclass(frozen=True, slots=True)
class ContactEntry:
    """A contact as the list has it."""

    name: str = field(repr=False)
    relation: str = field(repr=False)
    numbers: tuple[Number, ...]
    told: Told | None = None
    """None where the cell is empty: nothing is said."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of the list; `number` is empty where the committee gives none."""

    line: int
    number: str
    name: str = field(repr=False)
    home: Home = field(repr=False)
    grid: str
    numbers: tuple[Number, ...]
    says_numbers: bool
    """False where nothing is said of numbers: none stands there, for lack of a column."""
    needs: frozenset[Need] | None
    """None, as for the languages, where the cell is empty: nothing is said."""
    contacts: tuple[ContactEntry, ...] | None
    """None where the list has no column of contacts."""
    written: Written | None
    spoken: Spoken | None


class Listing:
    """The rows under one header: reads each into an `Entry` and collects what is wrong."""

    def __init__(self, lines: Sequence[Line], region: str) -> None:
        self.problems: list[Problem] = []
        self.ignored: list[str] = []
        self.region = region
        self.rows = lines[1:]
        self._titles: dict[str, tuple[int, str]] = {}
        self._head(lines[0] if lines else Line(1, ()))

    def entries(self, progress: Progress) -> list[Entry]:
        """Return the good rows; the faults of the others are in `problems`."""
        found = []
        for done, line in enumerate([] if self.problems else self.rows, start=1):
            entry = self._entry(line)
            found += [entry] if entry is not None else []
            if done % _STEP == 0 or done == len(self.rows):
                progress(done, len(self.rows))
        return found

    def blame(self, line: int, column: str, reason: str) -> None:
        """Note that the cell of this field (`name`) on this line is wrong."""
        self.problems.append(Problem(line, self._title(column), reason))

    def _head(self, header: Line) -> None:
        for at, title in enumerate(header.cells):
            plain = columns.plain(title)
            column = columns.fields().get(plain)
            if columns.IDENTITY.search(plain):
                self.problems.append(Problem(header.number, title, columns.BAD_IDENTITY))
            elif column is None or column in self._titles:
                self.ignored += [title] if title else []
            else:
                self._titles[column] = (at, title)
        if "name" not in self._titles:
            self.blame(header.number, "name", columns.MISSING_COLUMN)
        if not {"address", "building"} & set(self._titles):
            self.blame(header.number, "address", columns.MISSING_COLUMN)

    def _entry(self, line: Line) -> Entry | None:
        before = len(self.problems)
        for at, text in enumerate(line.cells):
            if mask.has_identity(text):
                self.problems.append(Problem(line.number, self._name(at), columns.BAD_IDENTITY))
        name = self._cell(line, "name")
        if not name:
            self.blame(line.number, "name", columns.MISSING_NAME)
        numbers = self._numbers(line, "mobile", "landline", "second")
        entry = Entry(
            line=line.number,
            number=self._cell(line, "number"),
            name=name,
            home=self._home(line),
            grid=home.grid(self._cell(line, "grid")),
            numbers=numbers,
            says_numbers=bool(numbers) or {"mobile", "landline"} <= set(self._titles),
            needs=self._needs(line),
            contacts=self._contacts(line) if "contact_phone" in self._titles else None,
            written=self._word(line, "written", columns.WRITTEN),
            spoken=self._word(line, "spoken", columns.SPOKEN),
        )
        return entry if len(self.problems) == before else None

    def _home(self, line: Line) -> Home:
        column, text = "address", self._cell(line, "address")
        parts = [self._cell(line, name) for name in ("building", "unit", "room")]
        if parts[0]:
            column = "building"
            unit = "" if parts[1] in columns.NOTHING else _part(parts[1], "单元")
            text = f"{_part(parts[0], '号楼')}{unit}{parts[2]}"
        found = home.read(text)
        spoiled = any(columns.DATE.search(cell) for cell in (text, *parts))
        if found is None or not found.room or spoiled:
            self.blame(line.number, column, columns.BAD_ADDRESS)
            return Home()
        estate = found.estate or self._cell(line, "estate")
        return Home(estate, found.building, found.unit, found.room, found.floor)

    def _numbers(self, line: Line, *names: str) -> tuple[Number, ...]:
        found: dict[str, Number] = {}
        for column in names:
            cell = self._cell(line, column)
            for text in [] if cell.lower() in columns.NOTHING else columns.SPLIT.split(cell):
                try:
                    one = number.read(text, self.region)
                except NumberError as error:
                    reason = columns.BAD_SCIENCE if columns.SCIENCE.fullmatch(text) else str(error)
                    self.blame(line.number, column, reason)
                else:
                    found.setdefault(one.e164, one)
        return tuple(found.values())

    def _needs(self, line: Line) -> frozenset[Need] | None:
        found: set[Need] = set()
        cell = self._cell(line, "needs").lower()
        for text in columns.SPLIT.split(cell):
            named = {
                need
                for need, words in columns.NEEDS.items()
                if any(word in text for word in words.split())
            }
            if not named and text.strip() not in columns.NOTHING:
                self.blame(line.number, "needs", _choose(columns.NEEDS))
            found |= named
        return frozenset(found) if cell else None

    def _contacts(self, line: Line) -> tuple[ContactEntry, ...]:
        found = []
        for name, relation, phone, when in (
            ("contact", "relation", "contact_phone", "told"),
            ("contact2", "relation2", "contact2_phone", "told2"),
        ):
            called, numbers = self._cell(line, name), self._numbers(line, phone)
            if called.lower() in columns.NOTHING and not numbers:
                continue
            if not numbers:
                self.blame(line.number, phone, columns.MISSING_PHONE)
            told = self._word(line, when, columns.TOLD)
            found.append(ContactEntry(called, self._cell(line, relation), numbers, told))
        return tuple(found)

    def _word(self, line: Line, column: str, words: Mapping[T, str]) -> T | None:
        text = self._cell(line, column).lower()
        if text in columns.NOTHING:
            return None
        found = next((key for key, names in words.items() if text in names.split()), None)
        if found is None:
            self.blame(line.number, column, _choose(words))
        return found

    def _cell(self, line: Line, column: str) -> str:
        at = self._titles.get(column, (len(line.cells), ""))[0]
        return line.cells[at] if at < len(line.cells) else ""

    def _title(self, column: str) -> str:
        return self._titles.get(column, (0, columns.title(column)))[1]

    def _name(self, at: int) -> str:
        return next((title for index, title in self._titles.values() if index == at), "")


def _choose(words: Mapping[T, str]) -> str:
    first = [names.split()[0] for names in words.values()]
    last = [names.split()[-1] for names in words.values()]
    return columns.BAD_WORD.format("、".join(first), ", ".join(last))


def _part(text: str, mark: str) -> str:
    """Return a bare code from its own column with its mark: 3 -> 3号楼."""
    return f"{text}{mark}" if text and home.is_code(text) else text
