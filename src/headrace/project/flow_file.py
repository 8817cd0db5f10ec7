"""The keys of ``flow.toml``, declared: what people see of a flow, and its roles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from headrace._internal.settings import (
    FileKind,
    Key,
    ProjectWording,
    Reading,
    TableList,
    table_of,
)
from headrace.config.errors import ProjectError
from headrace.config.toml_file import read_toml
from headrace.project.flow_notifications import FlowNotification

FLOW_FILE: Final = "flow.toml"


@dataclass(frozen=True)
class FlowRoles:
    """The table ``[roles]`` of ``flow.toml``: lists of principals, as URNs."""

    viewers: Annotated[tuple[str, ...], Key("Who sees the flow.")] = ()
    starters: Annotated[tuple[str, ...], Key("Who starts runs of it.")] = ()
    administrators: Annotated[tuple[str, ...], Key("Who changes it.")] = ()
    run_managers: Annotated[tuple[str, ...], Key("Who manages its runs.")] = ()
    run_monitors: Annotated[tuple[str, ...], Key("Who sees its runs.")] = ()


@dataclass(frozen=True)
class FlowTable:
    """The top table of ``flow.toml``."""

    title: Annotated[str | None, Key("What people see.", default="the directory's name")] = None
    subtitle: Annotated[str, Key("A second line.")] = ""
    description: Annotated[str, Key("Some sentences.")] = ""
    keywords: Annotated[
        tuple[str, ...], Key("Words to find it by.", example='keywords = ["seismology"]')
    ] = ()
    roles: Annotated[FlowRoles, Key("Who may do what, as URNs of Globus Auth.")] = FlowRoles()
    starters_may_resume: Annotated[
        bool,
        Key(
            "Whether `starters`, too, may begin a run at `globus` at any state with any payload; "
            "`headrace run retry` needs that of flows that others may start."
        ),
    ] = False
    notifications: Annotated[
        tuple[FlowNotification, ...],
        Key("What people are told after a state, with the numbers that its result has."),
    ] = ()


FLOW: Final = table_of(FlowTable, notifications=TableList(table_of(FlowNotification)))


def read_flow_file(path: Path) -> FlowTable:
    """Read ``flow.toml``; all by default where there is none.

    Raises:
        ProjectError: it is not TOML, or has a key or value that it may not have; with the line.
    """
    if not path.is_file():
        return FlowTable()
    return Reading(read_toml(path), ProjectWording()).read_or_raise(FLOW, ProjectError)


def flow_file_problems(path: Path) -> list[str]:
    """Return all that is wrong with a ``flow.toml``, one line each."""
    try:
        reading = Reading(read_toml(path), ProjectWording())
    except ProjectError as error:
        return [str(error)]
    reading.read(FLOW)
    return [fault.message for fault in reading.faults]


FLOW_TOML: Final = FileKind(
    name=FLOW_FILE,
    description="Title, keywords, roles and notifications of a flow.",
    table=FLOW,
    patterns=(f"flows/*/{FLOW_FILE}",),
    problems=flow_file_problems,
)
"""The kind of file."""
