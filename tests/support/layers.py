"""Layers of tests: which one a test is of, and that tests of the layer `unit` are what it says.

A test of `unit` starts no process and opens no connection: with `-m unit` it fails if it does. Of
`service` is whatever does: a facility, an endpoint, a program, an HTTP server. Of `stages` is what
computes whole stages of a science pipeline in the test's own process: an inversion, a minimisation,
fits, pictures. `slurm` and `mpi` need those. Of `browser` is what opens pages in Chromium. A test
is of `service` by a fixture that it uses, by its file or by its mark, of `stages` by its file, of
`browser` by its folder, and of `unit` where it is of no other.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

LAYERS = ("service", "stages", "slurm", "mpi", "browser")

# Fixtures that start a process or a server.
SERVICE_FIXTURES = frozenset(
    {
        "facility",
        "shared_facility",
        "start",
        "service",
        "services",
        "deployed",
        "headrace",
        "user",
        "namespace",
    }
)

# Files and folders whose tests, or most of them, start a process or a server by themselves.
SERVICE_FILES = (
    "background_services/test_scrontab.py",
    "_internal/test_atomic.py",
    "_internal/test_entry_points.py::test_nothing_else_is_imported_for_them",
    "_internal/test_idempotency.py",
    "_internal/test_json_get.py",
    "_internal/test_json_schema.py::test_nothing_is_ever_fetched",
    "campaigns/driver/test_project_driver.py",
    "campaigns/driver/test_sweep_campaign.py",
    "cli",
    "clients",
    "compute/attempts/test_arrays.py",
    "compute/attempts/test_attempts.py",
    "compute/batch/test_job_scripts.py",
    "compute/batch/test_outside_scheduler.py",
    "compute/batch/test_schedulers_in_allocations.py",
    "compute/batch/test_usage.py::test_in_an_allocation_a_job_has_the_processors_that_it_asked_for",
    "compute/batch/test_usage.py::test_the_script_of_a_job_records_its_processors_and_its_end",
    "compute/managed_endpoints/test_directory.py",
    "compute/scheduler/slurm/test_client.py",
    "compute/packs/test_packs.py",
    "compute/packs/test_sweep_example.py",
    "compute/test_bundling.py",
    "compute/test_cancelled_tasks.py",
    "compute/test_deferred_packages.py",
    "compute/test_endpoint.py",
    "facility/compute_service/test_hosted_endpoints.py",
    "compute/test_parsl_programs.py",
    "compute/test_reaping.py",
    "compute/test_result_reuse.py::test_killed_at_any_step_the_store_is_whole_and_the_next_call_right",
    "compute/test_scratch_cleaner.py::test_what_is_mounted_in_it_stays",
    "compute/test_shell_safe_paths.py",
    "compute/test_templates.py",
    "compute/test_transient_faults.py",
    "compute/test_worker_faults.py",
    "datarun/analysis/test_run_analysis.py::test_the_job_script_analyses",
    "datarun/convert/test_convert_events.py::test_the_job_script_converts",
    "datarun/events/test_real_layouts.py::test_another_detectors_payload_stays_as_it_is",
    "datarun/events/test_real_layouts.py::test_sources_may_be_named",
    "datarun/fit/test_compile_once.py::test_of_processes_that_start_together_one_compiles",
    "datarun/fit/test_fit_program.py",
    "datarun/fit/test_numba_extensions.py",
    "datarun/test_data_run_flow.py",
    "ert/engines/crtomo/test_crtomo_engine.py",
    "ert/test_ert_campaign.py",
    "ert/test_ert_flow.py",
    "deploy",
    "endpoints",
    "md/test_md_grafts.py",
    "facility/api",
    "facility/compute_service/test_compute_settings.py",
    "facility/engine/test_flow_kinds.py",
    "facility/providers",
    "facility/test_daemon.py",
    "facility/test_environment.py",
    "facility/test_logs.py",
    "facility/test_proxies.py",
    "facility/test_state_directory.py",
    "facility/test_status_is_true.py",
    "facility/test_supervision.py",
    "facility/transfer/test_transfer_files.py::test_what_is_refused",
    "facility/transfer/test_transfer_full_disk.py",
    "facility/transfer/test_transfer_kills.py",
    "facility/transfer/test_transfer_trees.py::test_deep_trees_need_no_more_open_files_than_shallow_ones",
    "faults",
    "flowlang/expressions/test_flow_attacks.py",
    "flowlang/test_imports.py",
    "hosted",
    "hpc",
    "md/engines/gromacs",
    "md/engines/openmm",
    "md/test_killed_legs.py",
    "md/test_md_flow.py",
    "md/test_run_leg_function.py",
    "notifications",
    "phone_answers/test_answers_listener.py",
    "phone_answers/test_phone_end_to_end.py",
    "phone_answers/test_pushover.py",
    "project/test_pipelines.py",
    "project/test_targets.py",
    "python_api",
    "runs/test_facility_notifications.py",
    "runs/test_run_changes.py",
    "runs/test_run_notifier.py",
    "runs/test_run_output.py",
    "runs/test_run_poller.py",
    "seismic/inversion/test_inversion_flow.py",
    "seismic/measurement/test_compute_function.py",
    "seismic/measurement/test_examples_of_others.py",
    "seismic/measurement/test_many_events.py",
    "seismic/measurement/test_ranks.py",
    "seismic/optimisation/test_optimiser_crashes.py",
    "seismic/optimisation/test_optimiser_memory.py",
    "seismic/solvers",
    "compute/packs/test_sweep_flow.py",
    "test_no_ids.py",
    "test_packaging.py",
    "test_public_names.py",
    "test_ranks.py",
    "test_wheel.py",
    "testing/test_pytest_plugin.py",
    "triggers/completeness/test_check_program.py",
    "triggers/test_kills.py",
    "triggers/test_ledger_lost.py",
    "triggers/test_watcher.py",
    "datarun/test_run_ended.py::test_the_program_answers_by_its_exit_code",
    "seismic/report/test_pictures.py",
    "test_benchmark_table.py::test_a_benchmark_that_fails_keeps_what_the_others_gave",
)

_SERVICE_TESTS = tuple(name for name in SERVICE_FILES if "::" in name)

# Files and folders whose tests compute whole stages, and start nothing.
STAGES_FILES = (
    "datarun/analysis",
    "datarun/convert",
    "datarun/events/test_event_fuzz.py",
    "datarun/fit",
    "datarun/test_same_bytes.py",
    "ert/engines/test_pygimli_engine.py",
    "ert/test_synthetic_sections.py",
    "seismic/inversion/test_inversion_goes_on.py",
    "seismic/inversion/test_inversion_masks.py",
    "seismic/inversion/test_inversion_stages.py",
    "seismic/inversion/test_inversion_steering.py",
    "seismic/inversion/test_inversion_trials.py",
    "seismic/measurement/test_event.py",
    "seismic/measurement/test_first_contact.py",
    "seismic/measurement/test_weights.py",
    "seismic/misfits/test_finite_differences.py",
    "seismic/optimisation/test_optimiser.py",
    "seismic/optimisation/test_optimiser_trials.py",
    "seismic/report/test_hostile_labels.py",
)

BROWSER_FOLDER = "tests/browser/"

_FORBIDDEN = {
    "os.exec": "replaces its process",
    "os.fork": "forks",
    "os.forkpty": "forks",
    "os.posix_spawn": "starts a process",
    "os.system": "starts a process",
    "socket.bind": "binds a socket",
    "socket.connect": "connects a socket",
    "subprocess.Popen": "starts a process",
}

# Schemas are checked in a process of their own, as one of them can take for ever: the checker's
# tests are unit tests all the same. By ldconfig, ctypes looks for the C library that inotify needs.
_ALLOWED = ("headrace._internal.schema_worker", "/sbin/ldconfig")


class _Guard:
    """Refuses processes and connections while a unit test runs."""

    def __init__(self) -> None:
        self.active = False
        self.seen: list[str] = []
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active or event not in _FORBIDDEN:
            return
        if not any(program in repr(arguments) for program in _ALLOWED):
            self.seen.append(f"{_FORBIDDEN[event]}: {event}{arguments!r:.200}")
            pytest.fail(_message(self.seen))


def _message(seen: list[str]) -> str:
    return f"a unit test {seen[0]} (of which layer a test is: tests/support/layers.py)"


_guard = _Guard()


def unit_only(config: pytest.Config) -> bool:
    """Return whether the layer `unit` was asked for."""
    return re.search(r"\bunit\b", config.getoption("markexpr", "")) is not None


def _is_named(nodeid: str, names: tuple[str, ...]) -> bool:
    inside = nodeid.removeprefix("tests/")
    return any(
        inside == name or inside.startswith((f"{name}/", f"{name}::", f"{name}[")) for name in names
    )


@cache
def _layer_of_file(file: str) -> str:
    if _is_named(file, SERVICE_FILES):
        return "service"
    return "stages" if _is_named(file, STAGES_FILES) else "unit"


def _layer(item: pytest.Item) -> str:
    if item.nodeid.startswith(BROWSER_FOLDER):
        return "browser"
    if not SERVICE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
        return "service"
    layer = _layer_of_file(item.nodeid.partition("::")[0])
    if layer != "service" and _is_named(item.nodeid, _SERVICE_TESTS):
        return "service"
    return layer


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its layer, unless a mark of its own says it."""
    for item in items:
        if not any(item.get_closest_marker(layer) for layer in LAYERS):
            item.add_marker(_layer(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Watch unit tests, their fixtures included, where the layer is run by itself."""
    _guard.seen.clear()
    _guard.active = unit_only(item.config) and item.get_closest_marker("unit") is not None
    try:
        return (yield)
    finally:
        _guard.active = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a unit test that caught the refusal, or ran into it in a thread."""
    yield
    if _guard.active and _guard.seen:
        pytest.fail(_message(_guard.seen))
