"""Every command of the tree, with every option at least once, in a fresh process.

Each call goes through the installed program; what it prints and how it ends is checked. A command
or an option that no scenario runs fails the last test, which names it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.command_walk import (
    campaign_scenarios,
    pipeline_scenarios,
    scenarios,
    service_scenarios,
)
from tests.support.command_walk.installed_program import Program, commands, options_of
from tests.support.command_walk.projects import World
from tests.support.command_walk.registry import SCENARIOS as ALL

assert all((scenarios, service_scenarios, pipeline_scenarios, campaign_scenarios)), (
    "they register what they have"
)
DONE: set[str] = set()
PATHS = [path for path, _ in commands()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("walk"))
    yield world
    world.close()


@pytest.mark.parametrize("name", ALL)
def test_scenario(name: str, world: World) -> None:
    ALL[name](world)
    DONE.add(name)


@pytest.mark.parametrize("path", PATHS)
def test_help(path: str, world: World) -> None:
    headrace = Program(world.base, {"COLUMNS": "60"}, world.record)
    page = headrace(*path.split(), "--help").stdout
    assert page.startswith("Usage: headrace")
    assert max(map(len, page.splitlines())) <= 60
    DONE.add(f"help {path}")


def test_every_command_and_every_option_was_run(world: World) -> None:
    for name in ALL.keys() - DONE:
        ALL[name](world)  # another process had it
    for path in PATHS:
        if f"help {path}" not in DONE:
            test_help(path, world)
    wanted = {
        (path, option) for path, command in commands() for option in {"", *options_of(command)}
    }
    missing = sorted(f"headrace {path} {option}".strip() for path, option in wanted - world.record)
    assert missing == [], "no scenario in tests/support/command_walk runs these"
