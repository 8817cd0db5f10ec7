"""One life of an endpoint's host process, seen from the process that starts it."""

from __future__ import annotations

import json
import os
import queue
import secrets
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import headrace
from headrace._internal.loopback import bypass_proxies

from .batch.cancelling import CANCELLED_VARIABLE as CANCELLED_VARIABLE
from .models import EndpointSpec, TaskSpec
from .process_records import HOST_ID_VARIABLE, HostRecords, new_record
from .reaping import LIVE_HOSTS, end_host

# Below the endpoint's state directory: the tasks that were cancelled.
CANCELLED_DIRECTORY = "cancelled"
# Exit code of a host that cannot work at present: the machine's fault, not the endpoint's.
EXIT_TEMPORARY_FAILURE = os.EX_TEMPFAIL


class HostProcess:
    """A started host process.

    Args:
        spec: the endpoint.
        records: where the host is recorded before it is started.
    """

    def __init__(self, spec: EndpointSpec, records: HostRecords) -> None:
        self._records = records
        self._record = new_record(secrets.token_hex(8))
        self._commands: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        spec.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        state_dir = spec.state_dir.resolve()
        records.write(self._record)
        LIVE_HOSTS.add(self._record.host_id)
        try:
            self._process = self._start(spec, state_dir)
        except OSError:
            LIVE_HOSTS.discard(self._record.host_id)
            records.forget(self._record.host_id)
            raise
        self.pid = self._process.pid
        # A thread of its own: the child may be slow to read while it waits for its events to be.
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()
        self._send(
            {
                "command": "start",
                "endpoint_id": spec.id,
                "template": str(spec.template.resolve()),
                "options": dict(spec.options),
                "record": asdict(self._record),
            }
        )

    def _start(self, spec: EndpointSpec, state_dir: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "headrace.compute.host", str(state_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=state_dir,
            env={
                **own_environment(spec.project_root),
                **spec.environment,
                HOST_ID_VARIABLE: self._record.host_id,
                CANCELLED_VARIABLE: str(state_dir / CANCELLED_DIRECTORY),
            },
            start_new_session=True,
        )

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs; negative: the signal that killed it."""
        return self._process.poll()

    def jobs(self) -> list[str]:
        """Return the ids of the batch jobs that it has submitted."""
        blocks = self._records.blocks(self._record.host_id)
        return [] if blocks.scheduler == "local" else list(blocks.jobs)

    def submit(self, task: TaskSpec) -> None:
        """Submit a task, without waiting. A dead child loses it: its `events` end then."""
        self._send({"command": "submit", "task": vars(task)})

    def cancel(self, task_id: str) -> None:
        """Cancel a task, without waiting."""
        self._send({"command": "cancel", "task_id": task_id})

    def withdraw(self, task_ids: Sequence[str]) -> None:
        """Ask for the tasks that no worker has started, without waiting."""
        self._send({"command": "withdraw", "task_ids": list(task_ids)})

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the child's events, until it ends."""
        stream = self._process.stdout
        if stream is None:
            return
        for line in stream:
            if line.endswith(b"\n"):  # a kill may cut the last one
                yield json.loads(line)

    def request_stop(self, timeout: float) -> None:
        """Ask the child to end, wait, and kill it after ``timeout`` seconds."""
        self._send({"command": "stop"})
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def end(self) -> list[str]:
        """End what the child left, once its events have ended; itself where it hangs.

        Returns:
            What was ended.
        """
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._commands.put(None)
        self._writer.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        LIVE_HOSTS.discard(self._record.host_id)
        return end_host(self._records, self._record)

    def _send(self, command: Mapping[str, Any]) -> None:
        self._commands.put((json.dumps(command) + "\n").encode())

    def _write(self) -> None:
        stream = self._process.stdin
        if stream is None:
            return
        try:
            with stream:
                while (line := self._commands.get()) is not None:
                    stream.write(line)
                    stream.flush()
        except OSError:
            return  # the child is gone, and its events end


def own_environment(project_root: Path) -> dict[str, str]:
    """Return this process's environment with what an endpoint's processes need.

    Args:
        project_root: the project's directory.
    """
    environment = dict(os.environ)
    # The engine starts its helpers by name.
    own_bin = str(Path(sys.executable).parent)
    environment["PATH"] = own_bin + os.pathsep + environment.get("PATH", os.defpath)
    # Parsl names its processes with setproctitle, which writes the name over the environment
    # that an endpoint's processes are found by, unless this is set.
    environment["SPT_NOENV"] = "1"
    # Tasks that call the facility, or a service of their own node, reach it without a proxy.
    bypass_proxies(environment)
    environment["HEADRACE_PROJECT"] = str(project_root.resolve())
    root = str(Path(headrace.__file__).resolve().parents[1])
    if root not in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        # A checkout: the workers' programs shall be those of the same checkout.
        paths = [root, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    return environment
