"""Ending of the processes and batch jobs that remain of a host."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import psutil

from .errors import ComputeError
from .process_records import BlockJobs, HostRecord, HostRecords
from .processes import describe, end_processes, host_processes
from .provider_blocks import BlockQueue
from .scheduler.slurm import Slurm

# Hosts of this process, which ends them itself.
LIVE_HOSTS: set[str] = set()


def reap(state_dir: Path) -> list[str]:
    """End every process and batch job that killed hosts left.

    Args:
        state_dir: the endpoint's state directory.

    Returns:
        What was ended, a phrase for each, and what could not be ended and is kept on record for
        the next call. Empty when nothing was left.

    Raises:
        ComputeError: another living process uses the directory.
    """
    records = HostRecords(state_dir)
    report: list[str] = []
    for record in records:
        if record.parent_pid != os.getpid() and record.parent_is_alive():
            raise ComputeError(
                f"{state_dir}: in use by process {record.parent_pid}; stop that one first"
            )
    for record in records:
        if record.host_id in LIVE_HOSTS:
            continue
        report += end_host(records, record)
    return report


def end_host(records: HostRecords, record: HostRecord, exclude: Iterable[int] = ()) -> list[str]:
    """End what is left of one host, and forget it when nothing is.

    Args:
        records: where it is recorded.
        record: the host.
        exclude: process ids to leave alone, besides this process.

    Returns:
        What was ended and what could not be.
    """
    exclude = tuple(exclude)

    def outside_of_jobs() -> list[psutil.Process]:
        return host_processes(record.host_id, exclude, lambda job: job != record.own_job)

    # First whatever could still submit a job. What runs in a job is ended with the job; in one
    # that is no block of ours it was submitted to live on by itself.
    report = end_processes(outside_of_jobs)
    blocks = records.blocks(record.host_id)
    ended, failures = _end_jobs(record, blocks)
    report += [f"Slurm job {job}" for job in ended]
    ours = {record.own_job, *blocks.jobs, *ended}

    def remaining() -> list[psutil.Process]:
        return host_processes(record.host_id, exclude, lambda job: job not in ours)

    report += end_processes(remaining)
    failures += [f"{describe(process)} could not be ended" for process in remaining()]
    if not failures:
        records.forget(record.host_id)
    return report + failures


def _end_jobs(record: HostRecord, blocks: BlockJobs) -> tuple[list[str], list[str]]:
    if blocks.scheduler == "slurm":
        try:
            return BlockQueue(Slurm(record.slurm_conf)).cancel_and_wait(record.label), []
        except ComputeError as error:
            return [], [f"Slurm jobs named {record.label} are left: {error}"]
    if blocks.scheduler in ("", "local") or not blocks.jobs:
        return [], []
    return [], [f"jobs {', '.join(blocks.jobs)} of {blocks.scheduler}: cancel them by hand"]
