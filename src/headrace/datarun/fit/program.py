"""The command line of the fits, which runs alone or on many ranks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from headrace.datarun.cli_support import Parser, add_reading_options, print_json
from headrace.ranks import Ranks, run_on_ranks

_PROGRAM = "data_run_fit_traces"


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        ``source``, ``target``, ``channels``, ``staging``, ``progress`` (paths), ``engine``,
        ``double``, ``on_corrupt``, ``sources`` (tuple or None), ``ranks``.

    Raises:
        UsageError: wrong usage.
    """
    parser = Parser(
        prog=_PROGRAM,
        description="Fit every trace of the listed channels with one pulse and with two.",
        epilog="Run it under mpiexec to share the events among ranks: the output is the same "
        "for any number of them on processors of one kind.",
    )
    parser.add_argument("source", type=Path, metavar="IN.evt")
    parser.add_argument("target", type=Path, metavar="OUT.evt", help="appears when it is whole")
    parser.add_argument("--channels", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--engine",
        choices=("lm", "template"),
        default="lm",
        help="the logistic pulse by Levenberg-Marquardt, or each channel's template",
    )
    parser.add_argument(
        "--double",
        choices=("always", "if-needed", "never"),
        default="always",
        help="if-needed leaves the double fit out where the single one leaves nothing but noise",
    )
    add_reading_options(parser)
    parser.add_argument(
        "--staging", type=Path, metavar="DIR", help="work on this disk of the node's own"
    )
    parser.add_argument("--progress", type=Path, metavar="FILE", help="how far it is, as JSON")
    parser.add_argument(
        "--ranks", type=int, metavar="N", help="fail unless MPI sees this number of ranks"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; what was fitted goes to stdout as JSON, one line for each fact.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 fitted, 1 failed, 2 usage.
    """
    return run_on_ranks(_PROGRAM, lambda: parse_arguments(arguments), _run)


def _run(options: argparse.Namespace, ranks: Ranks) -> None:
    from headrace.datarun.fit.numba_extensions import without_numba_extensions
    from headrace.datarun.fit.segment import FitRequest, fit_segment
    from headrace.datarun.fit.traces import FitOptions

    request = FitRequest(
        source=options.source,
        target=options.target,
        channels=options.channels,
        options=FitOptions(options.engine, options.double),
        on_corrupt=options.on_corrupt,
        sources=options.sources,
        staging=options.staging,
        progress=options.progress,
    )
    with without_numba_extensions():
        summary = fit_segment(request, ranks, print_json)
    if ranks.rank == 0:
        facts = {"stage": "done", "source": str(options.source), "target": str(options.target)}
        print_json(facts | asdict(summary))
