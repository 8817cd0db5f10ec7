"""The command line: ``headrace``. The path of a command is its module; no logic is here."""

from __future__ import annotations

from headrace.cli.root import headrace, main

__all__ = ["headrace", "main"]
