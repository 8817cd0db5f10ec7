"""A transfer that is cancelled before its work is begun."""

from __future__ import annotations

import queue
import threading
from types import SimpleNamespace
from typing import Any, cast

from headrace.facility.providers.transfer import TransferProvider
from headrace.facility.store.actions import Action
from headrace.facility.supervision import WorkerPool
from headrace.facility.transfer import TransferError


def test_it_stops_at_once() -> None:
    ended: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    stopped: list[bool] = []

    def operation(action: Action, collections: Any, show: Any, should_stop: Any) -> dict[str, Any]:
        stopped.append(should_stop())
        raise TransferError("Canceled", "it was cancelled")

    pool = WorkerPool(1, "transfer")
    provider = TransferProvider(
        "transfer",
        operation,
        cast(Any, SimpleNamespace(current=lambda: SimpleNamespace(collections=()))),
        cast(Any, SimpleNamespace(collections=lambda action, known: {})),
        lambda action, status, details: ended.put((action, status)),
        pool,
        threading.Event(),
    )
    action = cast(Action, SimpleNamespace(id="a"))
    provider.cancel(action)
    provider.begin(action)
    assert ended.get(timeout=120) == ("a", "FAILED")
    assert stopped == [True]
    pool.close()
