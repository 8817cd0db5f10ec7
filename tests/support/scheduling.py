"""The files whose tests take longest, in the order in which they begin when workers share them.

A long file that begins last keeps one worker busy while the others have nothing to do. The times
are processor time, with the tests' own processes, and what is waited for; a file that is not named
here takes a few seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Part = TypeVar("Part")

# Their tests share a port or a cluster: the whole folder is one worker's.
ONE_WORKER = ("tests/clients/", "tests/hpc/")

LONGEST_FIRST = (
    *ONE_WORKER,
    "tests/seismic/measurement/test_ranks.py",
    "tests/cli/test_every_command.py",
    "tests/cli/test_demo_data_run.py",
    "tests/cli/test_demo_md.py",
    "tests/faults/test_kill_inversion.py",
    "tests/md/test_killed_legs.py",
    "tests/seismic/inversion/test_inversion_flow.py",
    "tests/faults/test_kill_campaign.py",
    "tests/seismic/optimisation/test_optimiser.py",
    "tests/cli/test_endpoint_command.py",
    "tests/datarun/test_data_run_flow.py",
    "tests/seismic/solvers/test_solver_bits.py",
    "tests/browser/test_every_page.py",
    "tests/cli/test_demo.py",
    "tests/cli/test_demo_sweep.py",
    "tests/cli/test_campaign_tutorial.py",
    "tests/cli/test_demo_ert.py",
    "tests/ert/test_ert_flow.py",
    "tests/ert/test_ert_campaign.py",
    "tests/ert/engines/test_pygimli_engine.py",
    "tests/facility/api/test_api_fuzz.py",
    "tests/cli/test_retry_command.py",
    "tests/compute/test_endpoint.py",
    "tests/seismic/inversion/test_inversion_goes_on.py",
    "tests/datarun/fit/test_fit_scipy.py",
    "tests/cli/test_doctor_command.py",
    "tests/seismic/measurement/test_compute_function.py",
    "tests/cli/test_trigger_commands.py",
    "tests/compute/test_cancelled_tasks.py",
    "tests/datarun/fit/test_fit_program.py",
    "tests/seismic/optimisation/test_optimiser_crashes.py",
    "tests/facility/compute_service/test_hosted_endpoints.py",
    "tests/cli/test_init_command.py",
    "tests/seismic/measurement/test_many_events.py",
    "tests/cli/test_signals.py",
    "tests/datarun/test_same_bytes.py",
    "tests/flowlang/checker/test_generated_mistakes.py",
    "tests/datarun/analysis/test_run_pictures.py",
    "tests/facility/api/test_flow_lists.py",
    "tests/campaigns/driver/test_project_driver.py",
    "tests/compute/test_worker_faults.py",
    "tests/seismic/inversion/test_inversion_stages.py",
    "tests/seismic/report/test_hostile_labels.py",
    "tests/cli/test_transfer_after_approval.py",
    "tests/facility/transfer/test_transfer_kills.py",
    "tests/facility/test_status_is_true.py",
    "tests/datarun/analysis/test_run_analysis.py",
    "tests/facility/api/test_api.py",
    "tests/flowlang/test_flow_random.py",
    "tests/seismic/inversion/test_inversion_steering.py",
    "tests/flowlang/expressions/test_flow_attacks.py",
    "tests/seismic/solvers/test_solver_program.py",
    "tests/datarun/events/test_event_index.py",
    "tests/cli/test_inversion_status.py",
    "tests/datarun/convert/test_convert_events.py",
    "tests/facility/providers/test_transfer_and_compute.py",
    "tests/hosted/test_login_command.py",
    "tests/facility/api/test_web_inputs.py",
    "tests/cli/test_bad_input.py",
    "tests/config/test_file_kinds.py",
    "tests/cli/test_function_command.py",
    "tests/datarun/events/test_real_layouts.py",
    "tests/flowlang/checker/test_check_soundness.py",
    "tests/seismic/inversion/test_inversion_trials.py",
    "tests/seismic/misfits/test_finite_differences.py",
    "tests/seismic/optimisation/test_optimiser_memory.py",
    "tests/seismic/solvers/test_solver_inversion.py",
    "tests/cli/test_transfer_flow.py",
    "tests/cli/test_web_input_command.py",
    "tests/facility/providers/test_shared_and_published.py",
    "tests/flowlang/checker/test_check_large.py",
    "tests/flowlang/checker/test_check_types.py",
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
