"""A real endpoint whose workers run in jobs of a real Slurm."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.compute_user import Namespace, SharedUser, User
from tests.support.slurm_cluster import SlurmCluster, missing
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slurm, pytest.mark.timeout(300)]

OPTIONS = """
partition = "debug"
walltime = "00:10:00"
exclusive = false
max_idletime = 300
address = "127.0.0.1"
"""


@pytest.fixture(scope="module")
def cluster(namespace: Namespace) -> Iterator[SlurmCluster]:
    if absent := missing():
        pytest.skip(f"no Slurm here: {', '.join(absent)} (slurmctld slurmd slurm-client munge)")
    with SlurmCluster(prefix=namespace.prefix) as cluster:
        yield cluster


@pytest.fixture
def user(namespace: Namespace, cluster: SlurmCluster, shared_user: SharedUser) -> Iterator[User]:
    shared_user.close()
    with tempfile.TemporaryDirectory(prefix="headrace", ignore_cleanup_errors=True) as directory:
        user = User(Path(directory), namespace.prefix, cluster.env)
        try:
            user.begin("slurm", OPTIONS)
            user.headrace("endpoint", "create", "machine")
            user.headrace("endpoint", "start", "machine")
            yield user
        finally:
            user.close()


@pytest.mark.slow
def test_tasks_run_in_a_block_which_no_kill_leaves_behind(
    user: User, cluster: SlurmCluster
) -> None:
    first = user.document("function", "run", "hello", "-e", "machine")
    assert first["greeting"] == "hello you"
    [(block, (name, state))] = cluster.queue().items()
    assert state == "RUNNING"
    assert name.startswith("parsl.")

    wait_until(user.online, "the endpoint")
    core = user.core()
    children = core.children(recursive=True)
    for process in [core, *children]:
        process.kill()
    [report] = user.document("endpoint", "monitor", "--once")
    assert report["action"] == "restarted", report
    wait_until(lambda: block not in cluster.queue(), "the end of the dead endpoint's block")

    second = user.document("function", "run", "hello", "-e", "machine")
    assert second["greeting"] == "hello you"
    assert second["pid"] != first["pid"]
    assert len(cluster.queue()) == 1
    user.headrace("endpoint", "stop", "machine")
    cluster.wait_for_empty_queue()
    assert user.marked() == []
