"""The scenarios of the walk, by name; each module of scenarios registers its own."""

from __future__ import annotations

from tests.support.command_walk.projects import Scenario

SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    """Registers a scenario."""
    SCENARIOS[function.__name__] = function
    return function
