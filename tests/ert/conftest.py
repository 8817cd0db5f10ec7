"""What the tests of resistivity inversions share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headrace._internal.entry_points import EntryPoint, EntryPoints
from headrace.ert import registry


@pytest.fixture
def add_entry_point(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Announce an object as an installed package does: group, name, ``module:attribute``."""
    added: list[EntryPoint] = []
    installed = registry.entry_points

    def entry_points(group: str) -> EntryPoints:
        return EntryPoints([*installed(group), *(one for one in added if one.group == group)])

    monkeypatch.setattr(registry, "entry_points", entry_points)
    return lambda group, name, value: added.append(EntryPoint(name, value, group, ""))
