"""Shared argument parser of the package's command-line programs: usage errors in one line."""

from __future__ import annotations

import argparse
from typing import NoReturn

from headrace.seismic.errors import SeismicError


class UsageError(SeismicError):
    """A command line that cannot be understood."""

    exit_code = 2


class Parser(argparse.ArgumentParser):
    """Argument parser whose error message is one line, printed by one rank."""

    def error(self, message: str) -> NoReturn:
        """Raise what was wrong with the command line."""
        raise UsageError(f"{message}; see {self.prog} --help")
