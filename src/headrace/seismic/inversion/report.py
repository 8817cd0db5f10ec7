"""A report as one HTML file that needs nothing else: for an iteration, and for the whole."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace.files import write_whole
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.status import status_of
from headrace.seismic.pictures import draw_costs, draw_misfits

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #222 }
h1, h2 { font-weight: 600 } table { border-collapse: collapse; font-size: 13px }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child { text-align: left } img { max-width: 100% }
"""


def draw_plots(root: Path, staging: Path | None = None) -> list[Path]:
    """Draws misfits and costs into ``pictures/`` of the inversion.

    Args:
        root: the inversion's directory.
        staging: where it is computed, if that can be seen.

    Returns:
        The files: these two, and the pictures of the last iteration.

    Raises:
        InversionError: nothing is known yet.
    """
    paths, told = Paths(root), status_of(root, staging)
    if not told["misfits"]:
        raise InversionError(f"{root}: no misfit is known yet: wait for the first iteration")
    place = root / "pictures"
    place.mkdir(exist_ok=True)
    drawn = [
        draw_misfits(place / "misfits.png", told["misfits"], told["title"], told["model_errors"]),
        draw_costs(place / "costs.png", told["stages"], told["title"]),
    ]
    return drawn + _pictures(paths, told["iterations"][-1]["iteration"])


def write_reports(root: Path, staging: Path | None = None) -> list[Path]:
    """Writes ``report.html`` of the whole and ``results/report.html`` of every iteration.

    Args:
        root: the inversion's directory.
        staging: where it is computed, if that can be seen.

    Returns:
        The files, that of the whole first.

    Raises:
        InversionError: nothing is known yet.
    """
    paths, told = Paths(root), status_of(root, staging)
    pictures = draw_plots(root, staging)
    error = told["model_error"]
    facts = {
        "State": f"{told['state']} {told['reason']}",
        "Core hours": f"{told['core_hours']:.4g}",
        "Model error, first = 1": "" if error is None else f"{error:.3f}",
        "Forecast of the end": told["forecast"]["end"] or "",
    }
    rows = [
        {
            "iteration": row["iteration"],
            "band": row["band"],
            "misfit": row["misfit"],
            "after": row["misfit_after"],
            "trials": len(row["trials"]) + len(row["given_up"]),
            "direction": row["direction"],
            "seconds": row["seconds"],
            "core hours": row["core_hours"],
            "ended": row["outcome"],
        }
        for row in told["iterations"]
    ]
    history = [
        {name: row.get(name) for name in ("time", "user", "what", "iteration", "why")}
        for row in told["history"]
    ]
    body = [_facts(facts), *map(_image, pictures), "<h2>Iterations</h2>", _table(rows)]
    body += ["<h2>What people did</h2>", _table(history)]
    whole = root / "report.html"
    _write(whole, told["title"], body)
    return [whole, *(_report_iteration(paths, told, row) for row in told["iterations"])]


def _report_iteration(paths: Paths, told: Mapping[str, Any], row: Mapping[str, Any]) -> Path:
    number = int(row["iteration"])
    notes = "; ".join(row["notes"])
    facts = {
        "Band": row["band"],
        "Misfit": row["misfit"],
        "Misfit after": row["misfit_after"],
        "Direction": row["direction"],
        "Notes": notes,
        "Ended": f"{row['outcome']} {row['reason']}",
    }
    trials = [
        {"trial": one["name"], "step": one["step"], "misfit": one["misfit"]}
        for one in (*row["given_up"], *row["trials"])
    ]
    stages = [{"stage": name, **stage} for name, stage in row["stages"].items()]
    body = [_facts(facts), "<h2>Trials</h2>", _table(trials)]
    body += [*map(_image, _pictures(paths, number)), "<h2>Stages</h2>", _table(stages)]
    target = paths.results(number) / "report.html"
    _write(target, f"{told['title']}: iteration {number}", body)
    return target


def _pictures(paths: Paths, number: int) -> list[Path]:
    return sorted((paths.results(number) / "pictures").glob("*.png"))


def _write(path: Path, title: str, body: Iterable[str]) -> None:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{_text(title)}</h1>{''.join(body)}</body></html>\n"
    )
    try:
        write_whole(path, text)
    except OSError as error:
        raise InversionError(f"{path}: cannot be written: {error.strerror}") from None


def _facts(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{_text(name)}</td><td>{_text(value)}</td></tr>"
        for name, value in facts.items()
        if value not in (None, "")
    )
    return f"<table>{rows}</table>"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "<p>None.</p>"
    heads = "".join(f"<th>{_text(name)}</th>" for name in rows[0])
    lines = "".join(
        "<tr>" + "".join(f"<td>{_text(value)}</td>" for value in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{heads}</tr>{lines}</table>"


def _image(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<p><img alt="{_text(path.stem)}" src="data:image/png;base64,{data}"></p>'


def _text(value: Any) -> str:
    if value is None:
        return ""
    return html.escape(f"{value:.6g}" if isinstance(value, float) else str(value))
