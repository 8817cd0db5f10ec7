"""Action providers whose actions are asked for their status again and again."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from headrace.facility.engine.engine import Engine
from headrace.facility.errors import ActionRejected
from headrace.facility.providers.base import ProviderBase
from headrace.facility.store.actions import FAILED, INACTIVE, Action, ActionTable
from headrace.facility.store.database import Store

logger = logging.getLogger(__name__)

# At each provider: one that is slow keeps none of the threads of another.
CONCURRENT_CALLS: Final = 4
MAX_LOGGED: Final = 300


class PollingProvider(ProviderBase, ABC):
    """Base class of providers that poll, with pauses each twice the one before.

    Args:
        store: where progress is kept.
        engine: takes results, and schedules polls.
        min_pause: seconds before the second poll.
        max_pause: longest pause in seconds.
    """

    # Errors whose text says enough; of others the traceback is logged too.
    _problems: tuple[type[Exception], ...] = (ActionRejected,)

    def __init__(self, store: Store, engine: Engine, min_pause: float, max_pause: float) -> None:
        self._engine = engine
        self._actions = ActionTable(store)
        self._min_pause = min_pause
        self._max_pause = max_pause
        self._lock = threading.Lock()
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._closed = False
        self._last_details: dict[str, Any] = {}
        self._attempts: Counter[str] = Counter()
        self._pauses: dict[str, float] = {}

    def close(self) -> None:
        """Wait for the calls under way, and make no more."""
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
        self._cut_calls_short()
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)

    def begin(self, action: Action) -> None:
        """Ask the provider to begin, or how far it has come."""
        self._pauses[action.id] = self._min_pause / 2
        self._submit(action, self._poll_safely, action)

    def cancel(self, action: Action) -> None:
        """Ask the provider to stop, and ask no more."""
        self._forget(action)
        self._submit(action, self._stop, action)
        details = {"code": "Canceled", "description": "canceled"}
        self._engine.finish_action(action.id, FAILED, details)

    def progress(self, action_id: str) -> dict[str, Any] | None:
        """Return the details that the provider reported last, or why it reported none."""
        details = self._last_details.get(action_id)
        return details if isinstance(details, dict) and details else None

    @abstractmethod
    def _poll(self, action: Action) -> None:
        """Ask for the status once, and report it."""

    @abstractmethod
    def _stop(self, action: Action) -> None:
        """Ask the provider to stop an action, which has ended for the run."""

    def _pool_key(self, action: Action) -> str:
        """Return a name for those whose calls share threads."""
        return action.provider

    def _cut_calls_short(self) -> None:
        """End the calls under way, where they can be ended."""

    def _submit(self, action: Action, work: Callable[..., None], *arguments: Any) -> None:
        key = self._pool_key(action)
        with self._lock:
            if self._closed:
                return
            if key not in self._pools:
                self._pools[key] = ThreadPoolExecutor(
                    CONCURRENT_CALLS, thread_name_prefix=f"provider {key}"
                )
            self._pools[key].submit(work, *arguments)

    def _is_open(self, action: Action) -> bool:
        return action.id in self._pauses

    def _poll_safely(self, action: Action) -> None:
        if not self._is_open(action):
            return
        try:
            self._poll(action)
        except self._problems as error:
            self._record_problem(action, str(error))
        except Exception as error:
            logger.exception("action %s of %s", action.id, action.provider)
            self._record_problem(action, f"{type(error).__name__}: {error}")

    def _record_problem(self, action: Action, problem: str) -> None:
        """Note what stands in an action's way, for who looks at it and for its time-out."""
        if self._closed:
            return
        self._attempts[action.id] += 1
        logger.warning("action %s: %s", action.id, problem[:MAX_LOGGED])
        self._store_details(
            action,
            {
                "code": "ActionProviderError",
                "description": f"{action.provider}: {problem}; asked again and again",
                "attempts": self._attempts[action.id],
            },
        )
        self._schedule_poll(action)

    def _store_details(self, action: Action, details: Any) -> None:
        if not self._is_open(action) or self._last_details.get(action.id) == details:
            return
        self._last_details[action.id] = details
        self._actions.store_progress(action.id, details)

    def _report_open(self, action: Action, status: str, details: Any) -> None:
        """Store that an action goes on, or waits for a person, and ask again later."""
        self._attempts.pop(action.id, None)
        self._store_details(action, details)
        self._engine.block_action(action.id, details, status == INACTIVE)
        self._schedule_poll(action)

    def _report_end(self, action: Action, status: str, details: Any) -> None:
        self._forget(action)
        self._engine.finish_action(action.id, status, details)

    def _forget(self, action: Action) -> None:
        self._pauses.pop(action.id, None)
        self._last_details.pop(action.id, None)
        self._attempts.pop(action.id, None)

    def _schedule_poll(self, action: Action) -> None:
        pause = self._pauses.get(action.id)
        if pause is None:
            return
        pause = min(2 * pause, self._max_pause)
        self._pauses[action.id] = pause
        self._engine.call_later(f"poll {action.id}", pause, lambda: self._submit_poll(action))

    def _submit_poll(self, action: Action) -> None:
        self._submit(action, self._poll_safely, action)
