"""Blocks of an engine: submitted at once when needed, given back without losing a task."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("parsl", reason="needs the extra `endpoint` (Linux)")

from parsl.jobs.states import JobState, JobStatus

from headrace.compute.block_scaling import BlockScaler, end_all_blocks


class Provider:
    """Gives a job for each block, and takes it back."""

    init_blocks = 0
    min_blocks = 0
    max_blocks = 1
    nodes_per_block = 1
    parallelism = 1

    def __init__(self, directory: Path) -> None:
        self.script_dir = str(directory)
        self.resources: dict[str, Any] = {}
        self.asked_to_cancel = threading.Event()
        self.may_cancel = threading.Event()
        self.may_cancel.set()

    def cancel(self, jobs: list[str]) -> list[bool]:
        self.asked_to_cancel.set()
        assert self.may_cancel.wait(60)
        return [True for _ in jobs]


class Executor:
    """An executor whose interchange is a list."""

    label = "tested"
    status_polling_interval = 1
    workers_per_node = 1
    enable_mpi_mode = False
    bad_state_is_set = False

    def __init__(self, directory: Path) -> None:
        self.provider = Provider(directory)
        self.worker_logdir = str(directory / "logs")
        self.waiting: list[str] = []
        self.held: set[str] = set()
        self.lost: list[str] = []
        self._status: dict[str, JobStatus] = {}
        self._simulated_status: dict[str, JobStatus] = {}
        self.blocks_to_job_id: dict[str, str] = {}
        self.job_ids_to_block: dict[str, str] = {}
        self.scaled_out = threading.Event()
        self.meanwhile = lambda: None
        self.connected: list[str] = []

    @property
    def status_facade(self) -> dict[str, JobStatus]:
        return self._status

    @property
    def active(self) -> list[str]:
        return [name for name, one in self._status.items() if one.state == JobState.RUNNING]

    def connected_managers(self) -> list[dict[str, Any]]:
        return [{"block_id": name, "active": name not in self.held} for name in self.connected]

    def outstanding(self) -> int:
        return len(self.waiting)

    def poll_facade(self) -> None:
        return None

    def handle_errors(self, status: object) -> None:
        return None

    def submit_payload(self, task: str) -> str:
        self.waiting.append(task)
        return task

    def scale_out_facade(self, number: int) -> None:
        for _ in range(number):
            block = str(len(self.blocks_to_job_id))
            self.blocks_to_job_id[block] = f"job {block}"
            self.job_ids_to_block[f"job {block}"] = block
            self.provider.resources[f"job {block}"] = {}
            self._status[block] = JobStatus(JobState.RUNNING)
            self.scaled_out.set()

    def scale_in_facade(self, number: int, max_idletime: float | None = None) -> list[str]:
        blocks = self.active[:number]
        self.meanwhile()
        self.held.update(blocks)
        self.lost += self.waiting
        self.provider.cancel([self.blocks_to_job_id[block] for block in blocks])
        for block in blocks:
            self._status[block] = self._simulated_status[block] = JobStatus(JobState.SCALED_IN)
        return blocks


@pytest.fixture
def executor(tmp_path: Path) -> Executor:
    return Executor(tmp_path)


@pytest.fixture
def strategy() -> str:
    return "none"


@pytest.fixture
def scaler(executor: Executor, strategy: str) -> Iterator[BlockScaler]:
    # Its pauses outlast the tests: what happens, happens because somebody woke it.
    scaler = BlockScaler(strategy=strategy, max_idletime=9e9, strategy_period=3600.0)
    yield scaler
    executor.provider.may_cancel.set()
    scaler.close()


@pytest.mark.parametrize("strategy", ["simple"])
def test_a_task_that_ends_idleness_gets_a_block_without_waiting_for_the_period(
    executor: Executor, scaler: BlockScaler
) -> None:
    scaler.add_executors([executor])
    executor.submit_payload("a task")
    assert executor.scaled_out.wait(60)


def test_the_first_blocks_are_submitted_without_waiting_for_the_period(
    executor: Executor, scaler: BlockScaler
) -> None:
    executor.provider.init_blocks = 1
    scaler.add_executors([executor])
    assert executor.scaled_out.wait(60)


def test_a_task_that_comes_after_the_decision_keeps_the_blocks(
    executor: Executor, scaler: BlockScaler
) -> None:
    scaler.add_executors([executor])
    executor.scale_out_facade(1)
    executor.submit_payload("a task")
    executor.scale_in_facade(1)
    assert (executor.active, executor.lost) == (["0"], [])


def test_a_task_that_comes_while_blocks_are_chosen_is_sent_once_they_take_none(
    executor: Executor, scaler: BlockScaler
) -> None:
    scaler.add_executors([executor])
    executor.scale_out_facade(1)
    executor.connected = ["0"]
    executor.provider.may_cancel.clear()
    submitting = threading.Thread(target=lambda: executor.submit_payload("a task"))
    executor.meanwhile = submitting.start
    scaling_in = threading.Thread(target=lambda: executor.scale_in_facade(1))
    scaling_in.start()
    assert executor.provider.asked_to_cancel.wait(60)
    # A scheduler that does not answer keeps no task back.
    submitting.join(60)
    assert (executor.waiting, executor.held, executor.lost) == (["a task"], {"0"}, [])
    executor.provider.may_cancel.set()
    scaling_in.join(60)
    executor.meanwhile = lambda: None
    assert executor.active == []


@pytest.mark.parametrize(("nodes", "connected"), [(1, 0), (2, 1)])
def test_no_task_is_sent_while_a_block_is_cancelled_whose_nodes_may_still_start(
    executor: Executor, scaler: BlockScaler, nodes: int, connected: int
) -> None:
    scaler.add_executors([executor])
    executor.provider.nodes_per_block = nodes
    executor.scale_out_facade(1)
    executor.connected = ["0"] * connected
    executor.provider.may_cancel.clear()
    scaling_in = threading.Thread(target=lambda: executor.scale_in_facade(1))
    scaling_in.start()
    assert executor.provider.asked_to_cancel.wait(60)
    submitting = threading.Thread(target=lambda: executor.submit_payload("a task"))
    submitting.start()
    submitting.join(0.5)
    sent = list(executor.waiting)
    executor.provider.may_cancel.set()
    scaling_in.join(60)
    submitting.join(60)
    assert (sent, executor.waiting, executor.active) == ([], ["a task"], [])


def test_blocks_are_ended_whatever_they_run_where_that_is_asked_for(
    executor: Executor, scaler: BlockScaler
) -> None:
    scaler.add_executors([executor])
    executor.scale_out_facade(1)
    executor.submit_payload("a task")
    end_all_blocks(executor)
    assert executor.active == []
    executor.scale_out_facade(1)
    scaler.close()
    assert executor.active == []


def test_blocks_that_were_given_back_long_ago_leave_nothing(
    executor: Executor, scaler: BlockScaler, tmp_path: Path
) -> None:
    scaler.add_executors([executor])
    for number in range(30):
        block = SimpleNamespace(name=str(number), job=f"job {number}")
        executor.blocks_to_job_id[block.name] = block.job
        executor.job_ids_to_block[block.job] = block.name
        executor.provider.resources[block.job] = {}
        over = JobStatus(JobState.SCALED_IN if number else JobState.FAILED)
        executor._status[block.name] = executor._simulated_status[block.name] = over
        (tmp_path / f"parsl.tested.block-{number}.5.sh").write_text("")
        (tmp_path / "logs" / f"block-{number}").mkdir(parents=True)
    scaler.poll()
    kept = {"0", *(str(number) for number in range(20, 30))}
    assert set(executor._status) == set(executor._simulated_status) == kept
    assert set(executor.blocks_to_job_id) == set(executor.job_ids_to_block.values()) == kept
    assert set(executor.provider.resources) == {f"job {name}" for name in kept}
    assert {path.name.partition("block-")[2] for path in (tmp_path / "logs").iterdir()} == kept
    assert {path.name.split("-")[1].split(".")[0] for path in tmp_path.glob("*.sh")} == kept
