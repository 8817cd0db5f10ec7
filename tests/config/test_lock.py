from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.config import (
    Deployed,
    DeployedFlow,
    DeployedFunction,
    Lock,
    ProjectError,
    read_lock,
    write_lock,
)

names = st.text(min_size=1, max_size=5)
locks = st.builds(
    Lock,
    st.dictionaries(
        st.sampled_from(["local", "globus"]),
        st.builds(
            Deployed,
            st.dictionaries(names, st.builds(DeployedFlow, names, names, names)),
            st.dictionaries(names, st.builds(DeployedFunction, names, names)),
        ),
    ),
)


@given(locks)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, lock: Lock) -> None:
    path = tmp_path_factory.mktemp("lock") / "headrace.lock"
    write_lock(path, lock)
    assert read_lock(path) == lock


def test_the_file_is_sorted_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "headrace.lock"
    deployed = Deployed().with_flow("b", DeployedFlow("1", "s", "h"))
    deployed = deployed.with_flow("a", DeployedFlow("2", "s", "h"))
    write_lock(path, Lock({"local": deployed}))
    document = json.loads(path.read_text())
    assert list(document["targets"]["local"]["flows"]) == ["a", "b"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["headrace.lock"]


def test_a_lock_with_the_earlier_name_of_its_targets_is_read(tmp_path: Path) -> None:
    path = tmp_path / "headrace.lock"
    lock = Lock({"globus": Deployed().with_flow("a", DeployedFlow("1", "s", "h"))})
    write_lock(path, lock)
    path.write_text(path.read_text().replace('"targets"', '"places"'))
    assert read_lock(path) == lock


def test_no_file_means_nothing_deployed(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "headrace.lock").at("local") == Deployed()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "headrace.lock:1:2: not JSON"),
        ('{"version": 9}', "version 9, this headrace reads 1"),
        ('{"version": 1, "targets": {"local": {"flows": {}}}}', "not a lock file"),
        ('{"version": 1}', "not a lock file"),
    ],
)
def test_what_is_no_lock_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "headrace.lock"
    path.write_text(text)
    with pytest.raises(ProjectError, match=message):
        read_lock(path)
