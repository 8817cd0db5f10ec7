"""The facility: a durable local service for flows, transfers and compute."""

from headrace.facility.address import Address, find_address, running_root
from headrace.facility.compute_service.settings import (
    client_environment,
    compute_environment,
    missing_requirements,
    store_compute_settings,
)
from headrace.facility.daemon import facility_status, log_path, start_facility, stop_facility
from headrace.facility.errors import ActionRejected, FacilityError, NotFound, StateConflict
from headrace.facility.settings import (
    CollectionSettings,
    EndpointSettings,
    ProviderSettings,
    Settings,
    SettingsSource,
    endpoint_state_directory,
    file_signature,
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
    "file_signature",
    "find_address",
    "log_path",
    "missing_requirements",
    "read_settings",
    "running_root",
    "start_facility",
    "state_directory",
    "stop_facility",
    "store_compute_settings",
    "write_settings",
]
