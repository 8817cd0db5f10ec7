"""One engine of an endpoint, built from its template as a real endpoint builds it.

Runs in the host process only: it imports the endpoint's packages.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import pwd
import shutil
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ComputeError
from .outcomes import shorten
from .slurm import missing_commands
from .templates import CONFIG_FILE, ENVIRONMENT_FILE, SCHEMA_FILE, TEMPLATE_FILE
from .values import TaskSpec

log = logging.getLogger(__name__)

_RESULT_SERIALIZERS = ("globus_compute_sdk.serialize.JSONData",)
_FAILED_BLOCKS_IN_A_ROW = 3
_PYTHON_EXEC = "globus-compute-endpoint python-exec "


@dataclass(frozen=True)
class Packed:
    """What the engine says of a task that ended, not yet unpacked."""

    is_error: bool
    data: str
    message: str = ""


def read_environment(template: Path) -> dict[str, str]:
    """Read the variables that a template gives to its endpoint's processes."""
    import yaml

    path = template / ENVIRONMENT_FILE
    if not path.exists():
        return {}
    try:
        values = yaml.safe_load(path.read_text()) or {}
        return {str(name): str(value) for name, value in values.items()}
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise ComputeError(f"{path}: not a YAML mapping: {shorten(str(error))}") from error


def render(template: Path, options: Mapping[str, Any]) -> str:
    """Render a template as the endpoint's own package does.

    Args:
        template: the folder.
        options: values for the template's variables.

    Returns:
        The configuration, YAML.

    Raises:
        ComputeError: the options or the template are wrong.
    """
    import jinja2
    import jsonschema
    from click import ClickException
    from globus_compute_endpoint.endpoint.config.utils import (
        load_config_yaml,
        load_user_config_schema,
        load_user_config_template,
        render_config_user_template,
    )
    from globus_compute_endpoint.endpoint.identity_mapper import MappedPosixIdentity

    template_path = template / TEMPLATE_FILE
    config_path = template / CONFIG_FILE
    try:
        core_text = config_path.read_text() if config_path.exists() else ""
        return str(
            render_config_user_template(
                load_config_yaml(core_text),
                load_user_config_template(template_path),
                template_path,
                MappedPosixIdentity(pwd.getpwuid(os.getuid()), [], None),
                load_user_config_schema(template / SCHEMA_FILE),
                dict(options),
            )
        )
    except jsonschema.ValidationError as error:
        raise ComputeError(f"{template.name}: {shorten(error.message)}") from error
    except ClickException as error:
        raise ComputeError(f"{config_path}: {shorten(error.format_message())}") from error
    except (jinja2.TemplateError, OSError, ValueError, KeyError) as error:
        raise ComputeError(f"{template_path}: {shorten(str(error))}") from error


def _provider_of(text: str, where: Path) -> str:
    import yaml

    try:
        engine = yaml.safe_load(text)["engine"]
        return str(engine.get("provider", {}).get("type", ""))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ComputeError(f"{where}: renders to no YAML with an engine: {error}") from error


_ONE_RANK: Mapping[str, int] = {"num_nodes": 1, "ranks_per_node": 1}


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
        from click import ClickException
        from globus_compute_common import messagepack
        from globus_compute_common.messagepack.message_types import Task
        from globus_compute_endpoint.endpoint.config.utils import load_config_yaml
        from globus_compute_endpoint.engines.base import GCFuture
        from globus_compute_sdk.serialize import ComputeSerializer, JSONData

        where = template / TEMPLATE_FILE
        text = render(template, options)
        self.provider = _provider_of(text, where)
        if self.provider == "SlurmProvider" and (missing := missing_commands()):
            raise ComputeError(
                f"template {template.name} needs Slurm, and {', '.join(missing)} is not on PATH; "
                "run on a machine with Slurm's commands, or use the template local"
            )
        try:
            self._engine = load_config_yaml(text).engine
        except ClickException as error:
            raise ComputeError(f"{where}: {shorten(error.format_message())}") from error
        self._on_job = on_job
        self._is_mpi = type(self._engine).__name__ == "GlobusMPIEngine"
        self._serializer = ComputeSerializer(strategy_data=JSONData())
        # Imported here, once: an import costs more than the rest of a submission.
        self._new_future = GCFuture
        self._unpack = messagepack.unpack
        self._pack: Callable[[uuid.UUID, str], bytes] = lambda task_id, buffer: bytes(
            messagepack.pack(Task(task_id=task_id, task_buffer=buffer))
        )
        self._closing = threading.Event()

    def start(self, endpoint_id: str, label: str, run_dir: Path, working_dir: Path) -> None:
        """Start the interchange and the first blocks.

        Args:
            endpoint_id: UUID of the endpoint.
            label: goes into the name of every batch job.
            run_dir: logs and submit scripts.
            working_dir: where functions run, unless the template names an absolute one.
        """
        engine = self._engine
        if not os.path.isabs(engine.working_dir):  # noqa: PTH117  (str or PathLike)
            engine.working_dir = str(working_dir)
        if executor := getattr(engine, "executor", None):
            executor.label = label
            executor.log_config = _only_warnings()
            self._shorten_launches(executor)
            self._notice_failing_blocks(executor)
            self._record_jobs(executor.provider)
        engine.start(endpoint_id=uuid.UUID(endpoint_id), run_dir=str(run_dir))

    def _shorten_launches(self, executor: Any) -> None:
        # The endpoint's command only finds Python and replaces itself with it, which costs a
        # second each time; on this machine the interpreter is known.
        executor.interchange_launch_cmd = [
            sys.executable, "-m", "parsl.executors.high_throughput.interchange",
        ]  # fmt: skip
        if self.provider == "LocalProvider":
            plain = f"{sys.executable} -m "
            executor.launch_cmd = executor.launch_cmd.replace(_PYTHON_EXEC, plain, 1)

    def _notice_failing_blocks(self, executor: Any) -> None:
        # Parsl gives up only when every block of its life has failed; an endpoint that once
        # worked would submit failing jobs for ever.
        from parsl.jobs.error_handlers import noop_error_handler, windowed_error_handler

        own = executor.block_error_handler
        if own is noop_error_handler:
            return
        windowed = functools.partial(windowed_error_handler, threshold=_FAILED_BLOCKS_IN_A_ROW)

        def handle(target: Any, status: Any) -> None:
            if not target.bad_state_is_set:
                own(target, status)
            if not target.bad_state_is_set:
                windowed(target, status)

        executor.block_error_handler = handle

    def _record_jobs(self, provider: Any) -> None:
        submit = provider.submit
        self._on_job(self.provider, "")

        @functools.wraps(submit)
        def submit_and_record(*args: Any, **kwargs: Any) -> Any:
            if self._closing.is_set():
                raise ComputeError("the endpoint is stopping")
            job = submit(*args, **kwargs)
            self._on_job(self.provider, str(job))
            return job

        provider.submit = submit_and_record

    def submit(self, task: TaskSpec, on_end: Callable[[str, Packed], None]) -> None:
        """Hand a task over.

        Args:
            task: the task.
            on_end: called with the task's id and its outcome, from the engine's thread.
        """
        task_id = uuid.UUID(task.task_id)
        if task.packed:
            buffer = self._serializer.pack_buffers([task.function_code]) + task.packed
            serializers = list(task.result_serializers)
        else:
            arguments = [self._serializer.serialize(part) for part in (task.args, task.kwargs)]
            buffer = self._serializer.pack_buffers([task.function_code, *arguments])
            serializers = list(_RESULT_SERIALIZERS)
        future = self._new_future(task_id)

        def done(finished: Any) -> None:
            try:
                message = finished.result()
                result = self._unpack(message)
                outcome = Packed(result.is_error, str(result.data), message.decode())
            except Exception as error:
                log.exception("task %s: no usable answer of the engine", task.task_id)
                outcome = Packed(True, f"{type(error).__name__}: {error}")
            on_end(task.task_id, outcome)

        future.add_done_callback(done)
        specification = task.resource_specification
        if self._is_mpi and not specification:
            specification = dict(_ONE_RANK)  # parsl waits for ever where an MPI task says nothing
        self._engine.submit(
            future,
            self._pack(task_id, buffer),
            resource_specification=specification,
            result_serializers=serializers,
        )

    @property
    def broken(self) -> bool:
        """Whether the engine has given up and refuses every further task."""
        return self._engine.executor_exception is not None

    @property
    def interchange_lost(self) -> bool:
        """Whether the process between the engine and the workers has ended by itself."""
        process = getattr(getattr(self._engine, "executor", None), "interchange_proc", None)
        return process is not None and process.poll() is not None and not self._closing.is_set()

    def report(self) -> dict[str, int]:
        """How many managers (nodes), workers and running tasks there are now."""
        if not hasattr(self._engine, "get_connected_managers"):
            return {}
        managers = [m for m in self._engine.get_connected_managers() if m["active"]]
        return {
            "managers": len(managers),
            "workers": sum(m["worker_count"] for m in managers),
            "running": sum(min(m["tasks"], m["worker_count"]) for m in managers),
        }

    def worker_versions(self) -> list[dict[str, str]]:
        """Versions at each node with workers, by name; those that they tell."""
        if not hasattr(self._engine, "get_connected_managers_packages"):
            return []
        packages = self._engine.get_connected_managers_packages()
        told = []
        for manager in self._engine.get_connected_managers():
            known = packages.get(manager["manager"], {})
            versions = {name: known[name] for name in ("dill", "parsl") if name in known}
            told.append({**versions, "python": str(manager["python_version"])})
        return told

    def shutdown(self) -> None:
        """Give the blocks back and end the interchange."""
        self._closing.set()
        executor = getattr(self._engine, "executor", None)
        if self.broken and executor is not None:
            # An engine that has given up keeps its blocks otherwise.
            executor.scale_in_facade(len(executor.status_facade))
        self._engine.shutdown(block=True)


def _only_warnings() -> Any:
    # Three lines for every task would cost a tenth of a short one, and fill a disk in months.
    try:
        from parsl.logconfigs.file import FileLogging
    except ImportError:
        return None  # a Parsl that has no such choice
    return FileLogging(level=logging.WARNING)


def options_key(options: Mapping[str, Any]) -> str:
    """Text that is equal for equal options."""
    return json.dumps(options, sort_keys=True)


def keep_newest(directory: Path, count: int) -> None:
    """Remove all but the newest ``count`` entries of a directory of run directories."""
    if not directory.is_dir():
        return
    entries = sorted(directory.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in entries[count:]:
        shutil.rmtree(old, ignore_errors=True)
