"""Answers in the documented shapes of the providers that many flows call.

Source: the hosted action providers' documentation of Globus.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

Body = dict[str, Any]
_TRANSFER: Final = "https://transfer.actions.globus.org"


def hello_world(body: Body) -> Body:
    """Returns what Hello World answers."""
    echo = {"hello": body["echo_string"]} if "echo_string" in body else {}
    return {"Hello": "World", **echo}


def transfer(body: Body) -> Body:
    """Returns a task document of a transfer."""
    items = body.get("DATA") or body.get("transfer_items") or []
    return {
        "DATA_TYPE": "task",
        "task_id": str(uuid.uuid4()),
        "type": "TRANSFER",
        "status": "SUCCEEDED",
        "label": body.get("label"),
        "files": len(items),
        "files_transferred": len(items),
        "bytes_transferred": 0,
        "faults": 0,
    }


def delete(body: Body) -> Body:
    """Returns a task document of a deletion."""
    return {**transfer(body), "type": "DELETE"}


def mkdir(body: Body) -> Body:
    """Returns what making a directory answers."""
    return {
        "DATA_TYPE": "mkdir_result",
        "code": "DirectoryCreated",
        "message": "The directory was created successfully",
        "request_id": "test",
        "resource": f"/operation/endpoint/{body.get('endpoint_id')}/mkdir",
    }


def listing(*names: str, path: str = "/") -> Body:
    """Returns a listing of a directory; a name that ends with a slash is a directory's."""
    entries = [
        {
            "DATA_TYPE": "file",
            "name": name.rstrip("/"),
            "type": "dir" if name.endswith("/") else "file",
            "size": 0 if name.endswith("/") else 1000,
        }
        for name in names
    ]
    return {
        "DATA_TYPE": "file_list",
        "DATA": entries,
        "path": path,
        "absolute_path": path,
        "length": len(entries),
        "total": len(entries),
    }


def stat(body: Body) -> Body:
    """Returns what is told of a file."""
    name = str(body.get("path", "/")).rstrip("/").rpartition("/")[2]
    return {"DATA_TYPE": "file", "name": name, "type": "file", "size": 1000}


def compute(*results: Any) -> Body:
    """Returns what Compute answers when its tasks returned these values."""
    tasks = [{"task_id": str(uuid.uuid4()), "output": result} for result in results]
    return {"result": list(results), "results": tasks}


def compute_by(functions: Mapping[str, Callable[..., Any]]) -> Callable[[Body], Body]:
    """Returns a script that calls Python functions as Compute would.

    Args:
        functions: by what the flow has as ``function_id``.
    """

    def run(body: Body) -> Body:
        calls = body.get("tasks") or [body]
        return compute(
            *(
                functions[call.get("function_id", call.get("function"))](
                    *call.get("args", []), **(call.get("kwargs") or {})
                )
                for call in calls
            )
        )

    return run


# Providers that answer without being scripted.
BY_URL: Final[Mapping[str, Callable[[Body], Body]]] = {
    "https://actions.globus.org/hello_world": hello_world,
    f"{_TRANSFER}/transfer": transfer,
    f"{_TRANSFER}/delete": delete,
    f"{_TRANSFER}/mkdir": mkdir,
    f"{_TRANSFER}/stat": stat,
}
