"""The files whose tests take longest, in the order in which they begin when workers share them.

A long file that begins last keeps one worker busy while the others have nothing to do. The times
are those of a run with `--durations=0`; a file that is not named here takes a few seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Part = TypeVar("Part")

# Their tests share a port or a cluster: the whole folder is one worker's.
ONE_WORKER = ("tests/clients/", "tests/hpc/")

LONGEST_FIRST = (
    *ONE_WORKER,
    "tests/cli/test_bad_input.py",
    "tests/cli/test_trigger_commands.py",
    "tests/compute/test_hosted_endpoint.py",
    "tests/cli/test_inversion_status.py",
    "tests/seismic/solvers/test_solver_bits.py",
    "tests/cli/test_demo.py",
    "tests/seismic/inversion/test_inversion_flow.py",
    "tests/hosted/test_login_command.py",
    "tests/compute/test_cancelled_tasks.py",
    "tests/cli/test_web_input_command.py",
    "tests/seismic/measurement/test_ranks.py",
    "tests/faults/test_kill_inversion.py",
    "tests/cli/test_doctor_command.py",
    "tests/cli/test_retry_command.py",
    "tests/facility/transfer/test_transfer_kills.py",
    "tests/seismic/optimisation/test_optimiser.py",
    "tests/seismic/optimisation/test_optimiser_crashes.py",
    "tests/datarun/test_data_run_flow.py",
    "tests/cli/test_transfer_after_approval.py",
    "tests/cli/test_endpoint_command.py",
    "tests/cli/test_signals.py",
    "tests/compute/test_endpoint.py",
    "tests/cli/test_every_command.py",
    "tests/cli/test_demo_data_run.py",
    "tests/datarun/fit/test_fit_scipy.py",
    "tests/compute/test_worker_faults.py",
    "tests/datarun/analysis/test_run_pictures.py",
    "tests/seismic/solvers/test_solver_program.py",
    "tests/cli/test_function_command.py",
    "tests/triggers/test_kills.py",
    "tests/facility/test_environment.py",
    "tests/seismic/inversion/test_inversion_trials.py",
    "tests/datarun/fit/test_fit_program.py",
    "tests/faults/test_commit_boundaries.py",
    "tests/seismic/solvers/test_solver_inversion.py",
    "tests/facility/api/test_api_fuzz.py",
    "tests/facility/test_status_is_true.py",
    "tests/facility/engine/test_flow_kinds.py",
    "tests/facility/test_daemon.py",
    "tests/datarun/test_same_bytes.py",
    "tests/flowlang/checker/test_check_large.py",
    "tests/facility/store/test_old_records.py",
    "tests/cli/test_transfer_flow.py",
    "tests/flowlang/runs/test_replay.py",
    "tests/facility/api/test_web_inputs.py",
    "tests/facility/test_proxies.py",
)


def scope(nodeid: str) -> str:
    """Return the part of the suite that runs on one worker with a test: its file, or its folder."""
    for folder in ONE_WORKER:
        if nodeid.startswith(folder):
            return folder
    return nodeid.partition("::")[0]


def position(nodeid: str) -> int:
    """Return when a test's part of the suite begins, the longest first."""
    part = scope(nodeid)
    return LONGEST_FIRST.index(part) if part in LONGEST_FIRST else len(LONGEST_FIRST)


def order(nodeid: str) -> tuple[int, str]:
    """Return what files are ordered by, in whichever order they were collected."""
    return position(nodeid), nodeid.partition("::")[0]


def rotated(parts: Sequence[Part], worker: int, workers: int) -> list[Part]:
    """Return the same parts, begun at another one for each worker."""
    first = worker * len(parts) // workers
    return [*parts[first:], *parts[:first]]
