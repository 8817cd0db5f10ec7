"""A completeness rule: an arrival is complete when it has so many files."""

from typing import Any

from headrace.triggers.completeness import CompletenessRule, Look


class FileCount(CompletenessRule):
    """`file_count = 12`: complete with so many files."""

    @classmethod
    def parse(cls, value: Any) -> int:
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"must be a number of files from 1, not {value!r}")
        return value

    @property
    def awaited_names(self) -> tuple[str, ...]:
        return ("*",)

    def missing_reason(self, look: Look) -> str:
        count = sum(1 for _ in self.arrival.location.iterdir())
        return "" if count >= self.value else f"{self.value - count} more files"
