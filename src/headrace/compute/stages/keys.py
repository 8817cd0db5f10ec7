"""The keys of the tables of stages, declared: what every stage has, and those of data runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

Default = str | int | tuple[str, ...] | Mapping[str, Any]


@dataclass(frozen=True)
class StageKey:
    """A key of a stage's table.

    Attributes:
        name: the key.
        default: its default; a value in a file must be of the same type, and a number at least 1.
        description: one sentence.
    """

    name: str
    default: Default
    description: str


STAGE_KEYS: Final = (
    StageKey("command", "", "A site's own program with its arguments, instead of the project's."),
    StageKey("container", "", "Words that go before the command, such as podman-hpc run ...."),
    StageKey("arguments", (), "Further arguments of the project's program."),
    StageKey("files", (), "Further files that the output depends on; relative to the project."),
    StageKey("ranks", 1, "Number of MPI ranks."),
    StageKey("attempts", 3, "How often a job is run that its node, its time or its files failed."),
    StageKey(
        "reuse",
        "",
        "Directory of results that equal stages of other directories share; absolute, or relative "
        "to the stage's directory. Without it each directory has its own.",
    ),
    StageKey(
        "reuse_version",
        "",
        "Version of the programs, such as that of a container; another one shares no results.",
    ),
    StageKey(
        "reuse_variables",
        (),
        "Names of environment variables that the output depends on.",
    ),
    StageKey("job", MappingProxyType({}), "Further settings of the batch job."),
)
"""The keys of every stage."""

DATA_RUN_STAGES: Final[Mapping[str, tuple[StageKey, ...]]] = {
    "fit": (
        StageKey(
            "channels",
            "job_scripts/data_run_fit_channels.txt",
            "File that lists which channels are fitted, and how; relative to the project.",
        ),
    ),
    "convert": (),
    "analyze": (
        StageKey("analysis", "channels", "The analysis: channels, or a class as FILE.py:CLASS."),
        StageKey("workers", 1, "Processes that share the segments."),
    ),
}
"""The stages of data runs, each with the keys that it alone has."""
