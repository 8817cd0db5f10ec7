"""The tables of an event, and the directory that appears all at once."""

from __future__ import annotations

import csv
import io
import json
import math
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import write_atomic
from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import SeismicError
from headrace.seismic.measurement.station import TimeAxis, TraceResult
from headrace.seismic.windows.selection import Window

MISFIT_TABLE: Final = "misfit.csv"
"""Name of an event's table of misfits."""
COLUMNS = (
    "event",
    "station",
    "component",
    "misfit",
    "windows",
    "shift_s",
    "cc",
    "dlnA",
    "measured_shift_s",
    "problem",
    "observed",
    "synthetic",
    "covered_s",
    "left_out",
)
"""The columns of misfit.csv; ``shift_s`` to ``measured_shift_s`` hold one value per window,
joined by ``;``. ``observed`` and ``synthetic`` name the records that were compared with format
and quantity, ``covered_s`` the times where both exist, ``left_out`` the component's other files."""


def start_results(output: Path) -> Path:
    """Make the temporary directory that becomes ``output`` at the end.

    What earlier runs that were killed left beside it is removed.

    Args:
        output: where the results will be.

    Returns:
        The temporary directory, on the same filesystem.

    Raises:
        SeismicError: it cannot be made.
    """
    output = output.absolute()
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        for left in output.parent.glob(f".{output.name}.partial-*"):
            shutil.rmtree(left, ignore_errors=True)
        partial = output.parent / f".{output.name}.partial-{secrets.token_hex(6)}"
        partial.mkdir()
    except OSError as error:
        raise SeismicError(f"{output}: cannot write results there: {error.strerror}") from None
    return partial


def finish_results(partial: Path, output: Path) -> None:
    """Put a complete result directory in the place of what was there.

    Args:
        partial: from `start_results`, complete.
        output: where it belongs; files of an earlier run do not stay.

    Raises:
        SeismicError: it cannot be moved there.
    """
    output = output.absolute()
    try:
        if output.is_symlink() or (output.exists() and not output.is_dir()):
            raise SeismicError(f"{output}: is not a directory; name another --output")
        if output.exists():
            old = partial.with_name(partial.name + "-old")
            output.rename(old)
            partial.rename(output)
            shutil.rmtree(old)
        else:
            partial.rename(output)
    except OSError as error:
        raise SeismicError(f"{output}: cannot put results there: {error.strerror}") from None


def read_complete(output: Path, inputs: str) -> dict[str, Any] | None:
    """Return the summary of results that are there already.

    Args:
        output: where they may be.
        inputs: hash of what they must have been made from.

    Returns:
        The summary; None if the results were made from something else or a file is missing.
    """
    try:
        summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
        names = json.loads((output / "windows.json").read_text(encoding="utf-8"))["traces"]
        if summary["inputs"] != inputs or not (output / MISFIT_TABLE).stat().st_size:
            return None
        sources = {path.stem for path in output.glob("*.adj") if path.stat().st_size}
        wanted = int(summary["adjoint_sources"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_complete = len(sources) == wanted and (not wanted or sources >= names.keys())
    return dict(summary) if is_complete else None


def write_tables(
    directory: Path,
    event: str,
    config: ProcessingConfig,
    results: Sequence[TraceResult],
    unusable: Sequence[tuple[str, str]],
    inputs: str,
    misfit_only: bool = False,
) -> dict[str, Any]:
    """Write ``windows.json``, ``misfit.csv`` and ``summary.json``.

    Args:
        directory: where.
        event: its name.
        config: how the results came about.
        results: of all stations, in order.
        unusable: files that belong to no station, (name, problem).
        inputs: hash of all that the results are made from.
        misfit_only: there are no adjoint sources.

    Returns:
        The summary, as in ``summary.json``.
    """
    summary = {**summarise(event, config, results, unusable), "inputs": inputs}
    if misfit_only:
        summary["adjoint_sources"] = 0
    write_atomic(directory / "windows.json", _json(_windows(event, config, results)))
    write_atomic(directory / MISFIT_TABLE, _misfit_table(event, results))
    write_atomic(directory / "summary.json", _json(summary))
    return summary


def summarise(
    event: str,
    config: ProcessingConfig,
    results: Sequence[TraceResult],
    unusable: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Sum an event up.

    Returns:
        Numbers of stations, traces and windows, the total misfit, the misfit as in Tape et al.
        2010 (half the weighted mean over the windows), every problem, and how many files were
        left out because another one of the same component was taken.
    """
    measured = [found for found in results if found.measurement is not None]
    windows = sum(len(found.windows) for found in measured)
    weights = math.fsum(
        part.weight for found in measured if found.measurement for part in found.measurement.windows
    )
    misfit = math.fsum(found.measurement.misfit for found in measured if found.measurement)
    problems = [{"station": name, "component": "", "problem": text} for name, text in unusable]
    problems += [
        {"station": found.station, "component": found.component, "problem": found.problem}
        for found in results
        if found.problem
    ]
    return {
        "event": event,
        "period_band": list(config.period_band),
        "components": list(config.components),
        "adjoint_source": config.adjoint_source,
        "stations": len({found.station for found in results}),
        "traces": len(measured),
        "traces_with_windows": sum(bool(found.windows) for found in measured),
        "windows": windows,
        "misfit": misfit,
        "misfit_per_window": misfit / (2 * weights) if weights else None,
        "adjoint_sources": sum(found.axis is not None for found in results),
        "problems": problems,
        "left_out": sum(len(found.pair.left_out) for found in results if found.pair),
    }


def _windows(
    event: str, config: ProcessingConfig, results: Sequence[TraceResult]
) -> dict[str, Any]:
    weighted = config.weights.used or any(
        window.weight != 1.0 for found in results for window in found.windows
    )
    return {
        "event": event,
        "period_band": list(config.period_band),
        "adjoint_source": config.adjoint_source,
        "traces": {
            found.name: {
                "start_time": found.axis.start,
                "dt": found.axis.dt,
                "samples": found.axis.npts,
                "misfit": found.measurement.misfit,
                **({"weight": found.weight} if weighted else {}),
                "windows": [
                    {
                        **_window(window, found.axis),
                        **({"weight": window.weight} if weighted else {}),
                        "misfit": measured.misfit,
                        "measured_shift_s": measured.shift,
                    }
                    for window, measured in zip(
                        found.windows, found.measurement.windows, strict=True
                    )
                ],
            }
            for found in results
            if found.axis and found.measurement
        },
    }


def _window(window: Window, axis: TimeAxis) -> dict[str, Any]:
    return {
        "first_sample": window.first,
        "last_sample": window.last,
        "start_time": round(axis.start + window.first * axis.dt, 9),
        "end_time": round(axis.start + window.last * axis.dt, 9),
        "shift_samples": window.shift,
        "shift_s": round(window.shift * axis.dt, 9),
        "cc": window.cc,
        "dlnA": window.dlna,
    }


def _misfit_table(event: str, results: Sequence[TraceResult]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for found in results:
        if found.blank:
            continue
        row = [event, found.station, found.component]
        if found.measurement is None or found.axis is None:
            table.writerow([*row, "", 0, "", "", "", "", found.problem or "", *_records(found)])
            continue
        dt = found.axis.dt
        shifts = [measured.shift for measured in found.measurement.windows]
        table.writerow(
            [
                *row,
                f"{found.measurement.misfit:.10g}",
                len(found.windows),
                ";".join(f"{window.shift * dt:.10g}" for window in found.windows),
                ";".join(f"{window.cc:.6f}" for window in found.windows),
                ";".join(f"{window.dlna:.6f}" for window in found.windows),
                ";".join("" if shift is None else f"{shift:.6g}" for shift in shifts),
                found.problem or "",
                *_records(found),
            ]
        )
    return text.getvalue()


def _records(found: TraceResult) -> tuple[str, str, str, str]:
    """Report what was compared: both records, where both exist, and the files left out."""
    pair = found.pair
    if pair is None:
        return "", "", "", ""
    return (
        pair.observed.description if pair.observed else "",
        pair.synthetic.description if pair.synthetic else "",
        "{:.10g};{:.10g}".format(*found.covered) if found.covered else "",
        ";".join(trace.path.name for trace in pair.left_out),
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"
