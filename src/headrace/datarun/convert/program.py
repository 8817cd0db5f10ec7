"""The command line of the converter."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from headrace.datarun.cli_support import Parser, add_reading_options, print_json, run_program

_PROGRAM = "data_run_convert"


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        ``source``, ``target``, ``parquet`` (paths), ``traces``, ``skip``, ``count``,
        ``on_corrupt``, ``sources`` (tuple or None), ``compression``.

    Raises:
        UsageError: wrong usage.
    """
    parser = Parser(prog=_PROGRAM, description="Make a ROOT tree of an event file's events.")
    parser.add_argument("source", type=Path, metavar="IN.evt")
    parser.add_argument("target", type=Path, metavar="OUT.root", help="appears when it is whole")
    parser.add_argument("--parquet", type=Path, metavar="FILE", help="write this as well")
    parser.add_argument("--traces", action="store_true", help="take the traces along")
    parser.add_argument("--skip", type=int, default=0, metavar="N", help="leave out N events")
    parser.add_argument("--count", type=int, metavar="N", help="take N events; default: all")
    add_reading_options(parser)
    parser.add_argument("--compression", choices=("zstd", "lz4", "zlib", "none"), default="zstd")
    options = parser.parse_args(arguments)
    if options.skip < 0 or (options.count is not None and options.count < 0):
        parser.error("--skip and --count must not be negative")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; what was converted goes to stdout as one line of JSON.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 converted, 1 failed, 2 usage.
    """
    return run_program(_PROGRAM, lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> None:
    options = parse_arguments(arguments)
    from headrace.datarun.convert.converter import ConvertOptions, convert

    started = time.monotonic()
    summary = convert(
        options.source,
        options.target,
        ConvertOptions(
            traces=options.traces,
            skip=options.skip,
            count=options.count,
            on_corrupt=options.on_corrupt,
            compression=options.compression,
            sources=options.sources,
        ),
        options.parquet,
    )
    facts = {"source": str(options.source), "target": str(options.target)} | asdict(summary)
    print_json(facts | {"seconds": round(time.monotonic() - started, 3)})
