"""Make the index of a segment: ``python -m headrace.datarun.hit_index SEGMENT INDEX``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from headrace._internal.files import only_one
from headrace.datarun.cli_support import Parser, print_json, run_program
from headrace.datarun.hit_index.build import build_index

_NICE = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 done, 1 failed, 2 usage.
    """
    return run_program("hit_index", lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> None:
    parser = Parser(prog="hit_index", description="Make the index of a segment's hits.")
    parser.add_argument("source", type=Path, metavar="SEGMENT")
    parser.add_argument("target", type=Path, metavar="INDEX")
    options = parser.parse_args(arguments)
    os.nice(_NICE)
    with only_one(options.target.with_suffix(".lock")) as is_free:
        if is_free:
            build_index(
                options.source,
                options.target,
                lambda done, size: print_json({"done": done, "size": size}),
            )


if __name__ == "__main__":
    sys.exit(main())
