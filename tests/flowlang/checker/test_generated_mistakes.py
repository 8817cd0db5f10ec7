"""Single mistakes of many kinds, put into sound flows one at a time, are found."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from headrace.flowlang import check_flow
from tests.support.flowlang.generated_mistakes import KINDS, mistakes
from tests.support.flowlang.sound_flows import sound_flows
from tests.support.repository import REPOSITORY

FLOWS = sound_flows(REPOSITORY)
EACH = 14
AT_LEAST = 0.95


@pytest.mark.parametrize("name", FLOWS)
def test_a_sound_flow_gives_nothing(name: str) -> None:
    definition, schema = FLOWS[name]
    assert check_flow(definition, schema, source=json.dumps(definition)) == []


def test_single_mistakes_are_found() -> None:
    tried: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    examples = []
    for kind, name, definition, schema in mistakes(FLOWS, EACH, seed=13):
        tried[kind] += 1
        findings = check_flow(definition, schema)
        if not any(finding.severity in {"error", "warning"} for finding in findings):
            missed[kind] += 1
            examples.append((kind, name))
    for kind, number in tried.items():
        print(f"{kind}: {number - missed[kind]} of {number}")
    found = tried.total() - missed.total()
    print(f"{found} of {tried.total()} single mistakes of {len(tried)} kinds")
    assert set(tried) == {kind.__name__ for kind in KINDS}
    assert tried.total() >= 400
    assert found >= AT_LEAST * tried.total(), examples
