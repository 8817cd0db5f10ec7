"""The reports of inversions: one HTML file that holds everything it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace._internal import html_report
from headrace._internal.html_report import (
    Chapter,
    Picture,
    Report,
    Table,
    cell_text,
    report_html,
    says_something,
)
from headrace.seismic.errors import SeismicError

__all__ = [
    "Chapter",
    "Picture",
    "Report",
    "ReportError",
    "Table",
    "inversion_report",
    "iteration_report",
    "report_html",
    "write_report",
]


class ReportError(SeismicError):
    """A report that cannot be written; the message names the file."""


def write_report(path: Path, report: Report) -> Path:
    """Write a report as one HTML file, whole or not at all.

    Args:
        path: the file; its directory is made if need be.
        report: what it says.

    Returns:
        The path.

    Raises:
        ReportError: a picture cannot be read or is neither PNG nor SVG, or the file cannot be
            written.
    """
    try:
        return html_report.write_report(path, report)
    except html_report.ReportError as error:
        raise ReportError(str(error)) from error


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
        f"{title}: iteration {number}",
        _iteration_words(facts),
        tuple(filter(says_something, chapters)),
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
    return Report(title, words, tuple(filter(says_something, chapters)))


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
        (name, cell_text(facts[key]))
        for key, name in names.items()
        if facts.get(key) not in (None, "")
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
