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

    def missing_reason(self, size: tuple[int, int], now: float) -> str | None:
        """Return the last answer; what has not grown is evaluated once an interval.

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
        return self._missing

    def store(self, size: tuple[int, int], now: float, missing: str) -> None:
        """Keep an answer; after a mistake of a rule there is none, and it is evaluated again.

        Args:
            size: number of files and bytes when the rules were evaluated.
            now: monotonic time in s.
            missing: what is missing, or "".
        """
        self._size, self._evaluated_at, self._missing = size, now, missing

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
