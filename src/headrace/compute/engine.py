"""One engine of an endpoint, built from its template as a real endpoint builds it.

Runs in the host process only: it imports the endpoint's packages.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import pwd
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace._internal.transient_errors import is_transient, mentions_transient_error

from .errors import ComputeError
from .idle_blocks import BlockFailureHandler
from .models import TaskSpec
from .parsl_programs import direct_pool_command, import_parsl_without_database, interchange_command
from .scheduler import get_scheduler
from .scheduler.slurm.refusals import classify_refusal
from .shell_safe_paths import remove_link, shell_safe_path
from .task_results import one_line
from .templates import CONFIG_FILE, ENVIRONMENT_FILE, SCHEMA_FILE, TEMPLATE_FILE, check_options
from .wrapping import SupervisionPaths, TaskWrapper

log = logging.getLogger(__name__)

_RESULT_SERIALIZERS = ("globus_compute_sdk.serialize.JSONData",)
_MAX_RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class EngineResult:
    """What the engine says of a task that ended, not yet unpacked."""

    is_error: bool
    data: str
    serialized: str = ""


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
        raise ComputeError(f"{path}: not a YAML mapping: {one_line(str(error))}") from error


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
    # The package below would fetch what a schema refers to elsewhere, and evaluate it without end.
    check_options(template, options, template.name)
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
        raise ComputeError(f"{template.name}: {one_line(error.message)}") from error
    except ClickException as error:
        raise ComputeError(f"{config_path}: {one_line(error.format_message())}") from error
    except (jinja2.TemplateError, OSError, ValueError, KeyError) as error:
        raise ComputeError(f"{template_path}: {one_line(str(error))}") from error


def _provider_of(text: str, where: Path) -> str:
    import yaml

    try:
        engine = yaml.safe_load(text)["engine"]
        return str(engine.get("provider", {}).get("type", ""))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ComputeError(f"{where}: renders to no YAML with an engine: {error}") from error


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
        import_parsl_without_database()
        from click import ClickException
        from globus_compute_common import messagepack
        from globus_compute_common.messagepack.message_types import Task
        from globus_compute_endpoint.endpoint.config.utils import load_config_yaml
        from globus_compute_endpoint.engines.base import GCFuture
        from globus_compute_sdk.serialize import ComputeSerializer, JSONData

        where = template / TEMPLATE_FILE
        text = render(template, options)
        self.provider = _provider_of(text, where)
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
        self._on_job = on_job
        self._is_mpi = type(self._engine).__name__ == "GlobusMPIEngine"
        self._serializer = ComputeSerializer(strategy_data=JSONData())
        self._wrapper: TaskWrapper | None = None
        self._run_dir: Path | None = None
        self._ended = 0
        self.problem = ""
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
            paths: where workers tell of their tasks.

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
            self._use_direct_launch_commands(executor)
            self._install_block_failure_handler(executor)
            self._record_jobs(executor.provider)
        self._run_dir = run_dir
        engine.start(endpoint_id=uuid.UUID(endpoint_id), run_dir=str(shell_safe_path(run_dir)))

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
            executor.block_error_handler = BlockFailureHandler(lambda: self._ended)

    def _record_jobs(self, provider: Any) -> None:
        submit = provider.submit
        self._on_job(self.provider, "")

        @functools.wraps(submit)
        def submit_and_record(*args: Any, **kwargs: Any) -> Any:
            job = self._submit_block_with_retries(functools.partial(submit, *args, **kwargs))
            self._on_job(self.provider, str(job))
            return job

        provider.submit = submit_and_record

    def _submit_block_with_retries(self, submit: Callable[[], Any]) -> Any:
        """Submit a block; waits where that is not possible at present.

        It is Parsl's scaling thread that waits: it has nothing else to do for this engine.
        """
        pause = 1.0
        while not self._closing.is_set():
            try:
                if self._run_dir is not None:
                    shell_safe_path(self._run_dir)  # the script goes by its link, which may be gone
                job = submit()
            except Exception as error:
                if not is_transient_submission_error(error):
                    raise
                self.problem = f"no block can be submitted at present: {one_line(str(error))}"
                log.warning("%s; tried again in %g s", self.problem, pause)
                self._closing.wait(pause)
                pause = min(2 * pause, _MAX_RETRY_SECONDS)
                continue
            self.problem = ""
            return job
        raise ComputeError("the endpoint is stopping")

    def submit(self, task: TaskSpec, on_end: Callable[[str, EngineResult], None]) -> None:
        """Hand a task over.

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
                self._ended += 1
                outcome = EngineResult(result.is_error, str(result.data), message.decode())
            except Exception as error:
                log.exception("task %s: no usable answer of the engine", task.task_id)
                outcome = EngineResult(True, f"{type(error).__name__}: {error}")
            on_end(task.task_id, outcome)

        future.add_done_callback(done)
        specification = task.resource_specification
        if self._is_mpi and not specification:
            specification = dict(
                _DEFAULT_MPI_SPECIFICATION
            )  # parsl waits for ever where an MPI task says nothing
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

    @property
    def local(self) -> bool:
        """Whether its workers are on this machine."""
        return self.provider == "LocalProvider"

    def replace_blocks(self) -> None:
        """End every block; new ones take the tasks that wait."""
        executor = getattr(self._engine, "executor", None)
        if executor is not None:
            executor.scale_in_facade(len(executor.status_facade))

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
        executor = getattr(self._engine, "executor", None)
        if self.broken and executor is not None:
            # An engine that has given up keeps its blocks otherwise.
            executor.scale_in_facade(len(executor.status_facade))
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


def is_transient_submission_error(error: Exception) -> bool:
    """Return whether a block that was not submitted may be later.

    Args:
        error: what a provider of Parsl raised.
    """
    said = str(getattr(error, "stderr", None) or "")
    code = getattr(error, "retcode", None)
    if said and isinstance(code, int) and classify_refusal(said, code).transient:
        return True
    return is_transient(error) or mentions_transient_error(
        f"{said} {getattr(error, 'stdout', '')} {error}"
    )


def options_key(options: Mapping[str, Any]) -> str:
    """Text that is equal for equal options."""
    return json.dumps(options, sort_keys=True)
