"""Causes of failed runs that were told apart through the command and a facility."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.facility import stop_facility
from headrace.project import load_project
from tests.support.chosen_runs import FLOWS, failing, start, write_flow
from tests.support.command_process import Command, command_in, document


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("project")
    (root / "headrace.toml").write_text("")
    write_flow(root, "fail", FLOWS["fail"])
    call = command_in(root)
    assert call("facility", "up").returncode == 0
    assert call("deploy").returncode == 0
    yield root
    stop_facility(root)


def test_41_of_43_on_a_node_are_systematic_and_the_other_causes_random(
    headrace: Command, root: Path
) -> None:
    lost = [f"job {n} lost contact on node n{42 if n < 41 else n - 20}" for n in range(43)]
    others = [
        words.format(n=n, node=n % 7)
        for words in (
            "segment {n} has no hits, on node n{node}",
            "/scratch/{n}.h5 is full on node n{node}",
            "walltime of job {n}, node n{node}",
            "task {n} was refused by node n{node}",
        )
        for n in range(35)
    ]
    start(load_project(root), "fail", failing(*lost, *others, tag="why"), "FAILED")
    clusters = document(headrace, "run", "why", "--tag", "why")
    assert [each["count"] for each in clusters] == [43, 35, 35, 35, 35]
    assert [each["verdict"] for each in clusters] == ["systematic", *["random"] * 4]
    shared = clusters[0]["shared"][0]
    assert (shared["kind"], shared["value"]) == ("host", "n42")
    assert (shared["here"], shared["here_of"], shared["elsewhere"]) == (41, 43, 0)
    assert "systematic: 41 of 43 on host n42" in headrace("run", "why", "--tag", "why").stdout
