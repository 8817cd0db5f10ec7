"""The user's table of cron, or of Slurm's cron: entries of ours beside those of others."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from headrace.config.errors import ProjectError

_SECONDS: Final = 60.0
# What `-l` says where there is no table; the exit code of some does not show it.
_EMPTY: Final = "no crontab"


class CronTable:
    """The table of a program; each of our entries stands between two lines that mark it.

    Args:
        program: ``crontab`` or ``scrontab``.
        without_program: the way out where there is no such program.
        entry_source: where to look when an entry is refused.
    """

    def __init__(self, program: str, without_program: str, entry_source: str) -> None:
        self._program = program
        self._without_program = without_program
        self._entry_source = entry_source

    def put(self, entries: dict[str, str]) -> None:
        """Put entries into the table, each in the place of the one of its name.

        Args:
            entries: lines of each entry, by its name.

        Raises:
            ProjectError: the program is not there or refuses; nothing has changed then.
        """
        text = self._read()
        for name, lines in entries.items():
            text = self._without(text, name) + marked_entry(name, lines)
        self._write(text)

    def remove(self, names: list[str]) -> list[str]:
        """Remove entries from the table.

        Returns:
            The names of those that were there.

        Raises:
            ProjectError: the program is not there or refuses.
        """
        before = text = self._read()
        removed = []
        for name in names:
            shorter = self._without(text, name)
            removed += [name] if shorter != text else []
            text = shorter
        if text != before:
            self._write(text)
        return removed

    def has(self, name: str) -> bool:
        """Say whether an entry is in the table.

        Raises:
            ProjectError: the program is not there or refuses.
        """
        return self.find(name) is not None

    def find(self, name: str) -> str | None:
        """Return the lines of an entry; None where it is not in the table.

        Raises:
            ProjectError: the program is not there or refuses.
        """
        text = self._read()
        if self._without(text, name) == text:
            return None
        begin, end = _marks(name)
        lines = [line.strip() for line in text.split("\n")]
        first = lines.index(begin)
        return "\n".join(text.split("\n")[first + 1 : lines.index(end, first)])

    def _without(self, text: str, name: str) -> str:
        begin, end = _marks(name)
        kept, inside = [], False
        for line in text.removesuffix("\n").split("\n") if text else ():
            if line.strip() == begin:
                inside = True
            elif line.strip() == end and inside:
                inside = False
            elif not inside:
                kept.append(line)
        if inside:
            raise ProjectError(
                f"the {self._program} has the line {begin!r} but not its end: put it right with "
                f"`{self._program} -e`"
            )
        return "".join(f"{line}\n" for line in kept)

    def _read(self) -> str:
        done = self._run(["-l"], "")
        if done.returncode == 0:
            return done.stdout
        if _EMPTY in done.stderr.lower():
            return ""
        raise ProjectError(f"{self._program} -l: {_said(done)}")

    def _write(self, text: str) -> None:
        done = self._run(["-"], text)
        if done.returncode != 0:
            raise ProjectError(
                f"{self._program} refused the entry: {_said(done)}; see {self._entry_source}"
            )

    def _run(self, arguments: list[str], text: str) -> subprocess.CompletedProcess[str]:
        program = shutil.which(self._program)
        if program is None:
            raise ProjectError(
                f"there is no {self._program} on this machine; {self._without_program}"
            )
        try:
            return subprocess.run(
                [program, *arguments],
                input=text,
                capture_output=True,
                text=True,
                errors="surrogateescape",
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProjectError(f"{self._program}: {error}") from error


def marked_entry(name: str, lines: str) -> str:
    """Return an entry between the two lines that mark it."""
    begin, end = _marks(name)
    return f"{begin}\n{lines.strip()}\n{end}\n"


def _marks(name: str) -> tuple[str, str]:
    return f"# headrace {name}: begin", f"# headrace {name}: end"


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stderr.split()) or str(done.returncode)
