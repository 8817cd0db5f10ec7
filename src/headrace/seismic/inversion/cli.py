"""The command line of the stages, as job scripts call it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headrace._internal.files import write_whole
from headrace.ranks import Ranks, run_on_ranks
from headrace.seismic.cli_support import Parser
from headrace.seismic.errors import SeismicError

_PROGRAM = "inversion"
ITERATION_STAGES = ("check", "decide", "update", "results", "pictures")
EVENT_STAGES = ("forward", "adjoint", "windows")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        ``stage``, ``directory``, ``iteration``, ``evaluation``, ``events``, ``answer``, ``ranks``.

    Raises:
        SeismicError: wrong usage; exit code 2.
    """
    parser = Parser(prog=_PROGRAM, description="One stage of an iteration of an inversion.")
    parser.add_argument("stage", choices=(*ITERATION_STAGES, *EVENT_STAGES))
    parser.add_argument("--directory", type=Path, required=True, metavar="DIR")
    parser.add_argument("--iteration", type=int, metavar="N", help="of a light stage")
    parser.add_argument("--evaluation", metavar="NAME", help="of a heavy stage")
    parser.add_argument("--events", type=Path, metavar="FILE", help="JSON list, of a heavy stage")
    parser.add_argument("--answer", type=Path, required=True, metavar="FILE", help="JSON to write")
    parser.add_argument("--ranks", type=int, metavar="N", help="fail unless MPI sees this number")
    options = parser.parse_args(arguments)
    if options.stage in ITERATION_STAGES and options.iteration is None:
        parser.error(f"{options.stage} needs --iteration")
    if options.stage in EVENT_STAGES and (options.evaluation is None or options.events is None):
        parser.error(f"{options.stage} needs --evaluation and --events")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a stage and write its answer.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 done; 1 a problem, reported in one line on stderr; 2 usage or settings.
    """
    return run_on_ranks(
        _PROGRAM,
        lambda: parse_arguments(arguments),
        _answer,
        uses_ranks=lambda options: options.stage == "windows",
    )


def _answer(options: argparse.Namespace, ranks: Ranks) -> None:
    try:
        answer = _run(options, ranks)
        if ranks.rank == 0:
            write_whole(options.answer, json.dumps(answer) + "\n")
    except OSError as error:
        raise SeismicError(_line(error)) from None


def _run(options: argparse.Namespace, ranks: Ranks) -> dict[str, Any]:
    root: Path = options.directory
    if options.stage in EVENT_STAGES:
        from headrace.seismic.inversion import simulation_stages

        events = json.loads(options.events.read_text(encoding="utf-8"))
        if options.stage == "windows":
            return simulation_stages.process_windows(root, options.evaluation, events, ranks)
        return simulation_stages.simulate(root, options.stage, options.evaluation, events)
    if options.stage == "results":
        from headrace.seismic.inversion.results import gather_results

        return gather_results(root, options.iteration)
    if options.stage == "pictures":
        from headrace.seismic.inversion.pictures import draw_pictures

        return draw_pictures(root, options.iteration, len(os.sched_getaffinity(0)))
    from headrace.seismic.inversion import optimisation_stages

    plan = getattr(optimisation_stages, options.stage)(root, options.iteration)
    document: dict[str, Any] = plan.document()
    return document


def _line(error: SeismicError | OSError) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
