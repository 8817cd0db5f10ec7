"""Faults of the machine that pass: an endpoint starts once they have passed."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from headrace._internal.transient_errors import is_transient, mentions_transient_error
from headrace.compute import ComputeError, EndpointHost
from headrace.compute.block_submission import is_transient_submission_error
from tests.support.compute.endpoints import Events, spec, task
from tests.support.waiting import wait_until


def answer() -> int:
    return 42


def caused(number: int) -> ComputeError:
    try:
        try:
            raise OSError(number, os.strerror(number))
        except OSError as error:
            raise ComputeError("the engine does not start") from error
    except ComputeError as error:
        return error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.EAGAIN])
def test_what_passes_is_known_by_its_cause(number: int) -> None:
    assert is_transient(caused(number))
    assert mentions_transient_error(f"/bin/sh: 1: cannot create x.ec: {os.strerror(number)}")


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ENOEXEC])
def test_what_stays_is_not_waited_for(number: int) -> None:
    assert not is_transient(caused(number))
    assert not is_transient(ValueError("No space left on device"))
    assert not mentions_transient_error("sbatch: error: invalid partition specified: nosuch")


@pytest.mark.parametrize(
    ("stderr", "passes"),
    [
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit\n", True),
        ("sbatch: error: Unable to contact slurm controller (connect failure)\n", True),
        ("/bin/sh: 1: cannot create x.sh.ec: No space left on device\n", True),
        ("sbatch: error: invalid partition specified: nosuch\n", False),
        ("", False),
    ],
)
def test_a_block_that_is_refused_for_a_while_is_submitted_later(stderr: str, passes: bool) -> None:
    parsl_errors = pytest.importorskip("parsl.providers.errors", reason="needs the extra")
    error = parsl_errors.SubmitException("block-0", "no job id", "", stderr, 1)
    assert is_transient_submission_error(error) is passes


@pytest.mark.timeout(240)
def test_a_host_that_cannot_be_started_now_is_started_later(tmp_path: Path) -> None:
    events = Events()
    host = EndpointHost(spec(tmp_path / "state"), events)
    one = task(answer)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        # Everything that a submission itself reads is read before.
        with pytest.raises(ComputeError, match="10000000"):
            host.submit(task(answer, "x" * 11_000_000))
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            host.submit(one)
            wait_until(
                lambda: "Too many open files" in host.pending_reason(one.task_id), "it is told"
            )
            assert host.status()["state"] == "starting"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert events.wait(one.task_id, timeout=120).result == 42
        assert host.status()["warning"] == ""
    finally:
        host.stop()


@pytest.mark.timeout(240)
def test_a_task_that_nobody_waits_for_any_more_is_not_tried_for_ever(tmp_path: Path) -> None:
    events = Events()
    host = EndpointHost(spec(tmp_path / "state"), events)
    one = task(answer)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with pytest.raises(ComputeError, match="10000000"):
            host.submit(task(answer, "x" * 11_000_000))
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            host.submit(one)
            wait_until(
                lambda: "Too many open files" in host.pending_reason(one.task_id), "it is told"
            )
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        host.cancel(one.task_id)
        assert events.wait(one.task_id).error == "the task was cancelled"
        wait_until(lambda: host.stopped, "nothing is tried any more")
    finally:
        host.stop()
