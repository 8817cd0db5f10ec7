"""Status of an inversion as text."""

from __future__ import annotations

import json
from typing import Any

from headrace.cli.termio.tables import Field, record, table


def status_text(status: dict[str, Any]) -> str:
    """Return the status of an inversion."""
    forecast, parent = status["forecast"], status["parent"]
    fields = [
        Field("Inversion", lambda _: status["title"]),
        Field("State", lambda _: _state(status)),
        Field("Iteration", lambda _: status["iteration"]),
        Field("Band", lambda _: status["band"]),
        Field("Model error", lambda _: status["problem"] or _share(status["model_error"])),
        Field("Core hours", lambda _: f"{status['core_hours']:.3g}"),
        Field(
            "Forecast",
            lambda _: (
                f"{forecast['iterations']} iterations, until {forecast['end']}"
                if forecast["end"]
                else ""
            ),
        ),
        Field(
            "Branched from",
            lambda _: f"{parent['inversion']} at iteration {parent['iteration']}" if parent else "",
        ),
    ]
    lines = [record(status, fields)]
    if status["iterations"]:
        lines += ["", iterations_text(status), "", _stages(status)]
    if status["changes"]:
        lines += ["", _changes(status)]
    if status["history"]:
        lines += ["", _history(status)]
    return "\n".join(lines)


def _state(status: dict[str, Any]) -> str:
    return f"{status['state']}: {status['reason']}" if status["reason"] else str(status["state"])


def _share(value: float | None) -> str:
    return "" if value is None else f"{100.0 * value:.1f} % of the first"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def iterations_text(status: dict[str, Any]) -> str:
    """Return a line for each iteration."""
    errors = dict(enumerate(status["model_errors"]))
    fields = [
        Field("Iteration", lambda row: row["iteration"]),
        Field("Band", lambda row: row["band"]),
        Field("Misfit", lambda row: _number(row["misfit"])),
        Field("After", lambda row: _number(row["misfit_after"])),
        Field("Trials", lambda row: len(row["trials"]) + len(row["given_up"])),
        Field("Step", lambda row: _number(row["step"])),
        Field("Direction", lambda row: row["direction"]),
        Field("Time (s)", lambda row: f"{row['seconds']:.1f}"),
        Field("Core hours", lambda row: _number(row["core_hours"])),
        Field("Model error", lambda row: _percent(errors.get(row["iteration"] + 1))),
        Field("Ended", lambda row: "model kept" if row.get("kept") else row["outcome"]),
    ]
    return table(status["iterations"], fields, "")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100.0 * value:.1f} %"


def _stages(status: dict[str, Any]) -> str:
    rows = [{"stage": name, **row} for name, row in status["stages"].items()]
    fields = [
        Field("Stage", lambda row: row["stage"]),
        Field("Jobs", lambda row: row["calls"]),
        Field("Events", lambda row: row["computed"] or ""),
        Field("Time (s)", lambda row: f"{row['seconds']:.1f}"),
        Field("Core hours", lambda row: _number(row["core_hours"])),
    ]
    return table(rows, fields, "")


def _changes(status: dict[str, Any]) -> str:
    fields = [
        Field("Changed since then", lambda row: row["key"]),
        Field("It was", lambda row: _value(row["before"])),
        Field("It is", lambda row: _value(row["now"])),
        Field("What follows", lambda row: row["effect"]),
    ]
    return table(status["changes"], fields, "")


def _value(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _history(status: dict[str, Any]) -> str:
    fields = [
        Field("Time", lambda row: row["time"][:19]),
        Field("Who", lambda row: row["user"]),
        Field("What", lambda row: row["what"]),
        Field("Iteration", lambda row: row.get("iteration", "")),
        Field("Why", lambda row: row["why"]),
    ]
    return table(status["history"][-10:], fields, "")
