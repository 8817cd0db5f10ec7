"""Compute web service: clients' tasks, at hosted and at registered endpoints."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from headrace._internal.transient_errors import is_transient
from headrace.compute import TaskEvent, TaskSpec
from headrace.compute.wire_text import strip_code_length
from headrace.errors import HeadraceError
from headrace.facility.compute_service.broker_worker import BrokerWorker
from headrace.facility.compute_service.messages import (
    JSON_RESULTS,
    error_message,
    serialized_arguments,
)
from headrace.facility.compute_service.queue_names import QueueNames
from headrace.facility.compute_service.registered_endpoints import RegisteredEndpoints
from headrace.facility.compute_service.registrations import Registration, Registrations
from headrace.facility.compute_service.remote_endpoint import RemoteEndpoint, end_event
from headrace.facility.compute_service.serialized_tasks import (
    ACTION,
    API,
    SerializedTask,
    SerializedTasks,
)
from headrace.facility.errors import ActionRejected, NotFound, StateConflict
from headrace.facility.identity import Identity
from headrace.facility.store.database import Store
from headrace.facility.store.tasks import FunctionTable
from headrace.facility.supervision import SupervisedThread, WorkerPool
from headrace.facility.task_events import TaskEventRouter

if TYPE_CHECKING:
    from headrace.facility.compute_service.amqp_connection import AmqpConnection

logger = logging.getLogger(__name__)

# Clients of the service ask again, five times, where it is not reached.
_BROKER_SECONDS: Final = 10.0
_PRUNE_SECONDS: Final = 3600.0
_RETRY_SECONDS: Final = 1.0
_LONGEST_RETRY_SECONDS: Final = 60.0
_OPTIONS: Final = ("resource_specification", "user_endpoint_config", "result_serializers")
_DISABLED: Final = (
    "this facility has no broker; start it with `headrace facility up --compute`"
    " (or HEADRACE_COMPUTE_PORT=5000 in its environment)"
)


class HostedEndpoint(Protocol):
    """An endpoint that the facility hosts."""

    def submit(self, task: TaskSpec) -> None:
        """Submit a task."""

    def cancel(self, task_id: str) -> None:
        """Cancel a task."""


class ComputeService:
    """Tasks that clients submit, and endpoints that register.

    Args:
        store: the facility's database.
        identity: who works here.
        hosted: returns the hosted endpoint with an id, or None.
        events: events of hosted endpoints, and where those of flows' actions go.
        facility: a text that the names of this facility's queues contain.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        hosted: Callable[[str], HostedEndpoint | None],
        events: TaskEventRouter,
        facility: str,
    ) -> None:
        self._store = store
        self._hosted = hosted
        self._on_event = events.on_action_event
        events.add_consumer(self.record_event)
        self._functions = FunctionTable(store)
        self.identity = identity
        self.names = QueueNames(facility)
        self.tasks = SerializedTasks(store)
        self.registrations = Registrations(store)
        self.endpoints = RegisteredEndpoints(
            self.registrations, self.tasks, self._functions, self.names, identity
        )
        self._event_worker = WorkerPool(1, "compute events", store.health)
        self._broker: BrokerWorker | None = None
        self._url = ""
        self._missing_broker = _DISABLED

    def start(
        self,
        url: str,
        missing_broker: str,
        schedule: Callable[[str, float, Callable[[], None]], None],
    ) -> None:
        """Resume every open task, and connect to the broker.

        Args:
            url: the broker's; empty where there is none.
            missing_broker: why there is none, in one line.
            schedule: calls a function after some seconds, under a name.
        """
        self._missing_broker = missing_broker or _DISABLED
        if url:
            self._url = url
            self._broker = BrokerWorker(
                url,
                self.names,
                self.tasks,
                self.endpoints,
                self._store_results,
                self._fail,
                self._store,
            )
            self._broker.start()
        waiting = self.tasks.unfinished_hosted()
        if waiting:
            again = partial(self._submit_hosted, waiting)
            SupervisedThread("submit", again, self._store.health).start()
        schedule("compute retention", 0.0, lambda: self._prune(schedule))

    def stop(self) -> None:
        """Disconnect from the broker; open tasks are resumed at the next start."""
        if self._broker is not None:
            self._broker.stop()
        self._event_worker.close(wait=False)

    @property
    def broker_url(self) -> str:
        """URL by which clients reach the broker.

        Raises:
            StateConflict: there is none.
        """
        if not self._url:
            raise StateConflict(self._missing_broker)
        return self._url

    def at_broker(self, request: Callable[[AmqpConnection], None]) -> None:
        """Run a request on the broker connection, and return when it is done.

        Raises:
            StateConflict: there is no broker.
            TemporarilyUnavailable: it is not reached.
        """
        if self._broker is None:
            raise StateConflict(self._missing_broker)
        self._broker.run_request(request, _BROKER_SECONDS)

    def submit(self, endpoint_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Store a client's tasks and submit them.

        Args:
            endpoint_id: where they run.
            body: the request, its members' types checked.

        Returns:
            The service's answer.

        Raises:
            NotFound: no such endpoint, function or task group.
            StateConflict: there is no broker for what is wanted.
            ActionRejected: the endpoint does not run the function.
        """
        registration = self._find_registration(endpoint_id)
        given = body.get("task_group_id")
        if given is not None and not self.tasks.group_exists(given):
            raise NotFound(f"No task group exists with id value {given}")
        group_id = given or str(uuid.uuid4())
        queued = bool(body.get("create_queue"))
        if queued:
            self.at_broker(lambda link: link.declare_group(self.names.group(group_id)))
        options = {name: body[name] for name in _OPTIONS if body.get(name)}
        ids: dict[str, list[str]] = {}
        tasks = []
        for function_id, payloads in body["tasks"].items():
            self._functions.get(function_id)
            if registration is not None and not registration.allows(function_id):
                raise ActionRejected(
                    "FUNCTION_NOT_PERMITTED",
                    f"Function {function_id} not permitted on endpoint {endpoint_id}",
                )
            ids[function_id] = [str(uuid.uuid4()) for _ in payloads]
            for task_id, payload in zip(ids[function_id], payloads, strict=True):
                tasks.append(
                    SerializedTask(
                        task_id, group_id, API, endpoint_id, function_id, payload, options,
                        queued=queued,
                    )
                )  # fmt: skip
        self._insert(tasks, registration, body.get("user_runtime") or {})
        if registration is None:
            self._submit_hosted(tasks)
        return {
            "request_id": str(uuid.uuid4()),
            "task_group_id": group_id,
            "endpoint_id": endpoint_id,
            "tasks": ids,
        }

    def endpoint(self, endpoint_id: str) -> RemoteEndpoint | None:
        """Return the registered endpoint with this id, as flows' actions use it."""
        if self.registrations.find(endpoint_id) is None:
            return None
        return RemoteEndpoint(self, endpoint_id)

    def list_endpoints(self) -> list[tuple[str, str]]:
        """Return the name and the id of every registered endpoint."""
        return [(registration.name, registration.id) for registration in self.registrations.all()]

    def submit_for_action(self, endpoint_id: str, spec: TaskSpec) -> None:
        """Submit a task of a flow's action to a registered endpoint, once.

        Raises:
            NotFound: no such endpoint.
        """
        known = self.tasks.find(spec.task_id)
        if known is not None:
            if known.message is not None:
                self._on_event(end_event(known))
            return
        registration = self.registrations.get(endpoint_id)
        options = {
            "resource_specification": spec.resource_specification,
            "user_endpoint_config": spec.user_endpoint_config,
            "result_serializers": list(JSON_RESULTS),
        }
        arguments = serialized_arguments(spec.args, spec.kwargs)
        task = SerializedTask(
            spec.task_id, "", ACTION, endpoint_id, spec.function_id, arguments, options
        )
        self._insert([task], registration, {})

    def cancel(self, task_id: str, reason: str = "the task was cancelled") -> None:
        """Cancel a task: it ends as failed, and a result that comes later is discarded."""
        self._fail(task_id, reason)

    def record_event(self, event: TaskEvent) -> bool:
        """Record an event of a hosted endpoint's task; return whether the task is a client's."""
        task = self.tasks.find(event.task_id)
        if task is None:
            return False
        if event.kind == "running":
            self.tasks.set_running(task.id)
        elif event.final:
            message = event.serialized_result.encode() or error_message(task.id, event.error)
            self._store_results([(task.id, message)])
        return True

    def pending_reason(self, task_id: str) -> str:
        """Return in one line why a registered endpoint's task is pending; empty where it is not."""
        task = self.tasks.find(task_id)
        if task is None or task.user_endpoint_id is None or task.completed_at is not None:
            return ""
        registration = self.registrations.find(task.endpoint_id)
        name = registration.name if registration else task.endpoint_id
        if self._broker is None:
            return self._missing_broker
        if not self._broker.connected:
            return "waits for the facility's broker to come back"
        if not self.endpoints.is_online(task.endpoint_id):
            return (
                f"waits for the endpoint {name} ({task.endpoint_id}), which is offline; "
                f"start it with `globus-compute-endpoint start {name}`"
            )
        if task.published_at is None:
            return f"waits for the endpoint {name} to start its workers"
        return ""

    def _find_registration(self, endpoint_id: str) -> Registration | None:
        registration = self.registrations.find(endpoint_id)
        if registration is None and self._hosted(endpoint_id) is None:
            raise NotFound(f"No endpoint exists with id value {endpoint_id}")
        if registration is not None and self._broker is None:
            raise StateConflict(self._missing_broker)
        return registration

    def _insert(
        self,
        tasks: Sequence[SerializedTask],
        registration: Registration | None,
        user_runtime: Mapping[str, Any],
    ) -> None:
        with self._store.transaction() as db:
            if registration is not None and tasks:
                config = tasks[0].options.get("user_endpoint_config") or {}
                user_endpoint_id = self.registrations.ensure_user_endpoint(
                    db, registration.id, config, user_runtime
                )
                tasks = [replace(task, user_endpoint_id=user_endpoint_id) for task in tasks]
            for group_id in {task.group_id for task in tasks if task.group_id}:
                self.tasks.ensure_group(db, group_id)
            self.tasks.insert(db, tasks)
        if registration is not None and self._broker is not None:
            self._broker.wake()

    def _submit_hosted(
        self, tasks: Sequence[SerializedTask], pause: float = _RETRY_SECONDS
    ) -> None:
        for number, task in enumerate(tasks):
            try:
                self._submit_to_host(task)
            except HeadraceError as error:
                self._fail(task.id, str(error))
            except Exception as error:
                if is_transient(error):
                    # A full disk, for instance; whoever submits does not wait for that.
                    logger.warning("task %s: tried again in %g s: %s", task.id, pause, error)
                    self._submit_later(tasks[number:], pause)
                    return
                logger.exception("task %s", task.id)
                self._fail(task.id, f"{type(error).__name__}: {error} (see the facility's log)")

    def _submit_later(self, tasks: Sequence[SerializedTask], pause: float) -> None:
        def again() -> None:
            known = self._store.retry_while_unavailable(
                lambda: [self.tasks.find(task.id) for task in tasks], "tasks that are tried again"
            )
            still_open = [task for task in known if task is not None and task.completed_at is None]
            self._submit_hosted(still_open, min(2 * pause, _LONGEST_RETRY_SECONDS))

        timer = threading.Timer(pause, again)
        timer.daemon = True
        timer.start()

    def _submit_to_host(self, task: SerializedTask) -> None:
        host = self._hosted(task.endpoint_id)
        if host is None:
            raise NotFound(f"No endpoint exists with id value {task.endpoint_id}")
        host.submit(
            TaskSpec(
                task_id=task.id,
                function_code=strip_code_length(self._functions.get(task.function_id).code),
                resource_specification=task.options.get("resource_specification") or {},
                user_endpoint_config=task.options.get("user_endpoint_config") or {},
                function_id=task.function_id,
                serialized_arguments=task.arguments,
                result_serializers=task.options.get("result_serializers") or [],
            )
        )

    def _fail(self, task_id: str, reason: str) -> None:
        self._store_results([(task_id, error_message(task_id, reason))])

    def _store_results(self, results: Sequence[tuple[str, bytes]]) -> None:
        wake = False
        for task_id in self.tasks.store_results(results):
            task = self.tasks.find(task_id)
            if task is None:
                continue
            wake = wake or task.queued
            if task.owner == ACTION:
                # By another thread: it returns when the engine has stored the action's end, and
                # neither the broker nor the engine may wait for that here.
                self._event_worker.submit(self._report_end, task)
        if wake and self._broker is not None:
            self._broker.wake()

    def _report_end(self, task: SerializedTask) -> None:
        try:
            self._on_event(end_event(task))
        except Exception:
            logger.exception("the end of task %s; it is reported again at the next start", task.id)

    def _prune(self, schedule: Callable[[str, float, Callable[[], None]], None]) -> None:
        # What raises is done again by the engine, so that nothing ends this for ever.
        self.tasks.prune()
        schedule("compute retention", _PRUNE_SECONDS, lambda: self._prune(schedule))
