"""The command line of the analysis."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from headrace.datarun.cli_support import Parser, print_json, run_program

_PROGRAM = "data_run_analyze"


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        ``places`` (paths), ``output`` (path), ``analysis``, ``workers``, ``pictures``,
        ``on_corrupt``.

    Raises:
        UsageError: wrong usage.
    """
    parser = Parser(
        prog=_PROGRAM, description="Make histograms and pictures of all segments of a run."
    )
    parser.add_argument(
        "places", type=Path, nargs="+", metavar="IN", help="segments' files or their directory"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--analysis",
        default="channels",
        metavar="FILE.py:CLASS",
        help="a class of your own with begin, process and end; default: channels",
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--no-pictures", dest="pictures", action="store_false")
    parser.add_argument("--on-corrupt", choices=("refuse", "skip"), default="refuse")
    options = parser.parse_args(arguments)
    if options.workers < 1:
        parser.error("--workers must be at least 1")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; what was analysed goes to stdout as one line of JSON.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 analysed, 1 failed, 2 usage.
    """
    return run_program(_PROGRAM, lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> None:
    options = parse_arguments(arguments)
    from headrace.datarun.analysis.runner import analyze_run

    started = time.monotonic()
    result = analyze_run(
        options.places,
        options.output,
        options.analysis,
        workers=options.workers,
        pictures=options.pictures,
        on_corrupt=options.on_corrupt,
    )
    print_json(
        {
            "run": result.run,
            "histograms": str(result.histograms),
            "summary": str(result.summary),
            "pictures": len(result.pictures),
            "events": result.events,
            "hits": result.hits,
            "seconds": round(time.monotonic() - started, 3),
        }
    )
