"""Flow coverage: states and edges of a flow that the tests have taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.flowlang.parse import targets

Edge = tuple[str, str]


@dataclass
class Coverage:
    """States and edges that runs of one flow took.

    Attributes:
        name: the flow's name.
        definition: its definition.
        states: states that were entered.
        edges: transitions from state to state that were taken.
    """

    name: str
    definition: Mapping[str, Any]
    states: set[str] = field(default_factory=set)
    edges: set[Edge] = field(default_factory=set)

    @property
    def all_edges(self) -> set[Edge]:
        """All edges of the definition."""
        states = self.definition["States"]
        return {(name, following) for name, raw in states.items() for following in targets(raw)}

    @property
    def missing_states(self) -> list[str]:
        """States that no run entered, in the definition's order."""
        return [name for name in self.definition["States"] if name not in self.states]

    @property
    def missing_edges(self) -> list[Edge]:
        """Edges that no run took."""
        return sorted(self.all_edges - self.edges)

    def lines(self) -> list[str]:
        """Return the report: a line for the flow and one for each edge never taken."""
        states, edges = len(self.definition["States"]), self.all_edges
        taken = len(edges & self.edges)
        first = f"{self.name}: {len(self.states)} of {states} states, {taken} of {len(edges)} edges"
        never = [f"  never: {source} -> {target}" for source, target in self.missing_edges]
        return [first, *never]
