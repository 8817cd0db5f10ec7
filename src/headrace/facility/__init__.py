"""The facility: a durable local service for flows, transfers and compute.

It promises that what was answered is on disk, that a run or an action is never started twice, and
that a fault of one run, action or provider stops no other.

``api`` has the HTTP calls, ``engine`` the thread that advances runs, ``store`` the SQLite tables,
``providers`` the action providers, ``transfer`` the work on files, ``compute_service`` the Compute
web service. ``container`` makes the parts in the order in which they need each other; ``server`` is
the process; ``daemon`` starts, stops and queries it from another process; ``address`` is how it is
found, ``settings`` what it serves, ``supervision`` its threads and their health, ``logs`` its log,
``identity`` whose it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.facility.address import Address, find_address, running_root
    from headrace.facility.compute_service.settings import (
        client_environment,
        compute_environment,
        missing_requirements,
        store_compute_settings,
    )
    from headrace.facility.daemon import (
        facility_status,
        log_path,
        serve_facility,
        start_facility,
        stop_facility,
    )
    from headrace.facility.errors import ActionRejected, FacilityError, NotFound, StateConflict
    from headrace.facility.settings import (
        CollectionSettings,
        EndpointSettings,
        ProviderSettings,
        Settings,
        SettingsSource,
        endpoint_state_directory,
        read_settings,
        state_directory,
        write_settings,
    )
    from headrace.facility.store.check import StoreReport, check_store

__all__ = [
    "ActionRejected",
    "Address",
    "CollectionSettings",
    "EndpointSettings",
    "FacilityError",
    "NotFound",
    "ProviderSettings",
    "Settings",
    "SettingsSource",
    "StateConflict",
    "StoreReport",
    "check_store",
    "client_environment",
    "compute_environment",
    "endpoint_state_directory",
    "facility_status",
    "find_address",
    "log_path",
    "missing_requirements",
    "read_settings",
    "running_root",
    "serve_facility",
    "start_facility",
    "state_directory",
    "stop_facility",
    "store_compute_settings",
    "write_settings",
]

__getattr__ = lazy_names(__name__)
