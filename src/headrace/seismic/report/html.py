"""Reports: one HTML file that holds everything it shows and loads nothing from anywhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from headrace._internal.files import write_whole
from headrace.seismic.errors import SeismicError

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


class ReportError(SeismicError):
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
        file: PNG or SVG.
    """

    title: str
    alternative: str
    file: Path


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
        write_whole(path, text)
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
        first, *others = [escape(_cell(value)) for value in row]
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


def _cell(value: str | float | int | None) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _picture(picture: Picture) -> str:
    try:
        content = picture.file.read_bytes()
    except OSError as error:
        raise ReportError(f"{picture.file}: cannot be read: {error.strerror}") from None
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if kind is None:
        raise ReportError(f"{picture.file}: neither PNG nor SVG; it cannot be in a report")
    # As an image an SVG runs no script and loads nothing, whatever is in it.
    data = base64.b64encode(content).decode("ascii")
    return (
        f'<figure>\n<img src="data:{kind};base64,{data}" alt="{escape(picture.alternative)}">\n'
        f"<figcaption>{escape(picture.title)}</figcaption>\n</figure>\n"
    )


def iteration_report(
    title: str, facts: Mapping[str, Any], pictures: Sequence[Picture] = ()
) -> Report:
    """Return the report of one iteration.

    Args:
        title: of the inversion.
        facts: ``iteration``, and what there is of ``band``, ``outcome``, ``reason``, ``misfit``,
            ``misfit_after``, ``direction``, ``notes``, ``trials`` and ``given_up`` (each ``name``,
            ``step``, ``misfit`` and, without one, ``problem``), ``stages`` (each ``seconds``,
            ``core_hours``, ``computed``, ``found``), ``core_hours``, ``seconds``, ``versions``.
        pictures: of the iteration.

    Returns:
        The report.
    """
    number = facts["iteration"]
    trials = tuple(
        (trial.get("name"), trial.get("step"), trial.get("misfit"), trial.get("problem") or None)
        for trial in (*facts.get("given_up", ()), *facts.get("trials", ()))
    )
    chapters = [
        Chapter("Result", tuple(facts.get("notes") or ()), (_facts_table(facts),)),
        Chapter("Pictures", pictures=tuple(pictures)),
        Chapter(
            "Line search",
            tables=(Table("Trials", ("trial", "step length", "misfit", "problem"), trials),),
        ),
        Chapter("Cost", tables=(_stages_table(facts.get("stages", {})),)),
        Chapter("Software", tables=(_versions_table(facts.get("versions") or {}),)),
    ]
    return Report(
        f"{title}: iteration {number}", _iteration_words(facts), tuple(filter(_says, chapters))
    )


def inversion_report(
    title: str,
    iterations: Sequence[Mapping[str, Any]],
    pictures: Sequence[Picture] = (),
    stages: Mapping[str, Mapping[str, Any]] | None = None,
    remarks: Sequence[str] = (),
    history: Sequence[Mapping[str, Any]] = (),
) -> Report:
    """Return the report of a whole inversion.

    Args:
        title: of the inversion.
        iterations: the facts of each, as for `iteration_report`.
        pictures: of the whole.
        stages: time and core hours of all iterations by stage.
        remarks: sentences, for example state and forecast.
        history: what people did: ``time``, ``what``, ``why``, ``user``.

    Returns:
        The report.
    """
    columns = ("iteration", "band", "misfit before", "misfit after", "trials", "core hours", "end")
    rows = tuple(
        (
            facts["iteration"],
            facts.get("band"),
            facts.get("misfit"),
            facts.get("misfit_after"),
            len(facts.get("trials", ())) + len(facts.get("given_up", ())),
            facts.get("core_hours"),
            facts.get("outcome"),
        )
        for facts in iterations
    )
    steps = tuple(
        tuple(str(entry.get(key) or "") for key in ("time", "what", "why", "user"))
        for entry in history
    )
    chapters = [
        Chapter("State", tuple(remarks)),
        Chapter("Pictures", pictures=tuple(pictures)),
        Chapter("Iterations", tables=(Table("All iterations", columns, rows),)),
        Chapter("Cost", tables=(_stages_table(stages or {}),)),
        Chapter("History", tables=(Table("Steering", ("time", "what", "why", "who"), steps),)),
    ]
    words = _iteration_words(iterations[-1]) if iterations else "No iteration was finished yet."
    return Report(title, words, tuple(filter(_says, chapters)))


def _says(chapter: Chapter) -> bool:
    """Return whether there is anything in it."""
    rows = any(table.rows for table in chapter.tables)
    return bool(chapter.paragraphs or chapter.pictures or rows)


def _iteration_words(facts: Mapping[str, Any]) -> str:
    words = f"Iteration {facts['iteration']}"
    if facts.get("band"):
        words += f", band {facts['band']}"
    before, after = facts.get("misfit"), facts.get("misfit_after")
    if before is not None and after is not None:
        words += f": the misfit went from {before:.4g} to {after:.4g}"
        words += f" ({100 * (after / before - 1):+.1f} %)" if before else ""
    if facts.get("outcome"):
        words += f"; {facts['outcome']}"
    return words + (f": {facts['reason']}." if facts.get("reason") else ".")


def _facts_table(facts: Mapping[str, Any]) -> Table:
    names = {
        "band": "band",
        "outcome": "outcome",
        "reason": "reason",
        "misfit": "misfit before",
        "misfit_after": "misfit after",
        "step": "step length",
        "direction": "direction",
        "events": "events",
        "core_hours": "core hours",
        "seconds": "wall time (s)",
        "started_at": "started",
        "model": "content of the model",
    }
    rows = tuple(
        (name, _cell(facts[key])) for key, name in names.items() if facts.get(key) not in (None, "")
    )
    return Table("In numbers", ("what", "value"), rows)


def _stages_table(stages: Mapping[str, Mapping[str, Any]]) -> Table:
    keys = ("seconds", "core_hours", "computed", "found")
    return Table(
        "Time and core hours by stage",
        ("stage", "seconds", "core hours", "events computed", "events found done"),
        tuple((name, *(row.get(key) for key in keys)) for name, row in stages.items()),
    )


def _versions_table(versions: Mapping[str, Any]) -> Table:
    rows = tuple((name, str(value)) for name, value in versions.items())
    return Table("Versions", ("package", "version"), rows)
