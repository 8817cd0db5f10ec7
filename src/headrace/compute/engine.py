"""One engine of an endpoint, built from its template as a real endpoint builds it.

Runs in the host process only: it imports the endpoint's packages.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .block_submission import BlockSubmitter
from .errors import ComputeError
from .idle_blocks import BlockFailureHandler
from .models import TaskSpec
from .parsl_programs import direct_pool_command, import_light, interchange_command
from .parsl_programs.deferred_packages import withdraw_deferred_packages
from .scheduler import get_scheduler
from .shell_safe_paths import remove_link, shell_safe_path
from .task_messages import SupervisionPaths, TaskWrapper, one_line
from .template_rendering import provider_type, render
from .templates import TEMPLATE_FILE

log = logging.getLogger(__name__)

_ENDPOINT_MODULES = (
    "globus_compute_common.messagepack",
    "globus_compute_endpoint.endpoint.config.utils",
    "globus_compute_endpoint.engines",
)
_RESULT_SERIALIZERS = ("globus_compute_sdk.serialize.JSONData",)


@dataclass(frozen=True)
class EngineResult:
    """Result of a task as the engine returns it, not yet deserialised."""

    is_error: bool
    data: str
    serialized: str = ""


# Only overdue heartbeats, and the end of the engine, are noticed by polling; messages wake at once.
_POLL_MILLISECONDS = 1000
_RESULT_MILLISECONDS = 200
_DEFAULT_MPI_SPECIFICATION: Mapping[str, int] = {"num_nodes": 1, "ranks_per_node": 1}


class Engine:
    """A started engine.

    Args:
        template: folder of the endpoint's template.
        options: values for its variables.
        on_job: called with the provider's class name before anything is started, and with each
            batch job's id once it is submitted (``provider, job id``; the id is empty at first).

    Raises:
        ComputeError: the template, the options or this machine do not allow it.
    """

    def __init__(
        self, template: Path, options: Mapping[str, Any], on_job: Callable[[str, str], None]
    ) -> None:
        import_light(_ENDPOINT_MODULES, check_types=True)  # of the template's settings
        from click import ClickException
        from globus_compute_common import messagepack
        from globus_compute_common.messagepack.message_types import Task
        from globus_compute_endpoint.endpoint.config.utils import load_config_yaml
        from globus_compute_endpoint.engines import globus_compute
        from globus_compute_endpoint.engines.base import GCFuture
        from globus_compute_sdk.serialize import ComputeSerializer, JSONData

        where = template / TEMPLATE_FILE
        text = render(template, options)
        self.provider = provider_type(text, where)
        if self.provider == "SlurmProvider" and (
            missing := get_scheduler("slurm").missing_commands()
        ):
            raise ComputeError(
                f"template {template.name} needs Slurm, and {', '.join(missing)} is not on PATH; "
                "run on a machine with Slurm's commands, or use the template local"
            )
        try:
            self._engine = load_config_yaml(text).engine
        except ClickException as error:
            raise ComputeError(f"{where}: {one_line(error.format_message())}") from error
        if not hasattr(self._engine, "get_connected_managers"):
            withdraw_deferred_packages()  # the functions of users run in this process
        from . import block_scaling

        globus_compute.JobStatusPoller = block_scaling.BlockScaler
        self._end_all_blocks = block_scaling.end_all_blocks
        self._on_job = on_job
        self._is_mpi = type(self._engine).__name__ == "GlobusMPIEngine"
        self._serializer = ComputeSerializer(strategy_data=JSONData())
        self._wrapper: TaskWrapper | None = None
        self._run_dir: Path | None = None
        self._submitter: BlockSubmitter | None = None
        self._finished_tasks = 0
        # Imported here, once: an import costs more than the rest of a submission.
        self._new_future = GCFuture
        self._unpack = messagepack.unpack
        self._pack: Callable[[uuid.UUID, str], bytes] = lambda task_id, buffer: bytes(
            messagepack.pack(Task(task_id=task_id, task_buffer=buffer))
        )
        self._closing = threading.Event()

    def start(
        self,
        endpoint_id: str,
        label: str,
        run_dir: Path,
        working_dir: Path,
        paths: SupervisionPaths,
    ) -> None:
        """Start the interchange and the first blocks.

        Args:
            endpoint_id: UUID of the endpoint.
            label: goes into the name of every batch job.
            run_dir: logs and submit scripts.
            working_dir: where functions run, unless the template names an absolute one.
            paths: files by which workers report their tasks.

        Raises:
            ComputeError: the run directory's path cannot stand in a script.
        """
        allowed = [f"{c.__module__}.{c.__name__}" for c in self._allowed_deserializers()]
        self._wrapper = TaskWrapper(run_dir, paths, allowed, self._serializer)
        engine = self._engine
        if not os.path.isabs(engine.working_dir):  # noqa: PTH117  (str or PathLike)
            engine.working_dir = str(working_dir)
        if executor := getattr(engine, "executor", None):
            executor.label = label
            executor.log_config = _warnings_only_log()
            executor.poll_period = max(executor.poll_period, _POLL_MILLISECONDS)
            self._use_direct_launch_commands(executor)
            self._install_block_failure_handler(executor)
            self._on_job(self.provider, "")
            on_job = functools.partial(self._on_job, self.provider)
            self._submitter = BlockSubmitter(executor.provider.submit, run_dir, on_job)
            executor.provider.submit = self._submitter
        self._run_dir = run_dir
        engine.start(endpoint_id=uuid.UUID(endpoint_id), run_dir=str(shell_safe_path(run_dir)))
        if executor:
            executor.poll_period = _RESULT_MILLISECONDS  # how soon its own thread sees the end

    def _allowed_deserializers(self) -> list[type]:
        serde = getattr(self._engine, "serde", None)
        return sorted(getattr(serde, "allowed_deserializer_types", None) or [], key=repr)

    def _use_direct_launch_commands(self, executor: Any) -> None:
        executor.interchange_launch_cmd = interchange_command()
        if self.provider == "LocalProvider":
            contained = getattr(self._engine, "container_type", None) is not None
            executor.launch_cmd = direct_pool_command(executor.launch_cmd, contained)

    def _install_block_failure_handler(self, executor: Any) -> None:
        from parsl.jobs.error_handlers import noop_error_handler

        if executor.block_error_handler is not noop_error_handler:
            executor.block_error_handler = BlockFailureHandler(lambda: self._finished_tasks)

    def submit(self, task: TaskSpec, on_end: Callable[[str, EngineResult], None]) -> None:
        """Submit a task.

        Args:
            task: the task.
            on_end: called with the task's id and its outcome, from the engine's thread.
        """
        task_id = uuid.UUID(task.task_id)
        if self._wrapper is None:
            raise ComputeError("the engine was not started")
        buffer = self._wrapper.serialize(task)
        serializers = list(
            task.result_serializers if task.serialized_arguments else _RESULT_SERIALIZERS
        )
        future = self._new_future(task_id)

        def done(finished: Any) -> None:
            try:
                message = finished.result()
                result = self._unpack(message)
                self._finished_tasks += 1
                outcome = EngineResult(result.is_error, str(result.data), message.decode())
            except Exception as error:
                log.exception("task %s: no usable result of the engine", task.task_id)
                outcome = EngineResult(True, f"{type(error).__name__}: {error}")
            on_end(task.task_id, outcome)

        future.add_done_callback(done)
        specification = task.resource_specification
        if self._is_mpi and not specification:
            # parsl waits for ever for an MPI task that has none
            specification = dict(_DEFAULT_MPI_SPECIFICATION)
        self._engine.submit(
            future,
            self._pack(task_id, buffer),
            resource_specification=specification,
            result_serializers=serializers,
        )

    @property
    def problem(self) -> str:
        """The reason in one line why it gets no blocks at present; empty where it does."""
        return self._submitter.problem if self._submitter is not None else ""

    @property
    def broken(self) -> bool:
        """True once the engine refuses every further task, after too many blocks failed."""
        return self._engine.executor_exception is not None

    @property
    def interchange_lost(self) -> bool:
        """True once the process between the engine and the workers has ended by itself."""
        process = getattr(getattr(self._engine, "executor", None), "interchange_proc", None)
        return process is not None and process.poll() is not None and not self._closing.is_set()

    def report(self) -> dict[str, int]:
        """Return how many managers (nodes), workers and running tasks there are now."""
        if not hasattr(self._engine, "get_connected_managers"):
            return {}
        # The interchange believes in a manager until its heartbeat is overdue.
        blocks = self._engine.executor.status_facade
        over = {number for number, status in list(blocks.items()) if status.terminal}
        connected = self._engine.get_connected_managers()
        managers = [m for m in connected if m["active"] and str(m["block_id"]) not in over]
        return {
            "managers": len(managers),
            "workers": sum(m["worker_count"] for m in managers),
            "running": sum(min(m["tasks"], m["worker_count"]) for m in managers),
        }

    def worker_versions(self) -> list[dict[str, str]]:
        """Return the versions at each node with workers, by name, as far as they report them."""
        if not hasattr(self._engine, "get_connected_managers_packages"):
            return []
        packages = self._engine.get_connected_managers_packages()
        found = []
        for manager in self._engine.get_connected_managers():
            known = packages.get(manager["manager"], {})
            versions = {name: known[name] for name in ("dill", "parsl") if name in known}
            found.append({**versions, "python": str(manager["python_version"])})
        return found

    @property
    def local(self) -> bool:
        """True where its workers are on this machine."""
        return self.provider == "LocalProvider"

    @property
    def claims_tasks(self) -> bool:
        """True where its workers claim a task before they call its function."""
        return self._wrapper is not None and self._wrapper.claims_tasks

    def replace_blocks(self) -> None:
        """End every block; new ones take the tasks that wait."""
        executor = getattr(self._engine, "executor", None)
        if executor is not None:
            self._end_all_blocks(executor)

    def stop_adding_blocks(self) -> None:
        """Submit no blocks any more, but in the place of one that is lost under a task."""
        executor = getattr(self._engine, "executor", None)
        if executor is not None and executor.provider is not None:
            active = [one for one in executor.status_facade.values() if not one.terminal]
            executor.provider.init_blocks = executor.provider.min_blocks = 0
            executor.provider.max_blocks = max(1, len(active))

    def shutdown(self) -> None:
        """Give the blocks back and end the interchange."""
        self._closing.set()
        if self._submitter is not None:
            self._submitter.close()
        executor = getattr(self._engine, "executor", None)
        if self.broken and executor is not None:
            # An engine that refuses tasks keeps its blocks otherwise.
            self._end_all_blocks(executor)
        self._engine.shutdown(block=True)
        if self._run_dir is not None:
            remove_link(self._run_dir)


def _warnings_only_log() -> Any:
    # Three lines for every task would cost a tenth of a short one, and fill a disk in months.
    try:
        from parsl.logconfigs.file import FileLogging
    except ImportError:
        return None  # a Parsl that has no such choice
    return FileLogging(level=logging.WARNING)


def options_key(options: Mapping[str, Any]) -> str:
    """Text that is equal for equal options."""
    return json.dumps(options, sort_keys=True)
