"""Shared argument parser of the package's programs: usage errors in one line."""

from __future__ import annotations

import argparse
from typing import NoReturn

from headrace.ert.errors import SettingsError


class Parser(argparse.ArgumentParser):
    """Argument parser with one-line errors."""

    def error(self, message: str) -> NoReturn:
        """Raise what was wrong with the command line."""
        raise SettingsError(f"{message}; see {self.prog} --help")
