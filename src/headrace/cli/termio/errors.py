"""How a command ends: an exit code, and at most one line on standard error.

0 done · 1 failed · 2 wrong usage · 4 login or consent needed · 130 interrupted
"""

from __future__ import annotations

import os
import sqlite3
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from headrace.errors import HeadraceError

INTERRUPTED = 130


def exit_code_of(command: Callable[[], Any]) -> int:
    """Runs a command and returns its exit code; an error is told in one line.

    With ``HEADRACE_DEBUG=1`` in the environment the traceback is shown before the line.

    Args:
        command: what to run; a whole number that it returns is the exit code.
    """
    try:
        result = command()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has enough; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except Exception as error:
        line, code = told(error)
        if line is None:
            raise
        if os.environ.get("HEADRACE_DEBUG") == "1":
            traceback.print_exc()
        click.echo(f"{click.style('error:', fg='red')} {line}", err=True)
        return code
    return result if isinstance(result, int) else 0


def told(error: Exception) -> tuple[str | None, int]:
    """Returns an expected error as one line with its exit code; (None, 1) for any other."""
    sdk = sys.modules.get("globus_sdk")
    if sdk is not None and isinstance(error, sdk.GlobusError):
        from headrace.hosted import explain

        error = explain(error)
    if isinstance(error, HeadraceError):
        return _line(str(error)), error.exit_code
    if isinstance(error, click.ClickException):
        return _usage(error), error.exit_code
    if isinstance(error, sqlite3.Error):
        return f"the store: {_line(str(error))}: is the disk full, or the file damaged?", 1
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or _line(str(error))}", 1
    return None, 1


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    advice = f"; see `{context.command_path} --help`" if context else ""
    return f"{_line(error.format_message()).rstrip('.')}{advice}"


def _line(text: str) -> str:
    return " ".join(text.split())
