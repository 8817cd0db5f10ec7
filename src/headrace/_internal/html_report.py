"""Reports: one HTML file that holds everything it shows and loads nothing from anywhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from headrace._internal.atomic import write_atomic

_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"<svg": "image/svg+xml", b"<?xml": "image/svg+xml"}

_STYLE = """
:root { color-scheme: light dark; --ink: #22262e; --quiet: #5b6470; --line: #d9dce1;
  --paper: #ffffff; --link: #1f5f86; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --quiet: #a7aeb8;
  --line: #3a404a; --paper: #171a1f; --link: #8cc4e6; } }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.4rem 0; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 0.6rem; border-top: 1px solid var(--line);
  padding-top: 1.2rem; }
a { color: var(--link); }
.skip { position: absolute; left: -100rem; } .skip:focus { left: 1rem; }
.quiet, figcaption, caption { color: var(--quiet); }
nav ul { padding-left: 1.2rem; columns: 14rem auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 0.8rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: 0.3rem; }
th, td { text-align: left; padding: 0.25rem 1.2rem 0.25rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); font-weight: normal; }
thead th { font-weight: 600; } .number { text-align: right; }
figure { margin: 1.2rem 0; } img { max-width: 100%; height: auto; background: #ffffff; }
@media print { body { max-width: none; padding: 0; } nav { display: none; }
  figure, tr { break-inside: avoid; } }
"""


class ReportError(ValueError):
    """A report that cannot be written; the message names the file."""


@dataclass(frozen=True)
class Table:
    """Rows under column headings.

    Attributes:
        title: what it shows.
        columns: headings.
        rows: texts and numbers, as many in each row as columns; None is left empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ReportError(
                    f"table {self.title}: a row of {len(row)} under {len(self.columns)} columns"
                )


@dataclass(frozen=True)
class Picture:
    """A picture and its words.

    Attributes:
        title: below it.
        alternative: what there is to see, for those who cannot see it.
        file: a file with PNG or SVG, or the content itself.
    """

    title: str
    alternative: str
    file: Path | bytes


@dataclass(frozen=True)
class Chapter:
    """A part of a report, shown in the order: paragraphs, tables, pictures.

    Attributes:
        title: its heading.
        paragraphs: plain text.
        tables: tables.
        pictures: pictures.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything that a report says.

    Attributes:
        title: of the page.
        summary: the first thing to know, one or two sentences.
        chapters: in order.
    """

    title: str
    summary: str
    chapters: tuple[Chapter, ...]


def write_report(path: Path, report: Report) -> Path:
    """Write a report as one HTML file, whole or not at all.

    Args:
        path: the file; its directory is made if need be.
        report: what it says; all texts are plain, and escaped here.

    Returns:
        The path.

    Raises:
        ReportError: a picture cannot be read or is neither PNG nor SVG, or the file cannot be
            written.
    """
    text = report_html(report)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text)
    except OSError as error:
        raise ReportError(f"{path}: cannot write the report: {error.strerror}") from None
    return path


def report_html(report: Report) -> str:
    """Return a report as HTML.

    Args:
        report: what it says.

    Returns:
        The document. Its pictures are in it, there are no scripts, and its policy forbids the
        reader's program to load anything.

    Raises:
        ReportError: a picture cannot be read or is neither PNG nor SVG.
    """
    contents = "".join(
        f'<li><a href="#part-{number}">{escape(chapter.title)}</a></li>\n'
        for number, chapter in enumerate(report.chapters, start=1)
    )
    parts = "".join(
        _chapter(number, chapter) for number, chapter in enumerate(report.chapters, start=1)
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#content">Skip to the content</a>\n'
        f"<header>\n<h1>{escape(report.title)}</h1>\n<p>{escape(report.summary)}</p>\n</header>\n"
        f'<nav aria-label="Contents">\n<ul>\n{contents}</ul>\n</nav>\n'
        f'<main id="content">\n{parts}</main>\n</body>\n</html>\n'
    )


def _chapter(number: int, chapter: Chapter) -> str:
    inside = "".join(f"<p>{escape(text)}</p>\n" for text in chapter.paragraphs)
    inside += "".join(map(_table, chapter.tables)) + "".join(map(_picture, chapter.pictures))
    return (
        f'<section id="part-{number}" aria-labelledby="title-{number}">\n'
        f'<h2 id="title-{number}">{escape(chapter.title)}</h2>\n{inside}</section>\n'
    )


def _table(table: Table) -> str:
    numbers = [
        all(row[place] is None or _is_number(row[place]) for row in table.rows)
        for place in range(len(table.columns))
    ]
    kinds = [' class="number"' if number else "" for number in numbers]
    head = "".join(
        f'<th scope="col"{kind}>{escape(name)}</th>'
        for name, kind in zip(table.columns, kinds, strict=True)
    )
    body = ""
    for row in table.rows:
        first, *others = [escape(cell_text(value)) for value in row]
        cells = "".join(
            f"<td{kind}>{value}</td>" for value, kind in zip(others, kinds[1:], strict=True)
        )
        body += f'<tr><th scope="row"{kinds[0]}>{first}</th>{cells}</tr>\n'
    return (
        f'<div class="wide"><table>\n<caption>{escape(table.title)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def cell_text(value: str | float | int | None) -> str:
    """Return what a table shows of a value: numbers to four digits, nothing for None."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _picture(picture: Picture) -> str:
    content = _content(picture)
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if kind is None:
        name = picture.title if isinstance(picture.file, bytes) else picture.file
        raise ReportError(f"{name}: neither PNG nor SVG; it cannot be in a report")
    # As an image an SVG runs no script and loads nothing, whatever is in it.
    data = base64.b64encode(content).decode("ascii")
    return (
        f'<figure>\n<img src="data:{kind};base64,{data}" alt="{escape(picture.alternative)}">\n'
        f"<figcaption>{escape(picture.title)}</figcaption>\n</figure>\n"
    )


def _content(picture: Picture) -> bytes:
    if isinstance(picture.file, bytes):
        return picture.file
    try:
        return picture.file.read_bytes()
    except OSError as error:
        raise ReportError(f"{picture.file}: cannot be read: {error.strerror}") from None


def says_something(chapter: Chapter) -> bool:
    """Return whether a chapter has paragraphs, pictures or rows."""
    rows = any(table.rows for table in chapter.tables)
    return bool(chapter.paragraphs or chapter.pictures or rows)
