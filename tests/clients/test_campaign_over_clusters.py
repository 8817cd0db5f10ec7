"""A campaign over two real Slurm clusters and a workstation, one of which dies under it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.compute_user import Namespace
from tests.support.slurm_cluster import SlurmCluster, missing
from tests.support.two_clusters import CALM, LANES, ClustersUser, most_at_once
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.rabbitmq, pytest.mark.slurm, pytest.mark.timeout(900)]

ROWS = [
    f"{category}{number:02d},{category},{number % 3},{1000 + number}"
    for category, count in (("big", 40), ("small", 12))
    for number in range(count)
]
WEST = "SELECT count(*) FROM attempts JOIN starts ON starts.id = attempts.start WHERE starts.lane = 'west' AND attempts.state = ?"  # noqa: E501


@pytest.fixture(scope="module")
def clusters(namespace: Namespace) -> Iterator[tuple[SlurmCluster, SlurmCluster]]:
    if absent := missing():
        pytest.skip(f"no Slurm here: {', '.join(absent)} (slurmctld slurmd slurm-client munge)")
    with (
        SlurmCluster(prefix=namespace.prefix) as east,
        SlurmCluster(prefix=namespace.prefix) as west,
    ):
        yield east, west


@pytest.fixture
def user(
    namespace: Namespace, clusters: tuple[SlurmCluster, SlurmCluster]
) -> Iterator[ClustersUser]:
    with tempfile.TemporaryDirectory(prefix="headrace", ignore_cleanup_errors=True) as directory:
        user = ClustersUser(Path(directory), namespace.prefix, {})
        try:
            user.begin_project(*clusters)
            yield user
        finally:
            user.close()


def test_limits_hold_over_all_machines_and_members_of_a_dead_cluster_move(
    user: ClustersUser, clusters: tuple[SlurmCluster, SlurmCluster]
) -> None:
    _, west = clusters
    user.write_campaign("storm", LANES, ROWS, pause=3.0)
    user.headrace("campaign", "add", "storm")
    campaign = subprocess.Popen(
        [*user.prefix, "headrace", "campaign", "run", "storm"],
        env=user.environment,
        cwd=user.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(
            lambda: campaign.poll() is not None or user.running_at("west"),
            "a member that runs at the second cluster",
            timeout=400.0,
            interval=0.1,
        )
        assert campaign.poll() is None, (campaign.communicate(), user.lanes())
        west.kill()
        user.kill_endpoint("west")
        output, _ = campaign.communicate(timeout=600)
    finally:
        campaign.kill()
    assert campaign.returncode == 0, output

    assert user.query("SELECT DISTINCT state FROM members") == [("done",)]
    # Each leg has one accepted attempt; those of the dead cluster that were under way were moved.
    accepted = "SELECT count(*), count(DISTINCT member) FROM attempts WHERE accepted"
    assert user.query(accepted) == [(len(ROWS), len(ROWS))]
    assert user.query(WEST, "superseded")[0][0] >= 1
    lanes = user.lanes()
    assert set(lanes) >= {"east", "desk"}
    # Categories, limits of lanes and licences over all of them.
    intervals = list(user.intervals())
    assert all(lane != "desk" for key, lane, *_ in intervals if key.startswith("big"))
    assert most_at_once(intervals) <= 5
    for lane in lanes:
        assert most_at_once([one for one in intervals if one[1] == lane]) <= 2
    # Priorities, among what any lane may take: in the order of the starts.
    for category in ("big", "small"):
        order = user.query(
            "SELECT members.priority FROM attempts JOIN members ON members.id = attempts.member"
            " WHERE members.category = ? AND attempts.attempt = 1 ORDER BY attempts.start",
            category,
        )
        assert order == sorted(order, reverse=True), category

    user.write_campaign("calm", CALM, ROWS, pause=0.0)
    user.headrace("campaign", "add", "calm")
    user.headrace("campaign", "run", "calm")
    assert user.results("storm") == user.results("calm")
    assert user.facts("storm") == user.facts("calm")
    squares = {f"{row.split(',')[0]}": int(row.split(",")[3]) for row in ROWS}
    assert all(
        facts["squares"] == n * (n + 1) * (2 * n + 1) // 6
        for key, n in squares.items()
        for facts in [user.facts("storm")[key]]
    )
