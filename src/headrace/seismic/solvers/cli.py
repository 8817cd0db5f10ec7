"""The command line of the solvers: many events in one process, or shared among ranks."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace.ranks import Ranks, run_on_ranks, slice_of_rank
from headrace.seismic.cli_support import Parser, UsageError
from headrace.seismic.errors import SeismicError, SolverError
from headrace.seismic.solvers.base import AdjointRun, ForwardRun, Solver
from headrace.seismic.solvers.registry import open_solver
from headrace.seismic.solvers.runs import run_all

_PROGRAM = "inversion_simulate"


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        ``kind`` (``forward`` or ``adjoint``), ``solver``, ``settings``, ``model``, ``events``,
        ``event`` (names), ``output``, ``forward``, ``adjoint_sources``, ``save_wavefield``,
        ``ranks``.

    Raises:
        SeismicError: wrong usage; exit code 2.
    """
    parser = Parser(
        prog=_PROGRAM,
        description="Simulate events: synthetics, or kernels from adjoint sources. "
        "Each event's results are in OUTPUT/EVENT; what is finished is not computed again.",
        epilog="Run it under mpiexec to share the events among ranks: "
        "the files are the same for any number.",
    )
    parser.add_argument("kind", choices=("forward", "adjoint"))
    parser.add_argument("--solver", required=True, metavar="NAME")
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="JSON")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="HDF5")
    parser.add_argument(
        "--events", type=Path, required=True, metavar="DIR", help="has one directory per event"
    )
    parser.add_argument(
        "--event", action="append", default=[], metavar="NAME", help="these alone; may be repeated"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--adjoint-sources", type=Path, metavar="DIR", help="adjoint: has one directory per event"
    )
    parser.add_argument(
        "--forward", type=Path, metavar="DIR", help="adjoint: output of the forward runs"
    )
    parser.add_argument(
        "--save-wavefield", action="store_true", help="forward: keep what adjoint runs need"
    )
    parser.add_argument(
        "--ranks", type=int, metavar="N", help="fail unless MPI sees this number of ranks"
    )
    options = parser.parse_args(arguments)
    if options.kind == "adjoint" and options.adjoint_sources is None:
        parser.error("adjoint needs --adjoint-sources")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    One JSON object per event goes to stdout: ``event``, ``computed``, ``seconds``, or ``event``
    and ``error``. Errors go to stderr, one line each; an event that fails does not keep the others
    from being done.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 all done, 1 an event or all could not be done, 2 usage.
    """
    return run_on_ranks(
        _PROGRAM,
        lambda: parse_arguments(arguments),
        lambda options, ranks: int(_run(options, ranks) > 0),
    )


def _run(options: argparse.Namespace, ranks: Ranks) -> int:
    settings = read_settings(options.settings)
    names = find_events(options.events, options.event)
    solver = open_solver(options.solver, settings)
    if options.kind == "adjoint" and solver.needs_wavefield and options.forward is None:
        raise UsageError(f"solver {solver.name} needs --forward for its adjoint runs")
    failures = 0
    for fact in _simulate(solver, settings, options, slice_of_rank(names, ranks.rank, ranks.size)):
        # One write per line, so that the lines of several ranks do not mix.
        sys.stdout.write(json.dumps(fact) + "\n")
        sys.stdout.flush()
        if "error" in fact:
            failures += 1
            prefix = "" if fact["error"].startswith("event ") else f"event {fact['event']}: "
            sys.stderr.write(f"{_PROGRAM}: {prefix}{fact['error']}\n")
    return failures


def _simulate(
    solver: Solver, settings: Mapping[str, Any], options: argparse.Namespace, names: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for name in names:
        start = time.monotonic()
        try:
            (outcome,) = run_all(solver, [_run_of(options, name)], settings)
        except SeismicError as error:
            yield {"event": name, "error": str(error)}
        except OSError as error:
            reason = f"{error.filename or options.output}: {error.strerror or error}"
            yield {"event": name, "error": reason}
        else:
            seconds = round(time.monotonic() - start, 4)
            yield {"event": name, "computed": outcome.computed, "seconds": seconds}


def _run_of(options: argparse.Namespace, name: str) -> ForwardRun | AdjointRun:
    event, output = options.events / name, options.output / name
    if options.kind == "forward":
        return ForwardRun(options.model, event, output, options.save_wavefield)
    forward = (options.forward or options.output) / name
    return AdjointRun(options.model, event, forward, options.adjoint_sources / name, output)


def read_settings(path: Path) -> dict[str, Any]:
    """Read a solver's settings.

    Args:
        path: a JSON file with one object.

    Returns:
        The object.

    Raises:
        SolverError: it cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SolverError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SolverError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise SolverError(f"{path}: not an object of settings")
    return document


def find_events(directory: Path, wanted: Sequence[str] = ()) -> list[str]:
    """Name of the events in a directory.

    Args:
        directory: it has one directory per event.
        wanted: these alone, in any order; empty: all of them.

    Returns:
        The names, sorted.

    Raises:
        SolverError: the directory or an event that is wanted is not there, or there is none.
    """
    try:
        there = {
            path.name
            for path in directory.iterdir()
            if path.is_dir() and not path.name.startswith(".")
        }
    except OSError as error:
        raise SolverError(f"{directory}: cannot be read: {error.strerror}") from None
    missing = sorted(set(wanted) - there)
    if missing:
        raise SolverError(f"{directory}: no event {missing[0]} in it")
    if not there:
        raise SolverError(f"{directory}: no event in it")
    return sorted(set(wanted) or there)
