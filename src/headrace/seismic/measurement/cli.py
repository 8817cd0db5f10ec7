"""The command line of the waveform program, which runs alone or on many ranks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headrace.ranks import Ranks, run_on_ranks
from headrace.seismic.cli_support import Parser
from headrace.seismic.errors import SeismicError

_PROGRAM = "adjoint_sources"
_COMMON_NAMES = {"obs", "observed", "syn", "synthetic", "waveforms"}


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        ``observed``, ``synthetic``, ``output`` (paths; None with ``events``), ``events``,
        ``config``, ``event_directory``, ``windows_from`` (paths), ``misfit_only``, ``figures``,
        ``event``, ``ranks``.

    Raises:
        SeismicError: wrong usage; exit code 2.
    """
    parser = Parser(
        prog=_PROGRAM,
        description="Make misfit windows, misfits and adjoint sources of one event, or of many.",
        epilog="Run it under mpiexec to share the stations among ranks: "
        "the files are the same for any number.",
    )
    parser.add_argument("--observed", type=Path, metavar="DIR")
    parser.add_argument("--synthetic", type=Path, metavar="DIR")
    parser.add_argument("--output", type=Path, metavar="DIR", help="replaced as a whole at the end")
    parser.add_argument(
        "--events",
        type=Path,
        metavar="FILE",
        help="many events instead: a JSON list of {event, observed, synthetic, output}, and "
        "event_directory, windows_from if need be; those that are done are left alone",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML")
    parser.add_argument("--figures", choices=("all", "sample", "none"), default="sample")
    parser.add_argument("--event", default="", help="name in the tables; from the directories")
    parser.add_argument(
        "--ranks", type=int, metavar="N", help="fail unless MPI sees this number of ranks"
    )
    parser.add_argument(
        "--event-directory",
        type=Path,
        metavar="DIR",
        help="has source.toml and STATIONS: an adjoint source for each station, weights by azimuth",
    )
    parser.add_argument(
        "--windows-from",
        type=Path,
        metavar="DIR",
        help="measure in the windows of this earlier output instead of new ones",
    )
    parser.add_argument(
        "--misfit-only", action="store_true", help="no adjoint sources and figures, for a trial"
    )
    options = parser.parse_args(arguments)
    single = ("observed", "synthetic", "output")
    needed = ("config",) if options.events is not None else (*single, "config")
    missing = [f"--{name}" for name in needed if getattr(options, name) is None]
    if missing:
        parser.error(f"the following arguments are required: {', '.join(missing)}")
    if options.events is not None:
        for name in (*single, "event", "event_directory", "windows_from"):
            if getattr(options, name):
                option = name.replace("_", "-")
                parser.error(f"--{option} and --events do not go together; write it in the file")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Progress goes to stdout, one JSON object per line; an error to stderr, one line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 all done (stations with problems are reported), 1 an event could not be processed, 2
        usage.
    """
    return run_on_ranks(_PROGRAM, lambda: parse_arguments(arguments), _run)


def _run(options: argparse.Namespace, ranks: Ranks) -> None:
    from headrace.seismic.measurement.batch_manifest import read_requests
    from headrace.seismic.measurement.event import process_event, process_events
    from headrace.seismic.measurement.plan import EventRequest
    from headrace.seismic.measurement.problem_summary import (
        EventError,
        SharedProblem,
        merge_problems,
    )

    if options.events is None:
        request = EventRequest(
            observed=options.observed,
            synthetic=options.synthetic,
            output=options.output,
            config=options.config,
            event=options.event or event_name(options.observed),
            figures=options.figures,
            event_directory=options.event_directory,
            windows_from=options.windows_from,
            misfit_only=options.misfit_only,
        )
        process_event(request, ranks, _report)
        return
    requests = read_requests(options.events, options.config, options.figures, options.misfit_only)
    outcomes = process_events(requests, ranks, _report, resume=True)
    failures = {
        request.event: outcome
        for request, outcome in zip(requests, outcomes, strict=True)
        if isinstance(outcome, SeismicError)
    }
    if failures:
        problems = merge_problems(
            error.problems
            if isinstance(error, EventError)
            else [SharedProblem(str(error), events=(event,))]
            for event, error in failures.items()
        )
        text = f"{len(failures)} of {len(requests)} events failed"
        error = EventError(text, problems)
        # Whoever can mend it at once, by the configuration, is notified by the exit code.
        error.exit_code = max(one.exit_code for one in failures.values())
        raise error


def event_name(observed: Path) -> str:
    """Return the event's name by its directory, e.g. ``001`` of ``001/waveforms/obs``."""
    for part in reversed(observed.absolute().parts):
        if part not in _COMMON_NAMES:
            return part
    return "event"


def _report(fact: dict[str, Any]) -> None:
    print(json.dumps(fact), flush=True)
