"""The table ``[results]``: where a run's output says what became of its members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from headrace._internal.settings import Key, table_of
from headrace.campaigns.tables.kinds import OutputPath

_PATH: Final = OutputPath()


@dataclass(frozen=True)
class ResultsTable:
    """The table ``[results]``: where a run's output says what became of its members."""

    members: Annotated[
        str | None,
        Key(
            "Of packs: an object with a record for each member, by key, which has state (done or "
            "failed), cause, facts, core_hours and next.",
            kind=_PATH,
            default="all members of a pack end as its run does",
            example='members = "output.Run.members"',
        ),
    ] = None
    directory: Annotated[
        str,
        Key(
            "Template of the directory that the outputs of an attempt come back to, as "
            "COLLECTION:PATH: links and `headrace campaign get` find them there.",
            default="that of keep.results, then {attempt_directory}",
            example='directory = "workstation:/results/sweep/{attempt_directory}/"',
        ),
    ] = ""
    facts: Annotated[
        str | None,
        Key(
            "An object of numbers and texts that the table of results shows.",
            kind=_PATH,
            default="none are kept",
            example='facts = "output.Run.facts"',
        ),
    ] = None
    core_hours: Annotated[
        str | None,
        Key(
            "Core hours that the run has used.",
            kind=_PATH,
            default="the step's cost",
            example='core_hours = "output.Run.core_hours"',
        ),
    ] = None
    next: Annotated[
        str | None,
        Key(
            "The member's own next work: members that it adds, or the step that follows.",
            kind=_PATH,
            default="the steps in their order",
            example='next = "output.Run.next"',
        ),
    ] = None


RESULTS: Final = table_of(ResultsTable)
