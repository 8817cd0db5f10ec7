"""The pytest plugin: the fixture ``flow_test`` and ``--flow-coverage``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from headrace.testing.flow import FlowTest

_COVERAGE = pytest.StashKey[dict[str, Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--flow-coverage``."""
    group = parser.getgroup("headrace")
    group.addoption(
        "--flow-coverage",
        action="store_true",
        help="list states and edges of the flows under test that were never taken",
    )


@pytest.fixture
def flow_test(request: pytest.FixtureRequest) -> Callable[..., FlowTest]:
    """Make a flow under test from the name of one of the project's flows, a path, or a dict."""
    from headrace.testing.flow import FlowTest

    def make(source: Any, *arguments: Any, **more: Any) -> FlowTest:
        if isinstance(source, str) and "/" not in source and not source.endswith(".json"):
            source = _folder(request.config.rootpath, request.path, source)
        test = FlowTest(source, *arguments, **more)
        known = request.config.stash.setdefault(_COVERAGE, {})
        total = known.setdefault(test.name, test.coverage)
        if total.definition == test.coverage.definition:
            test.coverage = total
        return test

    return make


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Report the coverage."""
    known = config.stash.get(_COVERAGE, {})
    if not known or not config.getoption("--flow-coverage"):
        return
    terminalreporter.section("flow coverage")
    for name in sorted(known):
        for line in known[name].lines():
            terminalreporter.write_line(line)


def _folder(root: Path, test: Path, name: str) -> Path:
    from headrace.testing.problems import FlowTestError, require_known

    for place in (*test.parents, root):
        flows = place / "flows"
        if (place / "headrace.toml").is_file() or (flows / name / "definition.json").is_file():
            names = sorted(path.parent.name for path in flows.glob("*/definition.json"))
            return flows / require_known(name, names, f"flow in {flows}")
    raise FlowTestError(f"no headrace.toml above {test}; give the flow's folder")
