"""The settings of legs, ``job_scripts/md.toml``: its keys and reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from headrace._internal.settings import (
    Declared,
    FileKind,
    FreeTable,
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
from headrace.md.errors import SettingsError


@dataclass(frozen=True)
class LegSettings:
    """Length of a leg, and its job: the table ``[leg]``.

    Attributes:
        steps: steps of a leg; 0: as many as its hours allow.
        hours: hours of a leg; 0: the job's walltime less what its end needs.
        ranks: MPI ranks of the job.
        attempts: how often the job of a leg is run where node, time, memory or files failed it.
        job: what the batch job asks for.
    """

    steps: Annotated[
        int, Key("Steps of a leg; 0: as many as its hours allow.", minimum=0, unit="steps")
    ] = 0
    hours: Annotated[
        float,
        Key(
            "Time after which a leg stops by itself; 0: the job's walltime less a twentieth, and "
            "less two minutes at least.",
            Number(0),
            unit="hours",
        ),
    ] = 0.0
    ranks: Annotated[int, Key("MPI ranks of the job.", minimum=1)] = 1
    attempts: Annotated[
        int,
        Key(
            "How often the job of a leg is run at most where node, time, memory or files failed "
            "it; each goes on from the last checkpoint.",
            minimum=1,
        ),
    ] = 3
    job: Annotated[
        Mapping[str, Any],
        Key("What the batch job asks for, such as walltime, account, partition.", FreeTable()),
    ] = field(default_factory=dict)


@dataclass(frozen=True)
class GromacsSettings:
    """Calls of GROMACS: the table ``[gromacs]``.

    Attributes:
        gmx: the program.
        mdrun: the simulation's program.
        grompp_arguments: further arguments of ``gmx grompp``.
        mdrun_arguments: further arguments of mdrun.
        checkpoint_minutes: time between two checkpoints.
    """

    gmx: Annotated[str, Key("The program, such as gmx or gmx_mpi.")] = "gmx"
    mdrun: Annotated[
        str,
        Key(
            "The simulation's program. {threads} is the processors of a task of the job, {launch} "
            "what starts its MPI ranks.",
            example='mdrun = "{launch} gmx_mpi mdrun -ntomp {threads}"',
        ),
    ] = "gmx mdrun -ntmpi 1 -ntomp {threads}"
    grompp_arguments: Annotated[
        Sequence[str],
        Key("Further arguments of gmx grompp.", ListOf(Text()), example='["-maxwarn", "1"]'),
    ] = ()
    mdrun_arguments: Annotated[
        Sequence[str], Key("Further arguments of mdrun.", ListOf(Text()), example='["-reprod"]')
    ] = ()
    checkpoint_minutes: Annotated[
        float, Key("Time between two checkpoints.", Number(0), unit="minutes")
    ] = 15.0


@dataclass(frozen=True)
class OpenmmSettings:
    """Use of OpenMM: the table ``[openmm]``.

    Attributes:
        platform: name of the platform; empty: the fastest one.
        properties: properties of the platform.
        checkpoint_minutes: time between two checkpoints.
    """

    platform: Annotated[
        str, Key("Platform: CPU, CUDA, OpenCL, HIP, Reference; the fastest where empty.")
    ] = ""
    properties: Annotated[
        Mapping[str, Any],
        Key("Properties of the platform, by OpenMM's names.", FreeTable(), example="Threads = 4"),
    ] = field(default_factory=dict)
    checkpoint_minutes: Annotated[
        float, Key("Time between two checkpoints.", Number(0), unit="minutes")
    ] = 15.0


_TABLES: Final = {
    "leg": Declared(
        "leg", Key("How long a leg is, and its job."), table_of(LegSettings), LegSettings()
    ),
    "gromacs": Declared(
        "gromacs", Key("How GROMACS is called."), table_of(GromacsSettings, only_given=True), {}
    ),
    "openmm": Declared(
        "openmm", Key("How OpenMM is used."), table_of(OpenmmSettings, only_given=True), {}
    ),
}
MD: Final[Table[dict[str, Any]]] = Table(
    _TABLES,
    dict,
    # An engine of another package has a table of its own name.
    others=FreeTable(),
)
"""The whole file."""

_Settings = TypeVar("_Settings", GromacsSettings, OpenmmSettings)


def read_settings(path: Path, engine: str) -> tuple[LegSettings, dict[str, Any]]:
    """Read the settings of an engine's legs.

    Args:
        path: ``md.toml``.
        engine: the engine's name.

    Returns:
        The table ``[leg]``, and the engine's own table, empty where there is none.

    Raises:
        SettingsError: the file cannot be read, or has an unknown or wrong key.
    """
    document = TomlDocument.read_or_raise(path, SettingsError)
    values = Reading(document, PlainWording()).read_or_raise(MD, SettingsError)
    own = document.values.get(engine, {})
    if not isinstance(own, Mapping):
        raise SettingsError(f"{path}: {engine} must be a table, [{engine}]")
    leg: LegSettings = values["leg"]
    return leg, dict(own)


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
    """Return all that is wrong with the settings of legs, one line each."""
    try:
        reading = Reading(TomlDocument.read_or_raise(path, SettingsError), PlainWording())
    except SettingsError as error:
        return [str(error)]
    reading.read(MD)
    return [fault.message for fault in reading.faults]


MD_TOML: Final = FileKind(
    name="md.toml",
    description="How long the legs of molecular dynamics are, and how their engines are called.",
    table=MD,
    patterns=("job_scripts/md.toml",),
    problems=settings_problems,
)
"""The kind of file."""
