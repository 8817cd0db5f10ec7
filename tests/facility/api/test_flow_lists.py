"""Lists of flows as the SDK and the CLI ask for them: by role, by text, in every order."""

from __future__ import annotations

import uuid
from typing import Any

import globus_sdk
import pytest
from globus_sdk.testing.data.flows._common import TWO_HOP_TRANSFER_RUN

from tests.support.facility.live_facility import LiveFacility

FLOW = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}


@pytest.fixture(scope="module")
def flows(shared_facility: LiveFacility) -> Any:
    """The flows of all tests here, which only read them."""
    client = shared_facility.services.flows
    owner = client.create_flow("Bravo", FLOW, {}, subtitle="second", keywords=["mill"])
    urn = owner["flow_owner"]
    client.create_flow("Alpha", FLOW, {}, run_managers=[urn], flow_viewers=["public"])
    client.create_flow(
        "Charlie",
        FLOW,
        {},
        description="third",
        flow_starters=["all_authenticated_users"],
        flow_administrators=[urn],
    )
    return client


def titles(flows: Any, **query: Any) -> list[str]:
    found = flows.paginated.list_flows(**{"orderby": "title ASC", **query}).items()
    return [flow["title"] for flow in found]


@pytest.mark.parametrize(
    ("roles", "found"),
    [
        ("flow_owner", ["Alpha", "Bravo", "Charlie"]),
        ("run_manager", ["Alpha"]),
        ("run_monitor", []),
        ("flow_viewer", ["Alpha"]),
        (["flow_starter", "run_manager"], ["Alpha", "Charlie"]),
        ("flow_administrators", ["Charlie"]),
    ],
)
def test_only_flows_at_which_the_caller_has_the_role(
    flows: Any, roles: Any, found: list[str]
) -> None:
    assert titles(flows, filter_roles=roles) == found


def test_the_role_of_former_days_is_had_by_whoever_has_more(flows: Any) -> None:
    query = {"filter_role": "flow_viewer"}
    assert titles(flows, query_params=query) == ["Alpha", "Bravo", "Charlie"]


@pytest.mark.parametrize(
    "wrong", [{"filter_roles": ""}, {"filter_roles": "king"}, {"filter_role": "x"}]
)
def test_an_unknown_role_is_refused(flows: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        flows.list_flows(query_params=wrong)
    assert caught.value.http_status == 422


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("fulltext", "SECOND", ["Bravo"]),
        ("title", "ALPH", ["Alpha"]),
        ("subtitle", "sec", ["Bravo"]),
        ("description", "hir", ["Charlie"]),
        ("keywords", "mill", ["Bravo"]),
        ("scope_string", "auth.globus.org/scopes", ["Alpha", "Bravo", "Charlie"]),
    ],
)
def test_filters_look_for_a_text(flows: Any, name: str, text: str, found: list[str]) -> None:
    assert titles(flows, query_params={f"filter_{name}": text}) == found


@pytest.mark.parametrize(
    "field",
    [
        "id",
        "scope_string",
        "flow_owner",
        "flow_owners",
        "flow_administrators",
        "title",
        "created_at",
        "updated_at",
    ],
)
def test_every_documented_field_puts_in_order(flows: Any, field: str) -> None:
    up = [flow["id"] for flow in flows.list_flows(orderby=f"{field} ASC")["flows"]]
    assert len(up) == 3
    if field in ("id", "scope_string"):
        assert up == sorted(up)
    down = [flow["id"] for flow in flows.list_flows(orderby=[f"{field} DESC", "id ASC"])["flows"]]
    if field not in ("flow_owner", "flow_owners", "flow_administrators"):
        assert down == up[::-1]


def test_a_run_document_has_what_clients_look_for(facility: Any) -> None:
    run_id = facility.start(facility.deploy(FLOW), {})
    run = facility.wait(run_id)
    assert set(TWO_HOP_TRANSFER_RUN) <= set(run)
    assert uuid.UUID(run["search"]["task_id"])
