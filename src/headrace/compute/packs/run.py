"""Running a pack: every member by itself, and what became of each."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..attempts.settings import AttemptSettings
from ..batch.cancelling import raise_if_cancelled
from ..batch.run import choose_scheduler
from ..scheduler import Ability, BatchJobError, get_scheduler
from .commands import Commands
from .direct_job import DirectJobs
from .errors import PackError
from .journal import JOURNAL, Journal
from .member import PackMember, RefusedMember, read_members
from .outcome import MemberOutcome, pack_result
from .pack import Pack
from .slots import slots_here

_SUBMITTED_AT_ONCE: Final = 20


def run_pack(
    directory: str,
    members: object,
    *,
    source: str = "",
    source_path: str = "",
    results: str = "",
    cores: int = 0,
    at_once: int = 0,
    arrays: bool = True,
    how: str = "auto",
    task_id: str | None = None,
    defaults: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Run the members of a pack, and return what became of each.

    A member that fails spoils no other one. A member that is done, with the same command, inputs
    and outputs, is not run again.

    Where jobs run here (``how``), as many members run side by side as there are processors, each
    command started directly, without the record of a batch job; in a container they are batch jobs.
    Otherwise those that ask for the same are submitted as one job array, each other one as a job.

    Args:
        directory: where the members' directories are, absolute.
        members: the members as the flow's input has them.
        source: directory that inputs are copied from, absolute; empty where they have been copied
            to the members' working directories already.
        source_path: path of ``source`` in its collection; members may name theirs from there, with
            ``/`` at the start.
        results: directory that outputs are copied to, absolute; empty where whoever called does so.
        cores: processors for members that run here; 0: all of this machine or allocation.
        at_once: members at the same time at most; 0: as many as fit here, or 20 jobs.
        arrays: whether members that are submitted may be members of a job array.
        how: as in :func:`~headrace.compute.batch.run_batch_job`.
        task_id: id of the task; the Compute task's by default.
        defaults: settings of members that have none of their own: ``cores``, ``ranks``, ``nodes``,
            ``gpus``, ``gres``, ``walltime``, ``memory``.
        **settings: of each job, as ``run_repeated_job`` has them; ``attempts`` is 1 by default.

    Returns:
        ``members`` by key (:class:`~.outcome.MemberOutcome` as JSON), ``done``, ``failed``,
        ``core_hours`` and ``job_core_hours``.

    Raises:
        PackError: nothing can be run at all.
        BatchJobError: the task was cancelled, or a setting is wrong for all.
    """
    task = task_id or os.environ.get("GC_TASK_UUID") or uuid.uuid4().hex
    limits, others = AttemptSettings.split({"attempts": 1, **settings})
    try:
        how, chosen = choose_scheduler(how, others)
    except BatchJobError as error:
        raise PackError(str(error)) from None
    pack = Pack(
        _absolute("directory", directory),
        _absolute("source", source) if source else None,
        _absolute("results", results) if results else None,
        slots_here(_count("cores", cores)),
        how,
        task,
        limits,
        chosen,
    )
    listed = read_members(members, defaults, source_path if source else "")
    is_direct = how == "here" and not chosen.get("container")
    at_once = _count("at_once", at_once) or (
        # While commands run, files of one member more are made ready, or looked at.
        pack.slots.cores + is_direct if how == "here" else _SUBMITTED_AT_ONCE
    )
    groups = _groups(listed, how == "submit" and arrays and _has_arrays(chosen))
    with ExitStack() as ends:
        if is_direct:
            first = pack.directory / listed[0].directory
            journal = closing(Journal(first / JOURNAL))
            side_by_side = min(at_once, len(groups), pack.slots.cores)
            commands = ends.enter_context(closing(Commands(task, side_by_side)))
            if commands.at_once < side_by_side:
                # Nobody holds processors who waits for others' commands.
                at_once = commands.at_once
            jobs = DirectJobs(commands, limits, chosen, task, first)
            pack = replace(pack, direct=jobs, journal=ends.enter_context(journal))
        threads = ends.enter_context(ThreadPoolExecutor(min(at_once, len(groups)), "member"))
        ways = threads.map(partial(_run_group, pack, at_once), range(len(groups)), groups)
        found = list(ways)
    raise_if_cancelled(task)
    outcomes = {key: outcome for each in found for key, outcome in each.items()}
    return pack_result({one.key: outcomes[one.key] for one in listed})


def _groups(
    members: Sequence[PackMember | RefusedMember], arrays: bool
) -> list[list[PackMember | RefusedMember]]:
    """Return the members in groups that are submitted together.

    They follow from the members alone, not from what is done: a task that is repeated finds the
    arrays that it has submitted.
    """
    if not arrays:
        return [[one] for one in members]
    alike: dict[str, list[PackMember | RefusedMember]] = {}
    for one in members:
        asked = json.dumps(one.job, sort_keys=True) if isinstance(one, PackMember) else one.key
        alike.setdefault(asked, []).append(one)
    return list(alike.values())


def _run_group(
    pack: Pack, at_once: int, number: int, group: Sequence[PackMember | RefusedMember]
) -> dict[str, MemberOutcome]:
    members = [one for one in group if isinstance(one, PackMember)]
    if len(members) < 2:
        return {one.key: pack.run(number, one) for one in group}
    outcomes = pack.run_array(members, at_once)
    return {one.key: outcome for one, outcome in zip(members, outcomes, strict=True)}


def _has_arrays(settings: Mapping[str, Any]) -> bool:
    return Ability.ARRAYS in get_scheduler(settings.get("scheduler", "")).abilities


def _absolute(name: str, value: object) -> Path:
    path = Path(value) if isinstance(value, str) and value else Path()
    if not path.is_absolute() or ".." in path.parts or "\0" in str(path):
        raise PackError(f"{name} must be an absolute path without '..', not {value!r}")
    return path


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise PackError(f"{name} must be an integer of at least 0, not {value!r}")
    return value
