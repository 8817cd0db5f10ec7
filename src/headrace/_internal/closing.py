"""Objects that are closed at the end of a ``with`` statement."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class ClosedOnExit:
    """A context manager for itself: its method `close` is called at the end."""

    __slots__ = ()

    def close(self) -> None:
        """Let go of what it holds."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
