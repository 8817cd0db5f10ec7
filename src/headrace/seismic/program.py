"""The command line of the waveform program, which runs alone or on many ranks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from headrace.seismic.errors import SeismicError
from headrace.seismic.parallel import OneRank, Ranks, find_ranks, speaks

_PROGRAM = "process_waveforms"
_COMMON_NAMES = {"obs", "observed", "syn", "synthetic", "waveforms"}


class _UsageError(SeismicError):
    exit_code = 2


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line, told by one rank."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}; see {_PROGRAM} --help")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        ``observed``, ``synthetic``, ``output``, ``config`` (paths), ``figures``, ``event``,
        ``ranks``.

    Raises:
        SeismicError: wrong usage; exit code 2.
    """
    parser = _Parser(
        prog=_PROGRAM,
        description="Make misfit windows, misfits and adjoint sources of one event.",
        epilog="Run it under mpiexec to share the stations among ranks: "
        "the files are the same for any number.",
    )
    parser.add_argument("--observed", type=Path, required=True, metavar="DIR")
    parser.add_argument("--synthetic", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="replaced as a whole at the end"
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="TOML")
    parser.add_argument("--figures", choices=("all", "sample", "none"), default="sample")
    parser.add_argument("--event", default="", help="name in the tables; from the directories")
    parser.add_argument(
        "--ranks", type=int, metavar="N", help="fail unless MPI sees this number of ranks"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Progress goes to stdout, one JSON object per line; an error to stderr, one line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 all done (stations with problems are reported), 1 nothing could be processed, 2 usage.
    """
    ranks: Ranks = OneRank()
    try:
        options = parse_arguments(arguments)
        ranks = find_ranks(expected=options.ranks)
        _run(options, ranks)
    except SeismicError as error:
        if ranks.rank == 0 and speaks():
            print(f"{_PROGRAM}: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    except Exception as error:
        if ranks.size == 1:
            raise
        # The other ranks would wait for ever for what this one was to send.
        text = f"{_PROGRAM}: rank {ranks.rank}: {type(error).__name__}: {error}"
        print(text, file=sys.stderr, flush=True)
        ranks.abort(1)
    return 0


def _run(options: argparse.Namespace, ranks: Ranks) -> None:
    from headrace.seismic.event import EventRequest, process_event

    request = EventRequest(
        observed=options.observed,
        synthetic=options.synthetic,
        output=options.output,
        config=options.config,
        event=options.event or event_name(options.observed),
        figures=options.figures,
    )
    process_event(request, ranks, _report)


def event_name(observed: Path) -> str:
    """The event's name by its directory, e.g. ``001`` of ``001/waveforms/obs``."""
    for part in reversed(observed.absolute().parts):
        if part not in _COMMON_NAMES:
            return part
    return "event"


def _report(fact: dict[str, Any]) -> None:
    print(json.dumps(fact), flush=True)
