"""The flow language against the Globus Flows reference, case by case."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.flowlang.conformance import (
    accepted,
    actions,
    choices,
    definitions,
    expressions,
    handlers,
    limits,
    parameters,
    paths,
    rejected_rules,
    rejections,
    waits,
    web_inputs,
)
from tests.support.flowlang.conformance.case import Case

CASES: list[Case] = [
    case
    for table in (
        accepted,
        actions,
        choices,
        definitions,
        expressions,
        handlers,
        limits,
        parameters,
        paths,
        rejected_rules,
        rejections,
        waits,
        web_inputs,
    )
    for case in table.CASES
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case) -> None:
    case.check()


def test_the_suite_is_whole() -> None:
    assert len(CASES) >= 400
    assert not [name for name, count in Counter(map(str, CASES)).items() if count > 1]
    chapters = {case.section.partition(".")[0] for case in CASES}
    assert chapters >= {"2", "3", "4", "5", "6", "7", "10", "12", "20", "21"}
    sections = {case.section for case in CASES}
    assert sections >= {f"3.{n}" for n in range(1, 8)} | {f"4.{n}" for n in range(1, 6)}
    assert sections >= {f"12.{n}" for n in range(1, 10)} | {"7.1", "7.2", "7.3"}
