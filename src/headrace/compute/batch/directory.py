"""The directory of a job: all that is to be known of it, also after a crash."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from .errors import BatchJobError


class JobDirectory:
    """The files of one job.

    | file | what |
    |---|---|
    | the script, by its name | as it was submitted |
    | ``submitted.sh`` | what Slurm runs: the script with its settings around it |
    | ``command`` | how it was submitted |
    | ``environment.json`` | the job's variables, without secrets |
    | ``submission.json`` | tag, time, and once it is known the job id |
    | ``place.json`` | where it runs; written before the script begins |
    | ``states.jsonl`` | Slurm's states, each with the time at which it was seen |
    | ``stdout``, ``stderr`` | what the script printed |
    | ``exit_code`` | the script's |
    | ``ended.json`` | how it ended, in words |

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

    def keep(self, name: str, text: str) -> None:
        """Writes a file whole or not at all.

        Raises:
            BatchJobError: it cannot be written.
        """
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=self.path)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)  # noqa: PTH101 - a name, not a Path
            os.replace(temporary, self.path / name)  # noqa: PTH105
        except OSError as error:
            raise BatchJobError(f"{self.path / name}: {error.strerror}") from error

    def keep_json(self, name: str, value: Any) -> None:
        """Writes a JSON file whole or not at all."""
        self.keep(name, json.dumps(value, indent=1) + "\n")

    def text(self, name: str) -> str | None:
        """Returns the text of a file, None where there is none."""
        try:
            return (self.path / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def json(self, name: str) -> dict[str, Any]:
        """Returns the object in a file; empty where there is none or none that is whole."""
        try:
            value = json.loads(self.text(name) or "{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def exit_code(self) -> int | None:
        """Returns the script's exit code, None while it has none."""
        text = (self.text("exit_code") or "").strip()
        return int(text) if text.lstrip("-").isdigit() else None

    def note_state(self, state: str, reason: str = "", nodes: str = "") -> None:
        """Adds a state of Slurm's to the list, unless it is the last one there."""
        last = (self.text("states.jsonl") or "").strip().rpartition("\n")[2]
        entry = {"state": state, "reason": reason, "nodes": nodes}
        with contextlib.suppress(ValueError):
            before = json.loads(last) if last else {}
            if {key: before.get(key) for key in entry} == entry:
                return
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"time": moment, **entry}) + "\n"
        try:
            with (self.path / "states.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(line)
        except OSError as error:
            raise BatchJobError(f"{self.path / 'states.jsonl'}: {error.strerror}") from error

    def last_words(self) -> str:
        """Returns the last line that the script wrote to its standard error, else output."""
        for name in ("stderr", "stdout"):
            lines = [line.strip() for line in (self.text(name) or "").splitlines()]
            spoken = [line for line in lines if line and not line.startswith("slurmstepd:")]
            if spoken:
                return " ".join(spoken[-1].split())[:300]
        return "it said nothing"

    def clear(self) -> None:
        """Forgets an earlier job that was run here for another task."""
        records = ("submission.json", "place.json", "states.jsonl", "exit_code", "ended.json")
        for name in (*records, "stdout", "stderr"):
            with contextlib.suppress(FileNotFoundError):
                (self.path / name).unlink()
