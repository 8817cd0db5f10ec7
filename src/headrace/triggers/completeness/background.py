"""Rules that may take long: evaluated by a worker, their last answer kept meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace._internal.terminal_text import terminal_text
from headrace.errors import HeadraceError
from headrace.triggers.completeness.rule import CompletenessRule, Look
from headrace.triggers.errors import TriggerError

if TYPE_CHECKING:
    from headrace.triggers.trigger import Trigger

# What is done ahead of time, and again and again, takes at most this share of it.
POLLING_SHARE = 0.1


@dataclass
class BackgroundRules:
    """Those rules of one arrival that are evaluated by a worker.

    Attributes:
        trigger: the trigger.
        rules: the rules by their keys; without any, everything is complete.
    """

    trigger: Trigger
    rules: Mapping[str, CompletenessRule]
    _evaluated_at: float = field(default=float("-inf"), init=False)
    _size: tuple[int, int] | None = field(default=None, init=False)
    _missing: str = field(default="", init=False)
    _started_at: float = field(default=0.0, init=False)
    _is_awaited: bool = field(default=False, init=False)
    _free_at: float = field(default=float("-inf"), init=False)

    @property
    def awaited_at(self) -> float:
        """Monotonic time in s from which a name that has appeared has the rules evaluated."""
        return self._free_at if self._is_awaited else float("inf")

    def record_awaited(self) -> None:
        """Take note that a name which a rule waits for has appeared."""
        self._is_awaited = bool(self.rules)

    def begin(self, now: float) -> None:
        """Take note that the rules are about to be evaluated; what appears from now on counts.

        Args:
            now: monotonic time in s.
        """
        self._started_at, self._is_awaited = now, False

    def missing_reason(self, size: tuple[int, int], now: float) -> str | None:
        """Return the last answer; what waits for nothing is evaluated once an interval.

        Args:
            size: number of files and bytes of the arrival.
            now: monotonic time in s.

        Returns:
            what is missing, or "" if the arrival is complete; None: the rules are to be evaluated.
        """
        if not self.rules:
            return ""
        if size != self._size or now - self._evaluated_at >= self.trigger.interval:
            return None
        if now >= self.awaited_at:
            return None
        return self._missing

    def store(self, size: tuple[int, int], now: float, missing: str) -> None:
        """Keep an answer; after a mistake of a rule there is none, and it is evaluated again.

        Args:
            size: number of files and bytes when the rules were evaluated.
            now: monotonic time in s.
            missing: what is missing, or "".
        """
        self._size, self._evaluated_at, self._missing = size, now, missing
        self._free_at = now + (now - self._started_at) / POLLING_SHARE

    def evaluate(self, look: Look) -> str:
        """Evaluate the rules, up to the first by which something is missing; may take long.

        Args:
            look: circumstances of the look.

        Returns:
            what is missing, or "" if the arrival is complete.

        Raises:
            TriggerError: a rule failed.
        """
        for key, rule in self.rules.items():
            try:
                missing = rule.missing_reason(look)
            except HeadraceError:
                raise
            except Exception as error:  # whatever a rule of another package raises
                text = terminal_text(" ".join(str(error).split()))
                place = terminal_text(str(rule.arrival.location))
                raise TriggerError(
                    f"{self.trigger.file}: watch.{key}: {type(error).__name__} on {place}: {text}"
                ) from error
            if missing:
                return missing
        return ""
