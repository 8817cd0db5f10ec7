"""Support for data-run programs: one-line errors, JSON output, exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from headrace.datarun.errors import DataRunError


class UsageError(DataRunError):
    """A command line that cannot be understood."""

    exit_code = 2


class Parser(argparse.ArgumentParser):
    """Argument parser with one-line errors."""

    def error(self, message: str) -> NoReturn:
        """Raise what was wrong with the command line."""
        raise UsageError(f"{message}; see {self.prog} --help")


def source_ids(text: str) -> tuple[int, ...]:
    """Read a list of source ids, ``0,2``.

    Raises:
        argparse.ArgumentTypeError: something else.
    """
    try:
        sources = tuple(int(word) for word in text.split(","))
    except ValueError:
        sources = (-1,)
    if min(sources) < 0:
        raise argparse.ArgumentTypeError(f"not a list of source ids: {text!r}; write it as 0,2")
    return sources


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of how an event file is read: ``--on-corrupt`` and ``--sources``."""
    parser.add_argument(
        "--on-corrupt",
        choices=("refuse", "skip"),
        default="refuse",
        help="whether damaged places are errors or left out and listed",
    )
    parser.add_argument(
        "--sources",
        type=source_ids,
        metavar="ID,...",
        help="ids of the digitisers' sources; default: those whose payloads are hits",
    )


def print_json(fact: dict[str, Any]) -> None:
    """Print an object on stdout as one line of JSON."""
    print(json.dumps(fact), flush=True)


def run_program(program: str, work: Callable[[], None]) -> int:
    """Run a program's main function, and return its exit code.

    Args:
        program: its name, for the error message.
        work: what it does.

    Returns:
        The exit code: 0 done, 1 failed, 2 usage; what failed is one line on stderr.
    """
    try:
        work()
    except DataRunError as error:
        print(f"{program}: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0
