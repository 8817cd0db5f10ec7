"""A call for a batch job that goes on in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from headrace.compute.batch import BatchJobError


class BatchJobCall:
    """A call in a thread; its result, or its error."""

    def __init__(self, call: Callable[..., dict[str, Any]], *arguments: Any, **more: Any) -> None:
        self._came: list[Any] = []

        def work() -> None:
            try:
                self._came.append(call(*arguments, **more))
            except BatchJobError as error:
                self._came.append(error)

        self._thread = threading.Thread(target=work)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Any:
        self._thread.join(240)
        return self._came[0]
