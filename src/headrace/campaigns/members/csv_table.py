"""Tables in CSV, as spreadsheets and programs write it.

The first line names the columns. The separator is what stands between these names: a comma, a
semicolon or a tabulator (`sep=;` in a line before, as Excel takes it, says it, too). The text is
UTF-8, with or without a byte order mark, or UTF-16 with one. Spaces at the ends of a cell do not
count; an empty cell is no value. A row has as many cells as the first line; empty ones beyond that
do not count, as spreadsheets write them.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.members.rows import MemberRow, RowTable

_SEPARATORS: Final = (",", ";", "\t")
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_CELL: Final = 1_000_000
# What the reader says of a row after which it can read the next one.
_GOES_ON: Final = "expected after"


class _Lines(Iterator[str]):
    """Lines of a file, which know how many were read."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.count = 0

    def __next__(self) -> str:
        line = next(self._file)
        self.count += 1
        if "\0" in line:
            raise csv.Error("has a NUL character: this is no text file")
        return line


def open_csv(path: Path) -> RowTable:
    """Read the head of a table in CSV; its rows follow as they are asked for.

    Raises:
        CampaignError: the file cannot be read, is no text in UTF-8, or its first line does not
            name the columns.
    """
    try:
        file = path.open(encoding=_encoding(path), newline="")
    except OSError as error:
        raise CampaignError(f"{path}: cannot read the table: {error.strerror}") from error
    lines = _Lines(file)
    try:
        head, separator = _head(path, lines)
    except BaseException:
        file.close()
        raise
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    # One setting for all readers of the process; larger is harmless.
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    columns = tuple(name for name in head if name)
    return RowTable(str(path), columns, _rows(path, file, lines, reader, head))


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(2)
    return "utf-16" if start in _UTF16 else "utf-8-sig"


def _head(path: Path, lines: _Lines) -> tuple[list[str], str]:
    """Return the names in the first line that has any, "" for what has none; and the separator."""
    separator = ""
    first = ""
    try:
        for line in lines:
            if lines.count == 1 and (found := _SEPARATOR_LINE.fullmatch(line)):
                separator = found[1]
            elif line.strip(" \t\r\n,;"):
                first = line
                break
        # A name in quotes may go on in the next line.
        while first and first.count('"') % 2 and (further := next(lines, "")):
            first += further
        plain = _QUOTED.sub("", first)
        separator = separator or max(_SEPARATORS, key=plain.count)
        parts = csv.reader(
            io.StringIO(first, newline=""), delimiter=separator, skipinitialspace=True
        )
        head = [" ".join(name.split()) for name in next(parts, [])]
    except UnicodeDecodeError as error:
        raise CampaignError(_not_text(path, lines, error)) from error
    except csv.Error as error:
        raise CampaignError(f"{path}: line {lines.count}: {error}") from error
    if not any(head):
        raise CampaignError(f"{path}: has no line that names the columns")
    seen: dict[str, int] = {}
    for number, name in enumerate(head, start=1):
        if name and name in seen:
            raise CampaignError(
                f"{path}: line {lines.count}: columns {seen[name]} and {number} are both named "
                f"{name!r}; give one of them another name"
            )
        seen[name] = number
    return head, separator


def _not_text(path: Path, lines: _Lines, error: UnicodeDecodeError) -> str:
    return (
        f'{path}: near line {lines.count + 1}: not UTF-8 ({error.reason}): save it as "CSV UTF-8"'
    )


def _rows(
    path: Path, file: IO[str], lines: _Lines, reader: Iterator[list[str]], head: Sequence[str]
) -> Iterator[MemberRow]:
    with file:
        before = lines.count
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield MemberRow(_place(before + 1), {}, _csv_problem(str(error)))
                before = lines.count
                if _GOES_ON in str(error):
                    continue
                return  # a quotation mark that is never closed takes in what follows
            except UnicodeDecodeError as error:
                raise CampaignError(_not_text(path, lines, error)) from error
            except OSError as error:
                raise CampaignError(
                    f"{path}: cannot read the table any further: {error.strerror}"
                ) from error
            if cells is None:
                return
            place, before = _place(before + 1), lines.count
            cells = [cell.strip() for cell in cells]
            if any(cells):
                yield _row(place, cells, head)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _place(line: int) -> str:
    return f"line {line}"


def _csv_problem(problem: str) -> str:
    if "unexpected end of data" in problem:
        return "a quotation mark is opened and never closed"
    if _GOES_ON in problem:
        return "text after a closing quotation mark; write a quotation mark in a cell twice"
    if "field limit" in problem:
        return f"a cell of more than {_LONGEST_CELL:,} characters; is a quotation mark not closed?"
    return problem


def _row(place: str, cells: list[str], head: Sequence[str]) -> MemberRow:
    while len(cells) > len(head) and not cells[-1]:
        cells.pop()
    if len(cells) != len(head):
        return MemberRow(
            place,
            {},
            f"has {_count(len(cells), 'cell')}, and the first line names "
            f"{_count(len(head), 'column')}",
        )
    values: dict[str, str | None] = {}
    for number, (name, cell) in enumerate(zip(head, cells, strict=True), start=1):
        if name:
            values[name] = cell or None
        elif cell:
            return MemberRow(
                place, {}, f"cell {number} has {cell[:40]!r}, and column {number} has no name"
            )
    return MemberRow(place, values)
