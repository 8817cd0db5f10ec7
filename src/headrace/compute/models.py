"""Values that other packages exchange with this one: endpoints, tasks and their events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TaskState = Literal["pending", "running", "done", "failed"]


@dataclass(frozen=True)
class EndpointSpec:
    """An endpoint as the project names it.

    Attributes:
        name: the endpoint's name in ``headrace.toml``.
        id: its UUID, as text; functions see it as the endpoint's id.
        template: the folder of ``endpoint_configs/`` that it is made from.
        options: values for the template's variables.
        state_dir: where records, logs and working directories are kept. One host per directory.
        project_root: the project's directory; ``HEADRACE_PROJECT`` in the workers' environment.
        environment: further variables for its processes. Not shown: secrets may be among them.
    """

    name: str
    id: str
    template: Path
    options: Mapping[str, Any]
    state_dir: Path
    project_root: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class TaskSpec:
    """One call of a function.

    Attributes:
        task_id: a UUID, as text. A second submission with the same id is the same task.
        function_code: the function's wire text, as of `Function.registered_code`.
        args: positional arguments, JSON values.
        kwargs: keyword arguments, JSON values.
        resource_specification: for the engine (HTEX: ``priority``).
        user_endpoint_config: values for the template's variables, over those of the endpoint.
        function_id: the function's id, where it is known.
        serialized_arguments: arguments as a client of the service serialised them. They stand in
            the place of ``args`` and ``kwargs``, and pass through unread.
        result_serializers: how the result of such a task is serialised, by the first that can.
    """

    task_id: str
    function_code: str
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    resource_specification: dict[str, Any] = field(default_factory=dict)
    user_endpoint_config: dict[str, Any] = field(default_factory=dict)
    function_id: str = ""
    serialized_arguments: str = ""
    result_serializers: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TaskEvent:
    """A change of a task's state.

    Attributes:
        task_id: the task.
        kind: ``running``, ``done`` or ``failed``; a task that was submitted is ``pending`` until
            then. The last two are final and come once.
        result: what the function returned, for ``done``; a JSON value.
        error: one line, for ``failed``.
        serialized_result: of a task with serialised arguments that ended by itself, as the engine
            sent it.
    """

    task_id: str
    kind: TaskState
    result: Any = None
    error: str = ""
    serialized_result: str = ""

    @property
    def final(self) -> bool:
        """True for the last event of a task."""
        return self.kind in ("done", "failed")
