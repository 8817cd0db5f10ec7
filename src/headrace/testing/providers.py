"""Answers as the action providers that many flows call document them.

They fit the answers' schemas in ``headrace.flowlang.providers``, which the checker reads too.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace.flowlang.action_urls import CREATE_WEB_INPUT

Body = dict[str, Any]
_TRANSFER: Final = "https://transfer.actions.globus.org"


def hello_world(body: Body) -> Body:
    """Return the answer of Hello World."""
    echo = {"hello": body["echo_string"]} if "echo_string" in body else {}
    return {"Hello": "World", **echo}


def transfer(body: Body) -> Body:
    """Return a task document of a transfer."""
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
    """Return a task document of a deletion."""
    return {**transfer(body), "type": "DELETE"}


def mkdir(body: Body) -> Body:
    """Return the answer to the creation of a directory."""
    return {
        "DATA_TYPE": "mkdir_result",
        "code": "DirectoryCreated",
        "message": "The directory was created successfully",
        "request_id": "test",
        "resource": f"/operation/endpoint/{body.get('endpoint_id')}/mkdir",
    }


def listing(*names: str, path: str = "/") -> Body:
    """Return a listing of a directory; a name that ends with a slash is a directory's."""
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
    """Return the stat of a file, or of a directory where the path ends with a slash."""
    path = str(body.get("path", "/"))
    is_directory = path.endswith("/")
    return {
        "DATA_TYPE": "file",
        "name": path.rstrip("/").rpartition("/")[2] or "/",
        "type": "dir" if is_directory else "file",
        "size": 4096 if is_directory else 1000,
        "last_modified": "2026-01-01 00:00:00+00:00",
        "permissions": "0755" if is_directory else "0644",
        "user": "tester",
        "group": "tester",
        "link_target": None,
    }


def not_found(path: str = "") -> Body:
    """Return the answer of ``stat`` for a missing path: it succeeds, with code NotFound.

    Args:
        path: for the message.
    """
    return {
        "code": "NotFound",
        "message": f"Path {path!r} does not exist" if path else "The path does not exist",
        "request_id": "test",
        "resource": "/operation/endpoint/test/stat",
    }


def collection_info(body: Body) -> Body:
    """Return a document of a guest collection."""
    return {
        "DATA_TYPE": "endpoint",
        "id": str(body.get("endpoint_id")),
        "display_name": "Test collection",
        "entity_type": "GCSv5_guest_collection",
        "description": None,
        "owner_id": str(uuid.UUID(int=0)),
        "owner_string": "tester@example.org",
        "default_directory": "/",
        "public": False,
    }


def manage_permission(body: Body) -> Body:
    """Return the answer to the creation, change or removal of a permission."""
    created = body.get("operation") == "CREATE"
    rule = str(uuid.uuid4()) if created else str(body.get("rule_id"))
    code = {"CREATE": "Created", "UPDATE": "Updated"}.get(str(body.get("operation")), "Deleted")
    return {
        "DATA_TYPE": "access_create_result" if created else "result",
        "access_id": rule,
        "code": code,
        "message": "The access rule was changed successfully",
        "request_id": "test",
        "resource": f"/endpoint/{body.get('endpoint_id')}/access/{rule}",
    }


def search_task(body: Body) -> Body:
    """Return the task of an ingest into a search index, or of a deletion from one."""
    return {
        "task_id": str(uuid.uuid4()),
        "index_id": str(body.get("search_index")),
        "state": "SUCCESS",
        "state_description": "Task succeeded",
    }


def web_input(body: Body) -> Body:
    """Return the answer to CreateWebInput."""
    del body
    return {"web_input_id": str(uuid.uuid4())}


def compute(*results: Any) -> Body:
    """Return the answer of Compute when its tasks returned these values."""
    tasks = [{"task_id": str(uuid.uuid4()), "output": result} for result in results]
    return {"result": list(results), "results": tasks}


def compute_by(functions: Mapping[str, Callable[..., Any]]) -> Callable[[Body], Body]:
    """Return a script that calls Python functions as Compute would.

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
    f"{_TRANSFER}/collection_info": collection_info,
    f"{_TRANSFER}/manage_permission": manage_permission,
    "https://actions.globus.org/search/ingest": search_task,
    "https://actions.globus.org/search/delete": search_task,
    CREATE_WEB_INPUT: web_input,
}
