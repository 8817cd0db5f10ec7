"""Records of hosts on disk, so that all that they started can be ended after any crash.

Each host has a random id. It is recorded before the host starts, every process of the host
inherits it in the environment, and every batch job carries it in its name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from headrace._internal.files import write_private

from .scheduler import job_of_process, usable_schedulers

HOST_ID_VARIABLE = "HEADRACE_HOST_ID"


@dataclass(frozen=True)
class HostRecord:
    """A host that was started.

    Attributes:
        host_id: its random id.
        parent_pid: the process that started it.
        parent_started: when that process started, seconds since 1970.
        own_job: batch job that the host itself runs in, empty outside of one.
        slurm_conf: ``SLURM_CONF`` at the time, empty where unset.
    """

    host_id: str
    parent_pid: int
    parent_started: float
    own_job: str
    slurm_conf: str

    @property
    def label(self) -> str:
        """The part of a batch job's name that identifies the host."""
        return f"headrace-{self.host_id}"

    def parent_is_alive(self) -> bool:
        """Return whether the very process that started the host still runs."""
        return started_at(self.parent_pid) == self.parent_started


@dataclass(frozen=True)
class BlockJobs:
    """The batch jobs of a host.

    Attributes:
        scheduler: ``slurm``, ``local`` or the provider's class name; empty: none was ever used.
        jobs: job ids, in order of submission.
    """

    scheduler: str = ""
    jobs: tuple[str, ...] = ()


def new_record(host_id: str) -> HostRecord:
    """Make the record of a host that this process is about to start."""
    return HostRecord(
        host_id=host_id,
        parent_pid=os.getpid(),
        parent_started=started_at(os.getpid()) or 0.0,
        own_job=job_of_process(os.environ, usable_schedulers()),
        slurm_conf=os.environ.get("SLURM_CONF", ""),
    )


def started_at(pid: int) -> float | None:
    """Return when the process ``pid`` started (seconds since 1970), None where there is none."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.create_time()
    except psutil.NoSuchProcess:
        return None


class HostRecords:
    """The records below a state directory.

    Args:
        state_dir: the endpoint's state directory.
    """

    def __init__(self, state_dir: Path) -> None:
        self.directory = state_dir / "hosts"

    def __iter__(self) -> Iterator[HostRecord]:
        for path in sorted(self.directory.glob("*.host.json")):
            yield HostRecord(**json.loads(path.read_text()))

    def write(self, record: HostRecord) -> None:
        """Record a host."""
        write_private(self._host_path(record.host_id), json.dumps(asdict(record)))

    def write_blocks(self, host_id: str, blocks: BlockJobs) -> None:
        """Record a host's batch jobs."""
        write_private(self._blocks_path(host_id), json.dumps(asdict(blocks)))

    def blocks(self, host_id: str) -> BlockJobs:
        """Return the batch jobs of a host; none where none were recorded."""
        path = self._blocks_path(host_id)
        if not path.exists():
            return BlockJobs()
        stored = json.loads(path.read_text())
        return BlockJobs(stored["scheduler"], tuple(stored["jobs"]))

    def forget(self, host_id: str) -> None:
        """Remove the record of a host, once nothing of it is left."""
        self._blocks_path(host_id).unlink(missing_ok=True)
        self._host_path(host_id).unlink(missing_ok=True)

    def _host_path(self, host_id: str) -> Path:
        return self.directory / f"{host_id}.host.json"

    def _blocks_path(self, host_id: str) -> Path:
        return self.directory / f"{host_id}.blocks.json"
