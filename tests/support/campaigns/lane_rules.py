"""Rules of lanes, as a campaign file says them, for tests of the driver's policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st


@dataclass(frozen=True)
class Rules:
    name: str
    open: int | None = None
    weight: float = 1.0
    takes: tuple[str, ...] = ()
    licences: Mapping[str, int] = field(default_factory=dict)

    def takes_category(self, category: str) -> bool:
        return not self.takes or (category or "any") in self.takes


RULES = st.lists(
    st.builds(
        Rules,
        name=st.sampled_from("abcdef"),
        open=st.none() | st.integers(0, 4),
        weight=st.floats(0.0, 8.0),
        takes=st.sampled_from([(), ("x",), ("x", "any"), ("y",)]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda rules: rules.name,
)
