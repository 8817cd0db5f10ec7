"""A small Flows and Compute service over real HTTP, which can lose answers and refuse."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "the-token"


@dataclass
class Service:
    flows: dict[str, dict[str, Any]] = field(default_factory=dict)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    request_ids: list[str | None] = field(default_factory=list)  # of the starts
    lose: set[str] = field(default_factory=set)  # "POST /flows": done, but never answered
    garble: set[str] = field(default_factory=set)  # done, but answered with 502
    refuse: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    outages: list[int] = field(default_factory=list)  # statuses of the next answers
    batches: list[dict[str, Any]] = field(default_factory=list)  # bodies of changes of many runs

    def __enter__(self) -> Service:
        service = self

        class Handler(_Handler):
            def respond(self) -> tuple[int, Any]:
                return service.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def changes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("GET")]

    def answer(self, request: _Handler) -> tuple[int, Any]:
        parts = urlsplit(request.path)
        path = [part for part in parts.path.split("/") if part]
        call = f"{request.command} /{'/'.join(path)}"
        self.calls.append(call)
        given = request.body()  # also of what is refused: the connection is used again
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, _error("AUTHENTICATION_ERROR", "Expired or invalid Bearer token")
        if call in self.refuse:
            return self.refuse[call]
        if self.outages:
            return self.outages.pop(0), _error("UNKNOWN_ERROR", "try again")
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        status, body = self.route(request.command, path, query, given)
        if call in self.lose:
            self.lose.discard(call)
            return 0, None
        if call in self.garble:
            self.garble.discard(call)
            return 502, _error("UNKNOWN_ERROR", "done, but this is not said")
        return status, body

    def route(self, method: str, path: list[str], query: dict[str, str], body: Any) -> Any:
        match method, path:
            case "GET", ["flows"]:
                return 200, {"flows": list(self.flows.values()), "has_next_page": False}
            case "POST", ["flows"]:
                flow_id = str(uuid.uuid4())
                scope = f"https://auth.globus.org/scopes/{flow_id}/flow_user"
                times = dict.fromkeys(("created_at", "updated_at"), self.moment())
                self.flows[flow_id] = {"id": flow_id, "globus_auth_scope": scope, **times, **body}
                return 201, self.flows[flow_id]
            case "GET", ["flows", flow_id] if flow_id in self.flows:
                return 200, self.flows[flow_id]
            case "PUT", ["flows", flow_id] if flow_id in self.flows:
                self.edit(flow_id, **body)
                return 200, self.flows[flow_id]
            case "DELETE", ["flows", flow_id] if flow_id in self.flows:
                return 200, self.flows.pop(flow_id)
            case "DELETE", ["v2", "functions", function_id] if function_id in self.functions:
                return 200, self.functions.pop(function_id)
            case "POST", ["flows", flow_id, "run"] if flow_id in self.flows:
                return 201, self.start(flow_id, body)
            case "GET", ["runs"]:
                return 200, self.page("runs", list(self.runs.values())[::-1], query)
            case "GET", ["runs", run_id] if run_id in self.runs:
                return 200, self.runs[run_id]
            case "GET", ["runs", run_id, "log"] if run_id in self.runs:
                entries = self.logs.get(run_id, [])
                newest_first = query.get("reverse_order") == "True"
                return 200, self.page("entries", entries[::-1] if newest_first else entries, query)
            case "POST", ["runs", run_id, "cancel" | "resume"] if run_id in self.runs:
                return 202, self.runs[run_id]
            case "POST", ["runs", run_id, "release"] if run_id in self.runs:
                return 200, self.runs.pop(run_id)
            case "POST", ["batch", "runs"]:
                return self.change_runs(body)
            case "POST", ["v3", "functions"]:
                function_id = str(uuid.uuid4())
                self.functions[function_id] = body
                return 200, {"function_uuid": function_id}
            case "GET", ["v2", "functions", function_id] if function_id in self.functions:
                return 200, self.functions[function_id]
        return 404, _error("NOT_FOUND", f"No {'/'.join(path)} exists")

    def moment(self) -> str:
        return datetime.now(UTC).isoformat(timespec="microseconds")

    def edit(self, flow_id: str, **members: Any) -> None:
        """Changes a flow, as somebody may in the web app."""
        self.flows[flow_id].update(members, updated_at=self.moment())

    def page(self, key: str, items: list[Any], query: dict[str, str]) -> dict[str, Any]:
        size = int(query.get("per_page") or query.get("limit") or 20)
        first = int(query.get("marker", 0))
        more = len(items) > first + size
        answer = {key: items[first : first + size], "has_next_page": more}
        return {**answer, "marker": str(first + size)} if more else answer

    def start(self, flow_id: str, body: dict[str, Any]) -> dict[str, Any]:
        run_id = str(uuid.uuid4())
        self.request_ids.append(body.get("request_id"))
        now = datetime.now(UTC).isoformat()
        self.runs[run_id] = {
            "run_id": run_id,
            "flow_id": flow_id,
            "flow_title": self.flows[flow_id]["title"],
            "status": "ACTIVE",
            "start_time": now,
            "completion_time": None,
            "label": body.get("label"),
            "tags": body.get("tags"),
            "details": {"code": "FlowStarting", "details": {"input": body["body"]}},
        }
        return self.runs[run_id]

    def change_runs(self, body: dict[str, Any]) -> Any:
        """Changes runs as the service's OpenAPI document says; it knows one status."""
        self.batches.append(body)
        members = {"tags", "run_managers", "run_monitors"}
        known = {"filters": {"run_ids"}, "set": {*members, "status"}}
        for name, part in body.items():
            if set(part) - known.get(name, members):
                return 422, _error("UNPROCESSABLE_ENTITY", name)
        if body.get("set", {}).get("status", "cancel") != "cancel":
            return 422, _error("UNPROCESSABLE_ENTITY", "set.status")
        for run_id in set(body["filters"]["run_ids"]) & set(self.runs):
            run = self.runs[run_id]
            if "status" in body.get("set", {}):
                self.end(run_id, "FAILED", {"code": "FlowCanceled"})
            removed = body.get("remove", {}).get("tags", [])
            tags = [*(run["tags"] or []), *body.get("add", {}).get("tags", [])]
            run["tags"] = [tag for tag in dict.fromkeys(tags) if tag not in removed]
        return 202, {}

    def log(self, run_id: str, code: str, **details: Any) -> None:
        entry = {
            "time": datetime.now(UTC).isoformat(),
            "code": code,
            "description": code,
            "details": details,
        }
        self.logs.setdefault(run_id, []).append(entry)
        self.runs[run_id]["details"] = entry

    def end(self, run_id: str, status: str, details: dict[str, Any]) -> None:
        moment = datetime.now(UTC).isoformat()
        self.runs[run_id].update(status=status, completion_time=moment, details=details)


def _error(code: str, detail: Any) -> dict[str, Any]:
    return {"error": {"code": code, "detail": detail}, "debug_id": "0"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        return json.loads(self.rfile.read(length)) if length else {}

    def respond(self) -> tuple[int, Any]:
        raise NotImplementedError

    def handle_call(self) -> None:
        status, document = self.respond()
        if status == 0:
            self.close_connection = True
            return
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = handle_call

    def log_message(self, *arguments: object) -> None:
        pass
