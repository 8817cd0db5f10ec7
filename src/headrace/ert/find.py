"""Program that says whether a directory needs an inversion or a modelling, ``ert_find.py``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from headrace.ert.cli_support import Parser
from headrace.ert.errors import ErtError
from headrace.ert.jobs import AUTO, find_job
from headrace.ert.settings import read_settings


def main(arguments: list[str] | None = None) -> int:
    """Say what a directory needs.

    Args:
        arguments: of the command line; those of the process by default.

    Returns:
        The exit code: 0 it needs what is printed, 1 there is nothing to do, 2 it cannot be said.
    """
    try:
        options = _parser().parse_args(arguments)
        engine: str = options.engine
        settings: dict[str, dict[str, Any]] = {}
        if options.config is not None:
            invert, settings = read_settings(options.config)
            engine = engine or invert.engine
        found = find_job(options.directory, engine or AUTO, settings)
    except ErtError as error:
        print(f"ert_find: {error}", file=sys.stderr, flush=True)
        return 2
    if found is None:
        return 1
    print(f"{found.kind} ({found.engine})")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="ert_find.py",
        description="Print what a directory needs, an inversion or a modelling; exit with 1 if "
        "nothing.",
    )
    parser.add_argument("--engine", default="", help=f"{AUTO}, or the name of one engine")
    parser.add_argument("--config", type=Path, help="settings, such as job_scripts/ert.toml")
    parser.add_argument("directory", type=Path)
    return parser
