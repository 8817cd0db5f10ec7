"""The end of a command: an exit code, and at most one line on standard error.

0 done · 1 failed · 2 wrong usage · 4 login or consent needed · 129, 130, 143 ended by SIGHUP, by an
interrupt, by SIGTERM
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import click

from headrace.cli.termio.signals import describe_interrupt
from headrace.cli.termio.terminal import one_line, style, write
from headrace.errors import HeadraceError


def exit_code_of(command: Callable[[], Any]) -> int:
    """Run a command and return its exit code; an error is shown in one line.

    With ``HEADRACE_DEBUG=1`` in the environment the traceback is shown before the line. An error
    that nobody foresaw leaves its traceback in a file.

    Args:
        command: what to run; an integer that it returns is the exit code.
    """
    try:
        result = command()
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return 1
    except (KeyboardInterrupt, click.Abort) as interrupt:
        # click raises an Abort from an interrupt.
        word, code = describe_interrupt(interrupt.__cause__ or interrupt)
        try:
            write(style(word, dim=True), err=True)
        except OSError:
            _discard_output()
        return code
    except click.exceptions.NoArgsIsHelpError as error:
        write(error.format_message(), err=True)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last one that can show it
        return _show(error)
    return result if isinstance(result, int) else 0


def show_threads_and_logs() -> None:
    """Let errors of threads, and what libraries log, be shown in lines as all others are."""
    threading.excepthook = _thread_died
    # Whoever asks for a help page need not wait for the import of logging.
    from headrace.cli.termio.log_lines import show_logs

    show_logs()


def error_line(error: Exception) -> tuple[str | None, int]:
    """Return an expected error as one line with its exit code; (None, 1) for any other."""
    # An error of a module that is not imported is none of this.
    sdk = sys.modules.get("globus_sdk")
    if sdk is not None and isinstance(error, sdk.GlobusError):
        from headrace.hosted import explain

        error = explain(error)
    if isinstance(error, HeadraceError):
        return one_line(str(error)), error.exit_code
    if isinstance(error, click.ClickException):
        return _usage(error), error.exit_code
    sqlite = sys.modules.get("sqlite3")
    if sqlite is not None and isinstance(error, sqlite.Error):
        return f"the store: {one_line(str(error))}: is the disk full, or the file damaged?", 1
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return one_line(f"{where}{error.strerror or error}"), 1
    return None, 1


def open_standard_streams() -> None:
    """Give standard streams that were closed the null device.

    Files that are opened later would get their numbers otherwise, and what is written to a standard
    stream, here or by a program that is started, would land in them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _show(error: Exception) -> int:
    line, code = error_line(error)
    if os.environ.get("HEADRACE_DEBUG") == "1":
        import traceback

        write("".join(traceback.format_exception(error)), err=True, newline=False)
    try:
        for each in _several(error) or [line or _unforeseen(error)]:
            write(f"{style('error:', fg='red')} {each}", err=True)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _discard_output()
    return code


def _several(error: Exception) -> list[str]:
    """Return the lines of an error that is several, such as the faults of a table."""
    problems = getattr(error, "problems", None)
    if not isinstance(error, HeadraceError) or not isinstance(problems, tuple):
        return []
    return [one_line(each) for each in problems if isinstance(each, str)]


def _unforeseen(error: BaseException) -> str:
    from headrace._internal.error_reports import write_error_report

    what = one_line(f"{type(error).__name__}: {error}")
    report = write_error_report(error)
    where = f"the details are in {report}" if report else "HEADRACE_DEBUG=1 shows the details"
    return f"a fault in headrace itself: {what}; {one_line(where)}"


def _discard_output() -> None:
    """Let nothing more be written: whoever read has enough, or there is no room for it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue  # closed, or no file


def _thread_died(death: threading.ExceptHookArgs) -> None:
    if death.exc_value is not None and not isinstance(death.exc_value, SystemExit):
        write(f"{style('error:', fg='red')} {_unforeseen(death.exc_value)}", err=True)


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    words = one_line(error.format_message()).rstrip(".")
    if not context:
        return words
    return f"{words}{' see' if words.endswith('?') else '; see'} `{context.command_path} --help`"
