"""The directory of a job: its complete record, also after a crash."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .atomic import write_atomic
from .errors import BatchJobError
from .file_ends import read_end

# Written by the job's script: NAME is the job's id and how often it was restarted.
EXIT_CODES: Final = "exit_codes"
# Made by the job's script before it starts, unless it is there: the job that has the directory.
OWNER: Final = "owner"
# A line may be as long as a file: only so much of it is shown.
_MAX_LINE_LENGTH: Final = 4_000
_LAUNCHER_MESSAGE: Final = re.compile(
    r"^(srun: |Abort\(\d+\) on node \d+|application called MPI_Abort|MPI_ABORT was invoked"
    r"|with errorcode |NOTE: invoking MPI_ABORT|You may or may not see output|exactly when Open MPI"
    r"|[-=]{10,}$|=   (BAD TERMINATION|PID|EXIT|KILLED|CLEANING|RANK|YOU CAN)"
    r"|YOUR APPLICATION TERMINATED|This typically refers to a problem with your application"
    r"|Please see the FAQ page)"
)
_EXIT_NAME: Final = re.compile(r"([A-Za-z0-9]*)\.([0-9]+)")
_JOB_NUMBER: Final = re.compile(r"[A-Za-z0-9]+")
_EXIT_TEXT: Final = re.compile(r"([0-9]{1,3})\n")


@dataclass(frozen=True)
class ExitRecord:
    """Exit code that a job's script left at its end.

    Attributes:
        job: number of the job; empty where it ran outside of any.
        restarts: how often the scheduler had run it again before.
        code: the script's exit code.
    """

    job: str
    restarts: int
    code: int


class JobDirectory:
    """The files of one job.

    | file | what |
    |---|---|
    | the script, by its name | as it was submitted |
    | ``submitted.sh`` | text that the scheduler runs: the script between its records |
    | ``command`` | how it was submitted |
    | ``environment.json`` | the job's variables, without secrets |
    | ``submission.json`` | tag, time, and once they are known the job id and its cluster |
    | ``owner`` | id of the job that has started here; no other one starts |
    | ``host.json`` | where it runs; written before the script starts |
    | ``states.jsonl`` | the scheduler's states, each with the time at which it was seen |
    | ``stdout``, ``stderr`` | what the script printed |
    | ``scheduler.log`` | messages of the scheduler about the job on its node |
    | ``exit_codes/ID.RESTARTS`` | the script's exit code, by job and how often it was restarted |
    | ``exit_code`` | the same, of the last |
    | ``ended_at`` | ``ID.RESTARTS`` of the last, and when it ended |
    | ``outcome.json`` | how it ended, in words |
    | ``attempts.json`` | in the first attempt's directory: all attempts, why each failed |

    Args:
        path: the directory; made where it is missing.

    Raises:
        BatchJobError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BatchJobError(f"{path}: cannot be made: {error.strerror}") from error

    def write(self, name: str, text: str, *, flush: bool = True) -> None:
        """Write a file completely or not at all.

        Args:
            name: its name.
            text: its text.
            flush: whether it has to survive a power cut, which ends what runs on this machine.

        Raises:
            BatchJobError: it cannot be written.
        """
        try:
            write_atomic(self.path / name, text, mode=0o644, flush=flush)
        except OSError as error:
            raise BatchJobError(f"{self.path / name}: {error.strerror}") from error

    def write_json(self, name: str, value: Any, *, flush: bool = True) -> None:
        """Write a JSON file completely or not at all, as :meth:`write` does."""
        self.write(name, json.dumps(value, indent=1) + "\n", flush=flush)

    def read_text(self, name: str) -> str | None:
        """Return the text of a file, None where there is none."""
        try:
            return (self.path / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def read_end(self, name: str, size: int) -> str:
        """Return the end of a file, at most so many bytes; empty where there is none."""
        return read_end(self.path / name, size)

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the object in a file; empty where there is none, or a damaged one."""
        try:
            value = json.loads(self.read_text(name) or "{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def try_write_json(self, name: str, value: Any) -> None:
        """Write a JSON file where that is possible: a record must not end a wait."""
        with contextlib.suppress(BatchJobError):
            self.write_json(name, value)

    def exit_records(self) -> list[ExitRecord]:
        """Return the exit codes that scripts left here, those of the fewest restarts first.

        The directory is read anew: a file system that many machines share may go on showing a
        file as missing to those who only look for its name.
        """
        notes = []
        try:
            names = os.listdir(self.path / EXIT_CODES)  # noqa: PTH208 - a fresh reading
        except OSError:
            return []
        for name in names:
            match = _EXIT_NAME.fullmatch(name)
            # A file that is empty, or cut, is none yet.
            code = _EXIT_TEXT.fullmatch(self.read_text(f"{EXIT_CODES}/{name}") or "")
            if match and code:
                notes.append(ExitRecord(match[1], int(match[2]), int(code[1])))
        return sorted(notes, key=lambda note: note.restarts)

    def exit_record_of(self, jobs: Collection[str]) -> ExitRecord | None:
        """Return the exit code of the last run of one of some jobs; None where it left none.

        Args:
            jobs: numbers of jobs.
        """
        notes = [note for note in self.exit_records() if note.job in jobs]
        return notes[-1] if notes else None

    def read_end_time(self, name: str) -> str:
        """Return the time at which a script ended; empty where it left none.

        Args:
            name: ``JOB.RESTARTS``.
        """
        found, _, moment = (self.read_text("ended_at") or "").strip().partition(" ")
        return moment if found == name else ""

    def owner(self) -> str:
        """Return the number of the job that has started here; empty where none has."""
        text = (self.read_text(OWNER) or "").strip()
        return text if _JOB_NUMBER.fullmatch(text) else ""

    def write_exit_code(self, job: str, code: int, ended_at: str) -> None:
        """Write the exit code of a script that ran here without the scheduler, and its end.

        Raises:
            BatchJobError: it cannot be written.
        """
        with contextlib.suppress(OSError):
            (self.path / EXIT_CODES).mkdir(exist_ok=True)
        # The shell's way to say that a signal ended it.
        shown = code if code >= 0 else 128 - code
        self.write("ended_at", f"{job}.0 {ended_at}\n", flush=False)
        self.write(f"{EXIT_CODES}/{job}.0", f"{shown}\n", flush=False)
        self.write("exit_code", f"{shown}\n", flush=False)

    def append_state(self, state: str, reason: str = "", nodes: str = "") -> None:
        """Add a state of the job to the list, unless it is the last one there.

        Where that cannot be written it is left out: a full disk says nothing of the job.
        """
        last = (self.read_text("states.jsonl") or "").strip().rpartition("\n")[2]
        entry = {"state": state, "reason": reason, "nodes": nodes}
        with contextlib.suppress(ValueError):
            before = json.loads(last) if last else {}
            if {key: before.get(key) for key in entry} == entry:
                return
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"time": moment, **entry}) + "\n"
        with contextlib.suppress(OSError), (self.path / "states.jsonl").open("a") as stream:
            stream.write(line)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from deciding about the directory; held for moments only.

        Where the file system has no locks it goes on without: two tasks that start in one
        directory at the same instant are then kept apart by the jobs' scripts alone.
        """
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                stream = stack.enter_context((self.path / ".lock").open("a"))
                fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def last_error_line(self, message_prefixes: tuple[str, ...] = ()) -> str:
        """Return the last line that the script wrote to its standard error, else output.

        Messages of the scheduler and of MPI's launchers about a program that fails come after it.

        Args:
            message_prefixes: openings of the scheduler's messages.
        """
        for name in ("stderr", "stdout"):
            lines = [line.strip() for line in (self.read_text(name) or "").splitlines()]
            spoken = [line for line in lines if line and not line.startswith(message_prefixes)]
            spoken = [line for line in spoken if not _LAUNCHER_MESSAGE.search(line)] or spoken
            if spoken:
                line = " ".join(spoken[-1].split())
                left_out = len(line) - _MAX_LINE_LENGTH
                if left_out <= 0:
                    return line
                return f"{line[:_MAX_LINE_LENGTH]} [... {left_out} characters are left out ...]"
        return "it said nothing"

    def clear(self) -> None:
        """Forget an earlier job that was run here for another task, and has ended.

        Raises:
            BatchJobError: what it left cannot be removed.
        """
        records = ("submission.json", "host.json", "states.jsonl", "exit_code", "ended_at")
        try:
            for name in (OWNER, *records, "outcome.json", "stdout", "stderr", "scheduler.log"):
                (self.path / name).unlink(missing_ok=True)
            shutil.rmtree(self.path / EXIT_CODES, ignore_errors=True)
            (self.path / EXIT_CODES).mkdir(exist_ok=True)
        except OSError as error:
            raise BatchJobError(f"{error.filename or self.path}: {error.strerror}") from error
