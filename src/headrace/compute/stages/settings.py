"""The settings of a stage: one table of a TOML file."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import StageError
from .keys import STAGE_KEYS, StageKey

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class StageSettings:
    """Settings of a stage.

    Attributes:
        file: where it stands.
        name: name of the table.
        command: a site's own program with its arguments; "" for the project's.
        container: words that go before the command, such as ``podman-hpc run ...``.
        arguments: further arguments of the project's program.
        files: further files that the output depends on; absolute or relative to the project.
        ranks: number of MPI ranks.
        attempts: how often a job is run that its node, its time or its files failed.
        reuse: directory of results that are shared with other directories; "" for none.
        reuse_version: version of the programs; another one shares no results.
        reuse_variables: names of environment variables that the output depends on.
        job: further settings of the batch job, such as ``walltime`` and ``account``.
        specific: settings that only this stage has.
    """

    file: Path
    name: str
    command: str = ""
    container: str = ""
    arguments: Sequence[str] = ()
    files: Sequence[str] = ()
    ranks: int = 1
    attempts: int = 3
    reuse: str = ""
    reuse_version: str = ""
    reuse_variables: Sequence[str] = ()
    job: Mapping[str, Any] = field(default_factory=dict)
    specific: Mapping[str, str | int] = field(default_factory=dict)

    def site_command(self) -> list[str]:
        """Return the site's command split into words, container first; none where it has none."""
        if not self.command:
            return []
        try:
            return [*shlex.split(self.container), *shlex.split(self.command)]
        except ValueError as error:
            raise StageError(f"{self.file}: [{self.name}]: not a command: {error}") from error

    def fill_placeholders(self, words: Sequence[str], values: Mapping[str, object]) -> list[str]:
        """Return words with their placeholders filled in; ``{{`` stands for a brace.

        Raises:
            StageError: a placeholder is unknown, or a brace stands alone.
        """

        def value_of(piece: re.Match[str]) -> str:
            if piece[0] in ("{{", "}}"):
                return piece[0][0]
            if piece[1] is None or piece[1] not in values:
                known = ", ".join(f"{{{name}}}" for name in values)
                raise StageError(
                    f"{self.file}: [{self.name}]: unknown {piece[0]} in the command; "
                    f"there are {known}, and {{{{ for a brace"
                )
            return str(values[piece[1]])

        return [_PLACEHOLDER.sub(value_of, word) for word in words]


def _default(key: StageKey) -> Any:
    """Return a key's default as TOML has it."""
    if isinstance(key.default, tuple):
        return list(key.default)
    return dict(key.default) if isinstance(key.default, Mapping) else key.default


def read_stage(file: Path, name: str, specific: Sequence[StageKey] = ()) -> StageSettings:
    """Read the table of a stage.

    Args:
        file: the TOML file.
        name: the table.
        specific: keys that only this stage has.

    Raises:
        StageError: the file cannot be read, or has an unknown key or a wrong value.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StageError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StageError(f"{file}: not valid TOML: {error}") from error
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise StageError(f"{file}: {name} must be a table, [{name}]")
    defaults = {key.name: _default(key) for key in (*STAGE_KEYS, *specific)}
    for key, value in table.items():
        if key not in defaults:
            raise StageError(f"{file}: [{name}] {key}: unknown; there are {', '.join(defaults)}")
        if type(value) is not type(defaults[key]):
            kind = type(defaults[key]).__name__
            raise StageError(f"{file}: [{name}] {key}: must be of type {kind}, not {value!r}")
    values = {**defaults, **table}
    for key, value in values.items():
        if isinstance(value, int) and value < 1:
            raise StageError(f"{file}: [{name}] {key}: must be at least 1, not {value}")
    for key in ("arguments", "files", "reuse_variables"):
        if not all(isinstance(word, str) for word in values[key]):
            raise StageError(f'{file}: [{name}] {key}: must be texts, such as ["--traces"]')
    return StageSettings(
        file=file,
        name=name,
        specific={key.name: values.pop(key.name) for key in specific},
        **values,
    )
