"""The program that a leg's batch job runs: ``job_scripts/md_leg.py``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from headrace.md.errors import MdError, SettingsError
from headrace.md.leg import LegLimits, run_leg
from headrace.md.registry import engine_names, open_engine
from headrace.md.settings import read_settings

_PROGRAM: Final = "md_leg"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; see {self.prog} --help")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Raises:
        SettingsError: wrong usage.
    """
    parser = _Parser(
        prog=_PROGRAM,
        description="Run one leg of a simulation, from its last good checkpoint.",
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="the leg's directory")
    parser.add_argument("--engine", required=True, help=f"{', '.join(engine_names())}")
    parser.add_argument("--settings", type=Path, required=True, metavar="md.toml")
    parser.add_argument("--steps", type=int, default=0, metavar="N", help="steps of the leg")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="time after which it stops by itself"
    )
    parser.add_argument(
        "--target-step", type=int, default=0, metavar="N", help="last step of the simulation"
    )
    parser.add_argument("--number", type=int, default=1, help="the leg's number in its directory")
    parser.add_argument("--previous", default="", help="name of the leg before, for the record")
    parser.add_argument(
        "--assess", action="store_true", help="run nothing; tell how far the leg came"
    )
    options = parser.parse_args(arguments)
    if min(options.steps, options.target_step) < 0 or options.number < 1:
        raise SettingsError("--steps, --target-step, --number: must not be negative")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; how far the leg came goes to stdout as one line of JSON.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 run, 1 failed, 2 usage, 128 and more: a signal ended the engine.
    """
    try:
        options = parse_arguments(arguments)
        leg, own = read_settings(options.settings, options.engine)
        engine = open_engine(options.engine, own)
        outcome = run_leg(
            engine,
            options.engine,
            options.directory.absolute(),
            LegLimits(
                number=options.number,
                steps=options.steps or leg.steps,
                seconds=options.seconds or (leg.hours * 3600 or None),
                target_step=options.target_step,
            ),
            previous=options.previous,
            assess_only=options.assess,
        )
    except MdError as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"{_PROGRAM}: {error.filename or 'I/O'}: {error.strerror}", file=sys.stderr)
        return 1
    print(json.dumps(outcome.to_dict()))
    return 0
