"""Documents that are read without the SDK's clients, and errors that are theirs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import globus_sdk
import pytest

from headrace.hosted import HostedError, Services, explain, services_at
from tests.support.flows_service import TOKEN, Service


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


def without_shortcut(services: Services) -> Services:
    return Services(services.url, services.make_clients)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_the_errors_are_those_of_the_sdk(service: Service, status: int) -> None:
    service.refuse["GET /runs"] = (status, {"error": {"code": "NO", "detail": "not this one"}})
    told = []
    quick = services_at(service.url, TOKEN)
    for services in (quick, without_shortcut(quick)):
        with pytest.raises(globus_sdk.GlobusAPIError) as refused:
            services.read("/runs")
        told.append((str(explain(refused.value)), explain(refused.value).exit_code))
    assert told[0] == told[1]


def test_an_outage_that_passes_is_waited_out(service: Service) -> None:
    service.outages = [503, 429]
    assert services_at(service.url, TOKEN).read("/runs")["runs"] == []


def test_an_unreachable_facility_raises_the_error_of_the_clients() -> None:
    with pytest.raises(HostedError, match="does not answer: run `headrace facility up`"):
        services_at("http://127.0.0.1:9", TOKEN).read("/runs")


def test_reading_imports_no_client(service: Service) -> None:
    program = (
        "import sys\n"
        "from headrace.hosted import services_at\n"
        f"services = services_at({service.url!r}, {TOKEN!r})\n"
        "assert list(services.read_items('/runs', 'runs')) == []\n"
        "clients = {'globus_sdk', 'requests', 'urllib3', 'jwt', 'cryptography'}\n"
        "print(*sorted(clients & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
