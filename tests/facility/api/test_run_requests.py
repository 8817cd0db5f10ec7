"""Requests to start runs: what is checked beside the event loop, and a facility that stops."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from headrace.facility.api import make_app, run_starts
from headrace.facility.api.backend import Backend
from headrace.facility.identity import Identity
from headrace.facility.store.flows import FlowTable
from tests.support.facility.api_caller import PASS
from tests.support.facility.scripted_engine import Bench


class LocalCaller:
    """Calls an application of the API in this thread, without a server."""

    def __init__(self, bench: Bench) -> None:
        self._backend = SimpleNamespace(
            store=bench.store,
            engine=bench.engine,
            flows=FlowTable(bench.store),
            identity=Identity(str(uuid.uuid4()), "me@here"),
        )
        self.flow = self._backend.flows.create({"title": "t", "definition": PASS}).id

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return asyncio.run(self._post(path, json.dumps(body).encode()))

    async def _post(self, path: str, body: bytes) -> tuple[int, Any]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), (b"authorization", b"Bearer token")],
            "client": ("127.0.0.1", 1),
        }
        app = make_app(cast(Backend, self._backend), "token")
        await app(scope, cast(Any, receive), send)
        answer = b"".join(message.get("body", b"") for message in sent)
        return sent[0]["status"], json.loads(answer)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "state" / "facility.db")
    yield made
    made.close()


@pytest.mark.parametrize("call", ["run", "validate_run"])
def test_a_large_input_is_checked_beside_the_event_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    caller, threads = LocalCaller(bench), list[threading.Thread]()

    def check(*arguments: Any) -> None:
        threads.append(threading.current_thread())

    def measure(*arguments: Any) -> bool:
        check()
        return True

    monkeypatch.setattr(run_starts, "_check_input", check)
    monkeypatch.setattr(run_starts, "is_quick_input", measure)
    path = f"/flows/{caller.flow}/{call}"
    status, _ = caller.post(path, {"body": {"text": "small"}})
    assert status < 300
    assert set(threads) == {threading.current_thread()}
    threads.clear()
    status, _ = caller.post(path, {"body": {"text": "x" * 60_000}})
    assert status < 300
    assert threads
    assert threading.current_thread() not in threads


@pytest.mark.parametrize("call", ["run", "run_batch"])
def test_a_facility_that_stops_refuses_no_start_for_good(bench: Bench, call: str) -> None:
    caller = LocalCaller(bench)
    bench.engine.starter.close()
    body: dict[str, Any] = {"runs": [{"body": {}}]} if call == "run_batch" else {"body": {}}
    status, answer = caller.post(f"/flows/{caller.flow}/{call}", body)
    assert status == 503
    assert answer["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert "when it is up" in json.dumps(answer)
