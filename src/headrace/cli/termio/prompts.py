"""Questions to the person at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from headrace.cli.termio.terminal import one_line, write


class NotConfirmed(click.ClickException):
    """Whoever was asked did not say yes."""

    def __init__(self) -> None:
        super().__init__("not confirmed: nothing was changed")


def confirm(question: str, *, terminal_only: bool = False) -> None:
    """Ask before something that cannot be taken back.

    Args:
        question: what is to be done, as a question.
        terminal_only: whether an answer counts only when somebody types it at a terminal.

    Raises:
        NotConfirmed: the answer is no.
        UsageError: there is nobody to ask.
    """
    if terminal_only and not sys.stdin.isatty():
        raise click.UsageError(f"{one_line(question)} Nobody can be asked here: give --yes")
    answer = _answer(f"{one_line(question)} [y/N]: ")
    if answer is None:
        raise click.UsageError("nobody can be asked here: give --yes")
    if answer.lower() not in ("y", "yes"):
        raise NotConfirmed


def choose(lines: Sequence[str], options: Sequence[str]) -> str:
    """Show a question and return the option that was chosen, asked until it is one of them.

    Args:
        lines: the question.
        options: what may be answered.

    Raises:
        Abort: there is nobody to ask any more.
    """
    write("\n".join(map(one_line, lines)), err=True)
    shown = ", ".join(map(one_line, options))
    while True:
        answer = _answer(f"Answer ({shown}): ")
        if answer is None:
            raise click.Abort
        if answer in options:
            return answer
        write(f"{one_line(answer)}: not one of {shown}", err=True)


def _answer(prompt: str) -> str | None:
    write(prompt, err=True, newline=False)
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        write("", err=True)
    return line.strip() if line else None
