"""Messages between clients, service and endpoints of Globus Compute.

Function code, arguments and results pass through as the text that they are: nothing here is
ever turned into Python objects, but JSON. globus_compute_common is imported with the first message:
most facilities never see one, and it takes 15 MB.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from headrace.compute.wire_text import strip_code_length
from headrace.facility.errors import FacilityError

_JSON = "11\n"  # globus_compute_sdk's JSONData
JSON_RESULTS = ("globus_compute_sdk.serialize.JSONData",)


class InvalidMessage(FacilityError):
    """A message from the broker that is none of Globus Compute."""


@dataclass(frozen=True)
class TaskResult:
    """Result of a task, as an endpoint reports it.

    Attributes:
        task_id: the task.
        data: the serialised result, or the text of the error.
        is_error: whether it is an error.
        details: versions of what ran it.
    """

    task_id: str
    data: str
    is_error: bool
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StatusReport:
    """Status report or heartbeat of an endpoint, or of one of its user endpoints.

    Attributes:
        endpoint_id: the endpoint or user endpoint.
        state: its state.
    """

    endpoint_id: str
    state: dict[str, Any]


def pack_buffers(buffers: Sequence[str]) -> str:
    """Join serialised texts, each with its length before it, as the SDK does."""
    return "".join(f"{len(buffer)}\n{buffer}" for buffer in buffers)


def serialized_code(code: str) -> str:
    """Return a function's code with its length before it, whether it came so or not."""
    return pack_buffers([strip_code_length(code)])


def serialized_arguments(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Serialize arguments as JSON, as the SDK does."""
    return pack_buffers([_JSON + json.dumps(list(args)), _JSON + json.dumps(dict(kwargs))])


def task_message(task_id: str, buffer: str) -> bytes:
    """Return the message that sends a task to an endpoint."""
    from globus_compute_common import messagepack
    from globus_compute_common.messagepack.message_types import Task

    return bytes(messagepack.pack(Task(task_id=UUID(task_id), task_buffer=buffer)))


def error_message(task_id: str, reason: str) -> bytes:
    """Return the result of a task that failed without an endpoint's having said so."""
    from globus_compute_common import messagepack
    from globus_compute_common.messagepack.message_types import Result, ResultErrorDetails

    details = ResultErrorDetails(code="TASK_FAILED", user_message=reason)
    result = Result(task_id=UUID(task_id), data=reason, error_details=details, task_statuses=[])
    return bytes(messagepack.pack(result))


def read_result(body: bytes) -> TaskResult:
    """Read a result.

    Raises:
        BadMessage: it is none.
    """
    from globus_compute_common.messagepack.message_types import Result

    result = _unpacked(body)
    if not isinstance(result, Result):
        raise InvalidMessage(f"not a result but {type(result).__name__}")
    details = {str(name): value for name, value in (result.details or {}).items()}
    return TaskResult(str(result.task_id), result.data, result.is_error, details)


def read_status_report(body: bytes) -> StatusReport:
    """Read a status report.

    Raises:
        BadMessage: it is none.
    """
    from globus_compute_common.messagepack.message_types import EPStatusReport

    report = _unpacked(body)
    if not isinstance(report, EPStatusReport):
        raise InvalidMessage(f"not a status report but {type(report).__name__}")
    return StatusReport(str(report.endpoint_id), dict(report.global_state))


def start_command(
    name: str,
    credentials: Mapping[str, Any],
    user_config: Mapping[str, Any],
    user_runtime: Mapping[str, Any],
    identity: tuple[str, str],
) -> bytes:
    """Return the command that makes an endpoint start a user endpoint, unless it runs.

    Args:
        name: the user endpoint's name, and that of its directory.
        credentials: its id and its queues.
        user_config: values for the endpoint's template.
        user_runtime: versions of the client's Python and SDK.
        identity: id and name of the user.
    """
    command = {
        "command": "cmd_start_endpoint",
        "kwargs": {
            "name": name,
            "user_opts": dict(user_config),
            "user_runtime": dict(user_runtime),
            "amqp_creds": dict(credentials),
        },
        "globus_effective_identity": identity[0],
        "globus_identity_set": [{"sub": identity[0]}],
        "globus_username": identity[1],
        "timestamp": int(time.time()),
    }
    return json.dumps(command).encode()


def _unpacked(body: bytes) -> Any:
    from globus_compute_common import messagepack

    try:
        return messagepack.unpack(body)
    except Exception as error:
        raise InvalidMessage(f"cannot be read: {type(error).__name__}") from error
