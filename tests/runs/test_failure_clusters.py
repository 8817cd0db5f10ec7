"""Causes of failures: what is the same, what the runs share, and whether chance explains it."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace._internal.text_pattern import text_pattern
from headrace.runs.association import tail_probability
from headrace.runs.cause_template import cause_template, template_pattern
from headrace.runs.failure_clusters import cluster_failures, compare_clusters
from headrace.runs.run_properties import hosts_of
from tests.support.ids import an_id


@pytest.mark.parametrize(
    ("cause", "template"),
    [
        ("node n42 was lost", "node n<number> was lost"),
        ("job 1234.5 ended at 2026-05-01T10:00:00Z", "job <number> ended at <time>"),
        ("/scratch/a/b1/x.h5: No space left", "<path>: No space left"),
        (f"task {an_id('t')} failed", "task <id> failed"),
        ("task 0xdeadbeef of facade", "task <id> of facade"),
        ("no beam", "no beam"),
    ],
)
def test_what_differs_from_run_to_run_is_left_out(cause: str, template: str) -> None:
    assert cause_template(cause) == template
    assert text_pattern(template_pattern(cause)).fullmatch(cause)


@given(st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=300))
def test_the_pattern_of_a_cause_matches_it(text: str) -> None:
    line = " ".join(text.split())
    assert text_pattern(template_pattern(line)).fullmatch(line)


@given(st.data())
def test_the_tail_is_that_of_the_hypergeometric_distribution(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 60))
    marked, drawn = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    found = data.draw(st.integers(0, min(marked, drawn)))
    ways = sum(
        comb(marked, n) * comb(total - marked, drawn - n)
        for n in range(found, min(marked, drawn) + 1)
        if drawn - n <= total - marked
    )
    assert tail_probability(total, marked, drawn, found) == pytest.approx(
        ways / comb(total, drawn), rel=1e-9
    )


def failed(number: int, cause: str, state: str = "Simulate") -> dict[str, Any]:
    return {
        "run_id": f"run {number}",
        "flow_id": "f",
        "flow_title": "Fit",
        "status": "FAILED",
        "details": {"state_name": state, "exception": "JobFailed", "cause": cause},
    }


def test_a_bad_node_is_found_among_runs_that_succeeded_elsewhere() -> None:
    runs = [failed(n, f"job {n} lost contact") for n in range(43)]
    runs += [failed(n, "walltime") for n in range(43, 63)]
    nodes = {f"run {n}": "n42" if n < 41 else f"n{n % 7}" for n in range(200)}

    def read(run_ids: Sequence[str]) -> dict[str, set[tuple[str, str]]]:
        return {
            each: {("flow", "Fit"), ("host", nodes[each]), ("input seed", each)} for each in run_ids
        }

    good = [f"run {n}" for n in range(63, 200)]
    lost, walltime = compare_clusters(cluster_failures(runs), good, read)
    assert (lost.template, len(lost.run_ids), lost.verdict) == (
        *("job <number> lost contact", 43, "systematic"),
    )
    [shared] = lost.shared
    assert (shared.kind, shared.value) == ("host", "n42")
    assert (shared.here, shared.here_of, shared.elsewhere, shared.elsewhere_of) == (41, 43, 0, 157)
    assert (len(walltime.run_ids), walltime.verdict, walltime.shared) == (20, "random", [])
    assert lost.states == {"Simulate": 43}


def test_one_run_alone_is_compared_with_nothing() -> None:
    [cluster] = compare_clusters(
        cluster_failures([failed(1, "once")]), [], lambda run_ids: {each: set() for each in run_ids}
    )
    assert cluster.verdict == "unknown"
    assert cluster.command("--flow fit") == (
        "headrace run retry --status FAILED --flow fit --cause 'once*'"
    )


def test_a_cause_without_a_word_is_chosen_by_ids_and_never_by_a_pattern_of_all() -> None:
    runs = [failed(n, f"{n}") for n in range(3)] + [failed(9, "walltime")]
    numbers, walltime = cluster_failures(runs)
    assert numbers.command() == "headrace run retry 'run 0' 'run 1' 'run 2'"
    assert walltime.command() == "headrace run retry --status FAILED --cause 'walltime*'"
    (many,) = cluster_failures([failed(n, f"{n}") for n in range(11)])
    assert many.command() is None
    assert "no word" in many.no_command_reason


def test_a_pattern_that_chooses_runs_of_other_causes_is_not_offered() -> None:
    start = "the same long beginning " * 8
    runs = [failed(n, f"{start}{'abcdefghijkl'[n]}") for n in range(2)]
    for cluster, run_id in zip(cluster_failures(runs), ("run 0", "run 1"), strict=True):
        assert cluster.others_matched == 1
        assert cluster.command() == f"headrace run retry '{run_id}'"
    (alone,) = cluster_failures(runs[:1], others=runs[1:])
    assert alone.others_matched == 1
    (free,) = cluster_failures(runs[:1])
    assert free.command() is not None
    assert "--cause" in str(free.command())


def test_runs_that_wait_are_resumed() -> None:
    waiting = failed(1, "") | {
        "status": "INACTIVE",
        "details": {"code": "ConsentRequired", "description": "a consent is missing"},
    }
    clusters = cluster_failures([waiting, failed(2, "a consent is missing")])
    commands = {cluster.status: str(cluster.command("--flow fit")) for cluster in clusters}
    assert commands["INACTIVE"].startswith("headrace run resume --status INACTIVE --flow fit")
    assert commands["FAILED"].startswith("headrace run retry --status FAILED --flow fit")


def test_hosts_are_read_from_results_and_causes_but_not_from_inputs() -> None:
    entries = [
        {"code": "FlowStarted", "details": {"input": {"host": "mine"}}},
        {"code": "ActionStarted", "details": {"input": {"node": "wanted"}}},
        {"code": "ActionCompleted", "details": {"output": {"results": [{"nodes": "n[1-2]"}]}}},
        {"code": "ActionFailed", "details": {"cause": "srun: error: Node n42 has failed"}},
    ]
    assert hosts_of(entries) == {"n[1-2]", "n42"}
