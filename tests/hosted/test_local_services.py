from __future__ import annotations

import socket
from collections.abc import Iterator

import globus_sdk
import pytest

from headrace.hosted import HostedError, NoAnswerError, services_at
from tests.support.flows_service import TOKEN, Service


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


def test_all_clients_speak_to_one_address_with_the_token(service: Service) -> None:
    services = services_at(service.url, TOKEN)
    flow = services.flows.create_flow("a", {}, {})
    run = services.flow(flow["id"]).run_flow({"x": 1}, label="l")
    assert services.flows.get_run(run["run_id"])["label"] == "l"
    function = services.compute.register_function({"function_name": "f", "function_code": "c"})
    assert function["function_uuid"] in service.functions


def test_clients_of_two_facilities_do_not_mix(service: Service) -> None:
    with Service() as other:
        first, second = services_at(service.url, TOKEN), services_at(other.url, TOKEN)
        flow_id = first.flows.create_flow("a", {}, {})["id"]
        first.flow(flow_id).run_flow({})
        with pytest.raises(globus_sdk.FlowsAPIError):
            second.flow(flow_id).run_flow({})


def test_nobody_there_is_told_at_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        words = f"{url} does not answer: run `headrace facility up`"
        with pytest.raises(HostedError, match=words) as raised:
            services_at(url, TOKEN).flows.list_flows()
        # Nothing was sent: it is known that nothing was done.
        assert not isinstance(raised.value, NoAnswerError)


def test_a_lost_answer_is_not_sent_again(service: Service) -> None:
    services = services_at(service.url, TOKEN)
    service.lose.add("POST /flows")
    with pytest.raises(NoAnswerError):
        services.flows.create_flow("a", {}, {})
    assert service.changes() == ["POST /flows"]


def test_what_the_service_asks_to_repeat_is_repeated(service: Service) -> None:
    service.refuse["GET /flows"] = (503, {"error": {"code": "BUSY", "detail": "later"}})
    with pytest.raises(globus_sdk.GlobusAPIError):
        services_at(service.url, TOKEN).flows.list_flows()
    assert len(service.calls) == 3


@pytest.mark.parametrize("url", ["http://example.org:80", "http://10.0.0.1:5000"])
def test_the_token_never_leaves_this_machine(url: str) -> None:
    with pytest.raises(HostedError, match="not on this machine"):
        services_at(url, TOKEN)
