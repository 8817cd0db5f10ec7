"""Directives of job scripts: the lines in which a script asks for resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import BatchJobError


@dataclass(frozen=True)
class DirectiveLine:
    """A line of a job script that begins with the scheduler's prefix.

    Attributes:
        location: file and number of the line, for messages.
        text: the line without the prefix.
    """

    location: str
    text: str


@dataclass(frozen=True)
class Directives:
    """Settings of a job that its script has.

    Attributes:
        settings: attributes of :class:`~.request.JobRequest` by name.
        options: the other options, in the scheduler's own words.
        replaced: options in whose place headrace sets its own.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


def read_directive_lines(script: Path, prefix: str) -> list[DirectiveLine]:
    """Return the directives of a script: those before its first command.

    Args:
        script: the script.
        prefix: such as ``#SBATCH``; one that ends with a colon, such as ``#flux:``, may have a
            space after its ``#``.

    Raises:
        BatchJobError: the script cannot be read.
    """
    prefixes = [prefix, *([f"# {prefix[1:]}"] if prefix.endswith(":") else [])]
    found = []
    try:
        with script.open(encoding="utf-8", errors="surrogateescape") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip() and not line.startswith("#"):
                    break
                for one in prefixes:
                    if line.startswith(one):
                        found.append(DirectiveLine(f"{script}:{number}", line.removeprefix(one)))
    except OSError as error:
        raise BatchJobError(f"{script}: {error.strerror}") from error
    return found
