"""Calls of GROMACS's programs, with their own words where they fail."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.md.errors import EngineMissing, MdError, SettingsError

# GROMACS frames what it has to say between two lines of dashes.
_ERROR: Final = re.compile(
    r"^(?:Fatal error|Error in user input|Inconsistency in user input|File input/output error"
    r"|Feature not implemented|Assertion failed|Invalid argument|[\w ]*[Ee]rror[\w ]*):?\s*\n"
    r"(.*?)(?:\n\s*\n|\nFor more information|\n-{20,}|\Z)",
    re.MULTILINE | re.DOTALL,
)
# A quotation that it ends with.
_REMINDER: Final = re.compile(r"GROMACS reminds you:")
_LONGEST: Final = 600


@dataclass(frozen=True)
class GromacsPrograms:
    """Words by which GROMACS is called.

    Attributes:
        gmx: words of the program, for example ``gmx`` or ``gmx_mpi``.
        mdrun: words of the simulation's program.
    """

    gmx: Sequence[str]
    mdrun: Sequence[str]

    @classmethod
    def of(cls, gmx: str, mdrun: str) -> GromacsPrograms:
        """Make it of the settings, with ``{launch}`` and ``{threads}`` of the job filled in.

        Raises:
            SettingsError: they are no command.
        """
        threads = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("OMP_NUM_THREADS") or "1"
        launch = os.environ.get("HEADRACE_LAUNCH", "")
        filled = mdrun.replace("{launch}", launch).replace("{threads}", threads)
        try:
            words = shlex.split(gmx), shlex.split(filled)
        except ValueError as error:
            raise SettingsError(f"[gromacs] gmx or mdrun: not a command: {error}") from None
        if not all(words):
            raise SettingsError('[gromacs] gmx or mdrun: empty; write gmx = "gmx"')
        return cls(*words)

    def call(self, *arguments: str, cwd: Path, stdin: str = "") -> str:
        """Run a program of ``gmx`` and return what it printed on stdout.

        Args:
            *arguments: its name and arguments, for example ``grompp``.
            cwd: directory that it runs in.
            stdin: what it reads.

        Raises:
            EngineMissing: GROMACS is not on this machine.
            MdError: it failed; the message has its own words.
        """
        words = [*self.gmx, "-quiet", *arguments]
        try:
            done = subprocess.run(
                words, cwd=cwd, input=stdin, capture_output=True, text=True, errors="replace"
            )
        except FileNotFoundError:
            raise missing(self.gmx[0]) from None
        if done.returncode:
            raise MdError(f"gmx {arguments[0]}: {words_of_failure(done.stderr)}")
        return done.stdout

    @contextmanager
    def lines(self, *arguments: str, cwd: Path) -> Iterator[Iterator[str]]:
        """Give what a program prints on stdout line by line; the reader may stop before its end.

        Args:
            *arguments: its name and arguments.
            cwd: directory that it runs in.

        Raises:
            EngineMissing: GROMACS is not on this machine.
            MdError: it failed; the message has its own words.
        """
        words = [*self.gmx, "-quiet", *arguments]
        try:
            program = subprocess.Popen(
                words,
                cwd=cwd,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
            )
        except FileNotFoundError:
            raise missing(self.gmx[0]) from None
        stdout = program.stdout
        assert stdout is not None  # noqa: S101 - a pipe was asked for
        last: list[str] = []

        def read() -> Iterator[str]:
            for line in stdout:
                last.append(line)
                del last[:-40]
                yield line
            if program.wait():
                raise MdError(f"gmx {arguments[0]}: {words_of_failure(''.join(last))}")

        try:
            yield read()
        finally:
            if program.poll() is None:
                program.kill()
            stdout.close()
            program.wait()


def missing(program: str) -> EngineMissing:
    """Return the error for a GROMACS that is not there."""
    return EngineMissing(
        f"{program}: not on PATH; load GROMACS in the job script, or set gmx and mdrun in [gromacs]"
    )


def words_of_failure(text: str) -> str:
    """Return what GROMACS says of its failure, in one line.

    Args:
        text: what it printed.
    """
    found = _ERROR.findall(text)
    lines = [line for line in text.splitlines() if line.strip() and not _REMINDER.match(line)]
    said = found[-1] if found else next(iter(lines[-1:]), "no words")
    return " ".join(said.split())[:_LONGEST]
