"""A real facility in a process of its own, for one test or for all of a module."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import (
    Address,
    CollectionSettings,
    EndpointSettings,
    Settings,
    start_facility,
    stop_facility,
)
from headrace.hosted import Services, services_at
from tests.support.repository import REPOSITORY
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class LiveFacility:
    root: Path
    settings: Settings
    address: Address
    services: Services

    def deploy(self, definition: dict[str, Any], schema: dict[str, Any] | None = None) -> str:
        created = self.services.flows.create_flow("test", definition, schema or {})
        return str(created["id"])

    def start(self, flow_id: str, body: dict[str, Any], **options: Any) -> str:
        return str(self.services.flow(flow_id).run_flow(body, **options)["run_id"])

    def wait(self, run_id: str, timeout: float = 120) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            run = self.services.flows.get_run(run_id).data
            return run if run["status"] in {"SUCCEEDED", "FAILED"} else None

        return wait_until(ended, f"the end of run {run_id}", timeout)

    def run(self, definition: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        return self.wait(self.start(self.deploy(definition), body))

    def codes(self, run_id: str) -> list[str]:
        log = self.services.flows.get_run_logs(run_id, limit=100)
        return [entry["code"] for entry in log["entries"]]


def make_settings(place: Path) -> Settings:
    """Two collections, their directories below a place, and an endpoint of this machine."""
    collections = []
    for name in ("workstation", "hpc"):
        root = place / "collections" / name
        root.mkdir(parents=True)
        collections.append(CollectionSettings(str(uuid.uuid4()), name, str(root)))
    template = REPOSITORY / "endpoint_configs" / "local"
    endpoint = EndpointSettings(str(uuid.uuid4()), "simulation", str(template), {"workers": 1})
    return Settings(tuple(collections), (endpoint,))


@contextmanager
def starting(place: Path, settings: Settings) -> Iterator[Callable[[], LiveFacility]]:
    """Gives what starts, or starts again, the facility of a project; stops it at the end."""
    root = place / "project"
    root.mkdir()

    def begin() -> LiveFacility:
        address = start_facility(root, settings)
        return LiveFacility(root, settings, address, services_at(address.url, address.token))

    try:
        yield begin
    finally:
        stop_facility(root)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.fixture
def start(tmp_path: Path, settings: Settings) -> Iterator[Callable[[], LiveFacility]]:
    """Starts, or starts again, the facility of this test's project."""
    with starting(tmp_path, settings) as begin:
        yield begin


@pytest.fixture
def facility(start: Callable[[], LiveFacility]) -> LiveFacility:
    return start()


@pytest.fixture(scope="module")
def shared_facility(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveFacility]:
    """The facility of a module whose tests look only at flows and runs of their own."""
    place = tmp_path_factory.mktemp("shared")
    with starting(place, make_settings(place)) as begin:
        yield begin()
