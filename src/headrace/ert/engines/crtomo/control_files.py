"""Files in which CRTomo tells how an inversion went: inv.ctr, run.ctr, inv.lastmod, error.dat."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_COUNT: Final = re.compile(r"^# (Model parameters|Data points)\s+(\d+)", re.MULTILINE)
# Fortran leaves the E out of exponents of three digits, and writes what does not fit as asterisks.
_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[EeDd]?[-+]\d+|[EeDd]\d+)?")
# IT: iterations; PIT: those of a final phase improvement, which begin at 0 again.
_ITERATION: Final = re.compile(r"^\s*(P?IT)\s+(\d+)(.*)$", re.MULTILINE)
_TERMINATED: Final = re.compile(r"^\s*Iteration terminated:\s*(.+?)\s*$", re.MULTILINE)
_PROCESS: Final = re.compile(r"(CRTomo|CRMod) PID\s+\d+\s+exited abnormally")
_LIMIT: Final = "max. # iterations"
_LONGEST_WORDS: Final = 300


@dataclass(frozen=True)
class ControlFile:
    """Contents of ``inv/inv.ctr``.

    Attributes:
        data: number of data; 0 where it does not say.
        cells: number of model parameters; 0 where it does not say.
        history: root mean square of the misfits in units of their errors, at the start and after
            each iteration. NaN where the file has no number.
        last_lambda: weight of smoothness in the last iteration; None where it does not say.
    """

    data: int
    cells: int
    history: tuple[float, ...]
    last_lambda: float | None

    @classmethod
    def read(cls, path: Path) -> ControlFile:
        """Read the file; what is not there is 0 or nothing."""
        text = read_text(path)
        counts = {name: int(number) for name, number in _COUNT.findall(text)}
        iterations = [
            (kind, int(number), words.split()) for kind, number, words in _ITERATION.findall(text)
        ]
        history = [
            fortran_number(words[0]) if words else float("nan")
            # An improvement of the phases begins anew with another measure.
            for kind, _, words in iterations
            if kind == "IT"
        ]
        # misfit, size of the step, lambda, roughness, ...: the start has the misfits alone.
        later = [words for kind, number, words in iterations if number and len(words) > 5]
        return cls(
            counts.get("Data points", 0),
            counts.get("Model parameters", 0),
            tuple(history),
            fortran_number(later[-1][2]) if later else None,
        )


def stop_reason(path: Path) -> str:
    """Return why the iterations ended, as ``inv/run.ctr`` says; "" where it does not say."""
    found = _TERMINATED.findall(read_text(path))
    return found[-1].rstrip(".") if found else ""


def is_limit(reason: str) -> bool:
    """Return whether a reason is the limit of iterations, and no convergence."""
    return _LIMIT in reason.lower()


def last_model(path: Path) -> str:
    """Return the final model of ``exe/inv.lastmod``, relative to the directory; "" for none.

    The program writes its path relative to ``exe/``.
    """
    name = read_text(path).strip().splitlines()
    return name[0].strip().removeprefix("../") if name else ""


def error_text(path: Path) -> str | None:
    """Return what ``exe/error.dat`` says, in one line; None where there is none."""
    if not path.is_file():
        return None
    lines = [" ".join(line.split()) for line in read_text(path).splitlines()]
    # First that a process exited, then the text with the error's number, last with its message.
    words = [line for line in lines if line and not _PROCESS.search(line)]
    return words[-1][:_LONGEST_WORDS] if words else "error.dat says nothing"


def fortran_number(text: str) -> float:
    """Read a number that Fortran wrote; NaN where it is none."""
    if not _NUMBER.fullmatch(text):
        return float(text) if text.lower().lstrip("+-") in ("inf", "infinity") else float("nan")
    number = re.sub(r"[Dd]", "E", text)
    return float(re.sub(r"(?<=[0-9.])([-+]\d+)$", r"E\1", number))


def read_text(path: Path) -> str:
    """Return the text of a file; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
