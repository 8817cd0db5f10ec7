"""The settings of inversions, ``job_scripts/ert.toml``: its keys and reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from headrace._internal.settings import (
    Boolean,
    Choice,
    Declared,
    FileKind,
    FreeTable,
    Integer,
    Key,
    ListOf,
    Number,
    PlainWording,
    Reading,
    Table,
    Text,
    TomlDocument,
    table_of,
)
from headrace.ert.errors import SettingsError
from headrace.ert.jobs import AUTO
from headrace.ert.registry import engine_names

DEFAULT_OUTPUTS: Final = (
    "inv/",
    "mod/",
    "exe/inv.*",
    "exe/*.log",
    "exe/error.dat",
    "model.*",
    "*.dat",
    "*.data",
)
"""Patterns of what comes back beside ``result.json``."""


def _engines() -> tuple[str, ...]:
    return (AUTO, *engine_names())


@dataclass(frozen=True)
class InvertSettings:
    """Settings of inversions: the table ``[invert]``.

    Attributes:
        engine: name of the engine; ``auto``: the first that finds something to do.
        outputs: patterns of what comes back beside ``result.json``.
        attempts: how often the job of a member is run where node, time, memory or files failed it.
        walltime: of a member's job.
        memory: of a member's job.
        job: what the batch job of each member asks for besides.
    """

    engine: Annotated[
        str,
        Key(
            "The engine; auto: the first that finds something to do.",
            Choice(_engines),
        ),
    ] = AUTO
    outputs: Annotated[
        Sequence[str],
        Key("What comes back beside result.json: shell patterns, dir/ for a tree.", ListOf(Text())),
    ] = DEFAULT_OUTPUTS
    attempts: Annotated[
        int,
        Key(
            "How often the job of a member is run at most where node, time, memory or files "
            "failed it.",
            minimum=1,
        ),
    ] = 2
    walltime: Annotated[str, Key("Time limit of a member's job.")] = "01:00:00"
    memory: Annotated[str, Key("Memory of a member's job, such as 2G; empty: the default.")] = ""
    job: Annotated[
        Mapping[str, Any],
        Key("What each batch job asks for besides, such as account, partition.", FreeTable()),
    ] = field(default_factory=dict)


_NUMBER: Final = Number(0)
_INVERT_ARGUMENTS: Final = {
    "lam": Key("Weight of smoothness.", _NUMBER),
    "lambdaFactor": Key("Factor of lam from one iteration to the next.", _NUMBER),
    "zWeight": Key("Weight of vertical differences against horizontal ones.", _NUMBER),
    "maxIter": Key("Iterations at most.", minimum=1),
    "dPhi": Key("Improvement below which it stops.", _NUMBER, unit="percent"),
    "stopAtChi1": Key("Whether it stops where chi-square is 1 or less.", Boolean()),
    "robustData": Key("Whether outliers get less weight (L1).", Boolean()),
    "blockyModel": Key("Whether sharp contrasts are allowed (L1).", Boolean()),
    "limits": Key("Lowest and highest resistivity.", ListOf(_NUMBER, count=2), unit="ohm m"),
    "quality": Key("Smallest angle of the mesh's triangles.", _NUMBER, unit="degrees"),
    "paraDX": Key("Nodes between electrodes, as a part of their distance.", _NUMBER),
    "paraDepth": Key("Depth of the model.", _NUMBER, unit="m"),
    "paraMaxCellSize": Key("Largest cell.", _NUMBER, unit="m²"),
    "paraBoundary": Key("Margin beside the electrodes, in their distances.", _NUMBER),
}
"""Arguments of pyGIMLi's ``ERTManager.invert`` that are handed on; it ignores unknown ones."""


_INVERT_TABLE: Final[Table[dict[str, Any]]] = Table(
    {
        name: Declared(name, key, key.kind or Integer(1), None)
        for name, key in _INVERT_ARGUMENTS.items()
    },
    dict,
    only_given=True,
)


@dataclass(frozen=True)
class PygimliSettings:
    """Settings of pyGIMLi: the table ``[pygimli]``.

    Attributes:
        data: pattern of the file with the data.
        relative_error: of data without errors.
        absolute_error: of data without errors, in ohm m.
        invert: arguments of ``ERTManager.invert``, by its names.
    """

    data: Annotated[
        str, Key("File with the data, where a directory has several; may be a pattern.")
    ] = ""
    relative_error: Annotated[
        float, Key("Relative error of data that tell none; 0.03 is 3 %.", Number(0))
    ] = 0.03
    absolute_error: Annotated[
        float, Key("Absolute error of data that tell none.", Number(0), unit="ohm m")
    ] = 0.001
    invert: Annotated[
        Mapping[str, Any],
        Key(
            "Arguments of pyGIMLi's ERTManager.invert, by its names; what is left out is "
            "pyGIMLi's default.",
            _INVERT_TABLE,
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True)
class CrtomoSettings:
    """Settings of CRTomo and CRMod: the table ``[crtomo]``.

    Attributes:
        crtomo: the program of inversions.
        crmod: the program of modellings.
        threads: of each call.
        time_limit: in minutes; 0: none.
    """

    crtomo: Annotated[str, Key("The program of inversions: on PATH, or with its path.")] = "CRTomo"
    crmod: Annotated[str, Key("The program of modellings: on PATH, or with its path.")] = "CRMod"
    threads: Annotated[int, Key("Threads of each call.", minimum=1)] = 1
    time_limit: Annotated[
        float,
        Key(
            "Time after which a call is ended; 0: only the job's walltime.",
            Number(0),
            unit="minutes",
        ),
    ] = 0.0


ERT: Final[Table[dict[str, Any]]] = Table(
    {
        "invert": Declared(
            "invert",
            Key("How directories are inverted, each by a job."),
            table_of(InvertSettings),
            InvertSettings(),
        ),
        "pygimli": Declared(
            "pygimli", Key("How pyGIMLi is used."), table_of(PygimliSettings, only_given=True), {}
        ),
        "crtomo": Declared(
            "crtomo",
            Key("How CRTomo and CRMod are called."),
            table_of(CrtomoSettings, only_given=True),
            {},
        ),
    },
    dict,
    # An engine of another package has a table of its own name.
    others=FreeTable(),
)
"""The whole file."""

_Settings = TypeVar("_Settings", PygimliSettings, CrtomoSettings)


def read_settings(path: Path) -> tuple[InvertSettings, dict[str, dict[str, Any]]]:
    """Read the settings of inversions.

    Args:
        path: ``ert.toml``.

    Returns:
        The table ``[invert]``, and the tables of engines by their names.

    Raises:
        SettingsError: the file cannot be read, or has an unknown or wrong key.
    """
    document = TomlDocument.read_or_raise(path, SettingsError)
    values = Reading(document, PlainWording()).read_or_raise(ERT, SettingsError)
    own = {
        name: dict(table)
        for name, table in document.values.items()
        if name != "invert" and isinstance(table, Mapping)
    }
    invert: InvertSettings = values["invert"]
    return invert, own


def read_engine_settings(kind: type[_Settings], table: str, values: Mapping[str, Any]) -> _Settings:
    """Read the table of an engine that headrace brings.

    Args:
        kind: the class of its settings.
        table: its name, for messages.
        values: what stands in it.

    Raises:
        SettingsError: a key is unknown or wrong.
    """
    reading = Reading(TomlDocument(f"[{table}]", values), PlainWording())
    return reading.read_or_raise(table_of(kind), SettingsError)


def settings_problems(path: Path) -> list[str]:
    """Return all that is wrong with the settings of inversions, one line each."""
    try:
        document = TomlDocument.read_or_raise(path, SettingsError)
    except SettingsError as error:
        return [str(error)]
    reading = Reading(document, PlainWording())
    reading.read(ERT)
    return [fault.message for fault in reading.faults]


ERT_TOML: Final = FileKind(
    name="ert.toml",
    description="How resistivity data are inverted, and how the engines are called.",
    table=ERT,
    patterns=("job_scripts/ert.toml",),
    problems=settings_problems,
)
"""The kind of file."""
