"""A campaign of the flow ``sweep`` that is made of files of FireWorks, and what could not be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.atomic import write_atomic
from headrace.campaigns.campaign_loading import FOLDER, NAME
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.fireworks.task_commands import task_name, task_script
from headrace.campaigns.fireworks.tasks import NotTakenOver
from headrace.campaigns.fireworks.workflow_file import Firework, WorkflowFile, read_workflow_file
from headrace.campaigns.members.keys import safe_key

if TYPE_CHECKING:
    from headrace.project import Project

FLOW: Final = "sweep"
_WALLTIME: Final = "00:30:00"
_CLOCK: Final = re.compile(r"(?:\d+-)?\d{1,3}:\d{2}:\d{2}")
# States of Fireworks that have nothing left to do.
_ENDED: Final = frozenset({"COMPLETED", "ARCHIVED", "DEFUSED"})
# Keys of a specification that mean something to FireWorks, and what becomes of them.
_NOTES: Final[Mapping[str, str]] = {
    "_dupefinder": "equal Fireworks run twice: members.hash of the campaign shares equal work",
    "_trackers": "`headrace run output` shows what a member prints",
    "_background_tasks": "background tasks are not run",
    "_fworker": "the worker that it names: `headrace campaign move` gives members to a lane",
    "_launch_dir": "each attempt has a directory of its own",
    "_files_in": "files of other Fireworks do not come along: have them in the results, and inputs",
    "_files_out": "files do not go to other Fireworks: they are brought back with the results",
    "_allow_fizzled_parents": "a member whose need has failed waits",
    "_add_launchpad_and_fw_id": "there is no launchpad",
    "_pass_job_info": "what ran before stands in the campaign's table, and in no member's spec",
}


@dataclass(frozen=True)
class ImportLine:
    """Something that was not taken over as it was.

    Attributes:
        file: the file.
        firework: the Firework's number there; 0 of a single one.
        what: the task, or the key of its specification; "" of a whole Firework.
        reason: why, and what to do.
    """

    file: str
    firework: int
    what: str
    reason: str

    def __str__(self) -> str:
        number = f": firework {self.firework}" if self.firework else ""
        return f"{self.file}{number}: {self.what + ': ' if self.what else ''}{self.reason}"


@dataclass(frozen=True)
class ImportedCampaign:
    """A campaign that was made of files of FireWorks.

    Attributes:
        name: its name.
        files: its files, relative to the project; none where nothing was written.
        members: rows of its table.
        refused: Fireworks that are not members of it, with the reasons.
        notes: what members do otherwise than their Fireworks did.
    """

    name: str
    files: tuple[Path, ...]
    members: tuple[Mapping[str, Any], ...]
    refused: tuple[ImportLine, ...]
    notes: tuple[ImportLine, ...]


@dataclass
class _Report:
    refused: list[ImportLine] = field(default_factory=list)
    notes: list[ImportLine] = field(default_factory=list)


def import_fireworks(
    project: Project, files: Sequence[Path], name: str | None = None
) -> ImportedCampaign:
    """Make a campaign of files of FireWorks; nothing is written where none can be a member.

    Args:
        project: the project.
        files: workflows and single Fireworks, in YAML or JSON.
        name: of the campaign; that of the first file by default.

    Raises:
        CampaignError: a file cannot be read or holds no Firework, or the name is taken or is none.
    """
    workflows = [read_workflow_file(file) for file in files]
    name = name or safe_key(files[0].stem)
    if not NAME.fullmatch(name):
        raise CampaignError(f"campaign {name!r}: use letters, digits, '_', '-' and '.', 64 at most")
    paths = (Path(FOLDER) / f"{name}.toml", Path(FOLDER) / f"{name}-members.json")
    for path in paths:
        if (project.root / path).exists():
            raise CampaignError(f"{project.root / path}: is there already: choose another name")
    report = _Report()
    rows: list[dict[str, Any]] = []
    stems = _unique([safe_key(workflow.file.stem) or "fw" for workflow in workflows])
    for workflow, stem in zip(workflows, stems, strict=True):
        rows += _rows(workflow, stem, report)
    if rows:
        (project.root / FOLDER).mkdir(exist_ok=True)
        write_atomic(project.root / paths[1], json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        write_atomic(project.root / paths[0], _campaign_text(project, name, workflows))
    return ImportedCampaign(
        name, paths if rows else (), tuple(rows), tuple(report.refused), tuple(report.notes)
    )


def _rows(workflow: WorkflowFile, stem: str, report: _Report) -> list[dict[str, Any]]:
    """Return the rows of a workflow's Fireworks, those first that others need."""
    rows: dict[int, dict[str, Any]] = {}
    ended: set[int] = set()
    refused: set[int] = set()
    for firework in _in_order(workflow.fireworks):
        if firework.state in _ENDED:
            ended.add(firework.id)
            report.refused.append(_line(firework, "", f"is {firework.state}: it has run"))
            continue
        lost = [one for one in firework.parents if one in refused]
        if lost:
            refused.add(firework.id)
            reason = f"needs firework {lost[0]}, which is not taken over"
            report.refused.append(_line(firework, "", reason))
            continue
        command = _command(firework, report)
        if command is None:
            refused.add(firework.id)
            continue
        key = f"{stem}-{firework.id}" if firework.id else stem
        needs = [rows[one]["key"] for one in firework.parents if one not in ended]
        rows[firework.id] = {
            "key": key,
            "name": firework.name or key,
            "needs": needs,
            "priority": _priority(firework, report),
            "category": _category(firework, report),
            "group": workflow.name or stem,
            **_resources(firework, report),
            "command": command,
        }
    return list(rows.values())


def _command(firework: Firework, report: _Report) -> str | None:
    """Return the script of a Firework; None, with the reasons reported, where there is none."""
    lines, problems = ["set -e"], 0
    if not firework.tasks:
        report.refused.append(_line(firework, "", "has no _tasks"))
        return None
    for task in firework.tasks:
        try:
            script = task_script(task, firework.spec, firework.file.parent)
        except NotTakenOver as error:
            report.refused.append(_line(firework, task_name(task), str(error)))
            problems += 1
            continue
        lines += script.lines
        report.notes += [_line(firework, task_name(task), note) for note in script.notes]
    for key, note in _NOTES.items():
        if firework.spec.get(key):
            report.notes.append(_line(firework, key, note))
    return None if problems else "\n".join(lines) + "\n"


def _priority(firework: Firework, report: _Report) -> float:
    value = firework.spec.get("_priority", 0)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    report.notes.append(_line(firework, "_priority", f"{value!r} is no number: it is 0"))
    return 0


def _category(firework: Firework, report: _Report) -> str:
    value = firework.spec.get("_category") or ""
    if isinstance(value, list):
        report.notes.append(_line(firework, "_category", "of several the first is taken"))
        value = value[0] if value else ""
    return str(value)


def _resources(firework: Firework, report: _Report) -> dict[str, Any]:
    """Return what a member's job asks for, from what the queue was asked for."""
    queue = firework.spec.get("_queueadapter")
    queue = queue if isinstance(queue, Mapping) else {}
    walltime = queue.get("walltime", _WALLTIME)
    if not isinstance(walltime, str) or not _CLOCK.fullmatch(walltime):
        note = f"walltime {walltime!r} is not HH:MM:SS: it is {_WALLTIME}"
        report.notes.append(_line(firework, "_queueadapter", note))
        walltime = _WALLTIME
    cores = queue.get("cpus_per_task", queue.get("ppnode", 1))
    others = sorted(set(queue) - {"walltime", "cpus_per_task", "ppnode"})
    if others:
        note = f"{', '.join(others)}: write it in [start.member] or settings of the campaign"
        report.notes.append(_line(firework, "_queueadapter", note))
    return {
        "walltime": walltime,
        "cores": cores if isinstance(cores, int) and not isinstance(cores, bool) else 1,
    }


def _in_order(fireworks: Sequence[Firework]) -> Iterator[Firework]:
    """Yield Fireworks, each after those that it needs.

    Raises:
        CampaignError: they need each other in a circle.
    """
    waiting, done = list(fireworks), set[int]()
    while waiting:
        ready = [one for one in waiting if set(one.parents) <= done]
        if not ready:
            first = waiting[0]
            raise CampaignError(f"{first.file}: links go round in a circle at firework {first.id}")
        for one in ready:
            done.add(one.id)
            yield one
        waiting = [one for one in waiting if one.id not in done]


def _line(firework: Firework, what: str, reason: str) -> ImportLine:
    return ImportLine(str(firework.file), firework.id, what, reason)


def _unique(stems: list[str]) -> list[str]:
    found: list[str] = []
    for stem in stems:
        number, unique = 1, stem
        while unique in found:
            number += 1
            unique = f"{stem}.{number}"
        found.append(unique)
    return found


def _campaign_text(project: Project, name: str, workflows: Sequence[WorkflowFile]) -> str:
    """Return the campaign file; names are those of the project where it has them."""
    source = _of(project.collections, "workstation")
    cluster = _of(project.collections, "hpc")
    endpoint = _of(project.endpoints, "simulation")
    files = ", ".join(workflow.file.name for workflow in workflows)
    return f"""\
# Made of the FireWorks files {files}.
# Each Firework is a member: its Firetasks are the lines of its command, its links the needs.
title = {json.dumps(f"Fireworks of {files}")}

[members]
table = {json.dumps(f"{name}-members.json")}
key = "{{key}}"

[start]
flow = "{FLOW}"
pack = 10                        # members that one run takes at most
label = "{{campaign}} {{key}}"

[start.member]
key = "{{key}}"
directory = "{{attempt_directory}}"
command = "{{command}}"
inputs = []                      # files that it needs, below the path of source
optional_outputs = ["*", "**/*"] # all that it leaves is brought back
cores = "{{cores}}"
walltime = "{{walltime}}"

[start.input]
members = "{{members}}"
source = {{ collection = "{source}", path = "/inputs/" }}
staging = {{ collection = "{{lane_collection}}", path = "/sweep/" }}
results = {{ collection = "{source}", path = "/results/{name}/" }}
settings = {{ attempts = 1 }}      # account, partition ...: what batch jobs of all members ask for
clean = true

[start.input.compute]
endpoint = {{ endpoint = "{{endpoint}}" }}
options = {{ options_of = "{{endpoint}}" }}
run = {{ function = "sweep_run_members" }}
directory = {{ directory = {{ collection = "{{lane_collection}}", path = "/sweep/" }} }}

[results]
members = "output.Run.members"

# What FireWorks calls a category is the category of members: takes = ["gpu", "any"] in a lane.
[lanes.{endpoint}]
endpoint = "{endpoint}"
collection = "{cluster}"
"""


def _of(names: Mapping[str, Any], wanted: str) -> str:
    return wanted if wanted in names or not names else next(iter(names))
