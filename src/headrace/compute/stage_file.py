"""The keys of ``data_run.toml`` as a kind of file, from the declarations that travel as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from headrace._internal.settings import (
    Declared,
    FileKind,
    FreeTable,
    Integer,
    Key,
    Kind,
    ListOf,
    PlainWording,
    Reading,
    Table,
    Text,
    TomlDocument,
    UnreadableToml,
    table_of,
)
from headrace.compute.attempts.settings import AttemptSettings
from headrace.compute.batch.settings import JobSettings
from headrace.compute.stages.keys import DATA_RUN_STAGES, STAGE_KEYS, StageKey

# A stage's command gives these itself.
_OF_THE_STAGE: Final = ("script", "arguments", "name", "ntasks", "outputs", "attempts")


def _job_table() -> Table[dict[str, Any]]:
    """Return the table ``[STAGE.job]``."""
    keys = {
        **table_of(JobSettings, environment=FreeTable()).keys,
        **table_of(AttemptSettings).keys,
    }
    own = {name: declared for name, declared in keys.items() if name not in _OF_THE_STAGE}
    return Table(own, dict, only_given=True)


_JOB: Final = _job_table()


def _kind(key: StageKey) -> Kind:
    if isinstance(key.default, str):
        return Text()
    if isinstance(key.default, int):
        return Integer(1)
    return _JOB if isinstance(key.default, Mapping) else ListOf(Text())


def stage_table(specific: Sequence[StageKey]) -> Table[dict[str, Any]]:
    """Return the table of a stage.

    Args:
        specific: the keys that it alone has.
    """
    keys = (*specific, *STAGE_KEYS)
    return Table(
        {
            key.name: Declared(key.name, Key(key.description), _kind(key), key.default)
            for key in keys
        },
        dict,
    )


DATA_RUN: Final[Table[dict[str, Any]]] = Table(
    {
        name: Declared(name, Key(f"The stage {name}."), stage_table(specific), {})
        for name, specific in DATA_RUN_STAGES.items()
    },
    dict,
    # A function of the project may read a table of its own.
    others=FreeTable(),
)


def stage_file_problems(path: Path) -> list[str]:
    """Return all that is wrong with a ``data_run.toml``, one line each."""
    try:
        reading = Reading(TomlDocument.read(path), PlainWording())
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    except (UnreadableToml, UnicodeDecodeError) as error:
        return [f"{path}: not valid TOML: {error}"]
    reading.read(DATA_RUN)
    return [fault.message for fault in reading.faults]


DATA_RUN_TOML: Final = FileKind(
    name="data_run.toml",
    description="How data runs are fitted, converted and analysed; each stage is a batch job.",
    table=DATA_RUN,
    patterns=("job_scripts/data_run.toml",),
    problems=stage_file_problems,
)
"""The kind of file."""
