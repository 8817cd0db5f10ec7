"""What flows share and publish: collection_info, manage_permission, stat of nothing, ingest."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import globus_sdk
import pytest

from headrace.facility import stop_facility
from tests.support.facility.live_facility import LiveFacility
from tests.support.facility.one_action_flows import TRANSFER, flow, output
from tests.support.ids import an_id
from tests.support.repository import EARLIER_STORES

ADA = an_id("ada")
INDEX = an_id("an index")
INGEST = "https://actions.globus.org/search/ingest"


@pytest.fixture
def facility(shared_facility: LiveFacility) -> LiveFacility:
    """One for all: each of these tests looks only at what it made."""
    return shared_facility


def client(facility: Any, kind: Any) -> Any:
    token = globus_sdk.AccessTokenAuthorizer(facility.address.token)
    return kind(base_url=facility.address.url, authorizer=token)


@pytest.mark.parametrize("path", ["/none", "/none/below", "/~/none", "/file/below", "/file/"])
def test_stat_of_nothing_succeeds_and_says_so(facility: Any, path: str) -> None:
    here = facility.settings.collections[0]
    (Path(here.root) / "file").write_text("1")
    asked = {"endpoint_id": here.id, "path": path}
    details = output(facility.run(flow(("s", TRANSFER + "stat", asked)), {}))["s"]["details"]
    if path == "/file/":
        assert details["type"] == "file"
        return
    assert details["code"] == "NotFound"
    assert "type" not in details
    assert here.name in details["message"]


def test_a_collection_that_is_away_says_nothing_of_its_paths(start: Any) -> None:
    facility = start()
    here = facility.settings.collections[0]
    Path(here.root).rmdir()
    asked = {"endpoint_id": here.id, "path": "/data"}
    run = facility.run(flow(("s", TRANSFER + "stat", asked)), {})
    cause = run["details"]["details"]["cause"]
    assert (cause["status"], cause["details"]["code"]) == ("FAILED", "EndpointError.RootMissing")


def test_what_a_path_is_decides_where_a_file_goes(facility: Any) -> None:
    """A flow that moves onto what may not be there yet: the kind of flow that `stat` is for."""
    here, there = facility.settings.collections
    definition = {
        "StartAt": "Look",
        "States": {
            "Look": {
                "Type": "Action",
                "ActionUrl": TRANSFER + "stat",
                "Parameters": {"endpoint_id": there.id, "path.$": "$.to"},
                "ResultPath": "$.seen",
                "Next": "Decide",
            },
            "Decide": {
                "Type": "ExpressionEval",
                "Parameters": {
                    "absent.=": "'code' in seen.details and seen.details.code == 'NotFound'",
                    "folder.=": "getattr('seen.details.type', 'none') == 'dir'",
                    "name.=": "from_.rpartition('/')[2]",
                },
                "ResultPath": "$.is",
                "Next": "Name",
            },
            "Name": {
                "Type": "ExpressionEval",
                "Parameters": {
                    "path.=": "to.rstrip('/') + '/' + `$.is.name` if `$.is.folder` else to",
                },
                "ResultPath": "$.target",
                "Next": "Copy",
            },
            "Copy": {
                "Type": "Action",
                "Handler": {"Type": "ActionProvider", "Url": TRANSFER + "transfer"},
                "Parameters": {
                    "source_endpoint": here.id,
                    "destination_endpoint": there.id,
                    "DATA": [{"source_path.$": "$.from_", "destination_path.$": "$.target.path"}],
                },
                "ResultPath": "$.copied",
                "End": True,
            },
        },
    }
    (Path(here.root) / "one.h5").write_text("1")
    (Path(there.root) / "folder").mkdir()
    (Path(there.root) / "old.h5").write_text("0")
    flow_id = facility.deploy(definition)
    wanted = {"/folder/": "/folder/one.h5", "/new.h5": "/new.h5", "/old.h5": "/old.h5"}
    for to, path in wanted.items():
        done = output(facility.wait(facility.start(flow_id, {"from_": "/one.h5", "to": to})))
        assert done["target"]["path"] == path
        assert done["is"]["absent"] is (to == "/new.h5")
        assert (Path(there.root) / path[1:]).read_text() == "1"


def test_a_collection_tells_what_it_is(facility: Any) -> None:
    here = facility.settings.collections[0]
    states = flow(("info", TRANSFER + "collection_info", {"endpoint_id": here.id}))
    details = output(facility.run(states, {}))["info"]["details"]
    assert details["display_name"] == here.name
    assert details["entity_type"] == "GCSv5_guest_collection"
    shown = client(facility, globus_sdk.TransferClient).get_endpoint(here.id)
    assert shown.data == details
    unknown = flow(("info", TRANSFER + "collection_info", {"endpoint_id": an_id("none")}))
    told = facility.run(unknown, {})["details"]["details"]
    assert told["exception"] == "ActionUnableToRun"
    assert here.name in told["cause"]["description"]


def test_a_permission_is_made_changed_and_removed(facility: Any) -> None:
    here = facility.settings.collections[0]
    url = TRANSFER + "manage_permission"
    make = {
        "operation": "CREATE",
        "endpoint_id": here.id,
        "path": "/shared",
        "permissions": "r",
        "principal_type": "identity",
        "principal": ADA,
    }
    created = output(facility.run(flow(("made", url, make)), {}))["made"]["details"]
    assert created["code"] == "Created"
    transfer = client(facility, globus_sdk.TransferClient)
    [rule] = transfer.endpoint_acl_list(here.id)
    assert rule["id"] == created["access_id"]
    assert (rule["path"], rule["permissions"], rule["principal"]) == ("/shared/", "r", ADA)

    def cause(body: dict[str, Any]) -> Any:
        return facility.run(flow(("made", url, body)), {})["details"]["details"]["cause"]

    assert cause(make)["details"]["code"] == "Exists"
    named = {"endpoint_id": here.id, "rule_id": created["access_id"]}
    for operation, more in (("UPDATE", {"permissions": "rw"}), ("DELETE", {})):
        body = {"operation": operation, **named, **more}
        done = output(facility.run(flow(("made", url, body)), {}))["made"]["details"]
        assert done["code"] in ("Updated", "Deleted")
        assert [r["permissions"] for r in transfer.endpoint_acl_list(here.id)] == (
            ["rw"] if operation == "UPDATE" else []
        )
    assert cause({"operation": "DELETE", **named})["details"]["code"] == "AccessRuleNotFound"
    assert cause({**make, "operation": "GRANT"})["code"] == "RequestValidationError"


def test_what_is_published_is_found_again(facility: Any) -> None:
    entry = {"search_index": INDEX, "subject": "run 7", "visible_to": ["public"]}
    definition = {
        "StartAt": "Prepare",
        "States": {
            "Prepare": {
                "Type": "ExpressionEval",
                "Parameters": {**entry, "content": {"events.=": "len(events)"}},
                "ResultPath": "$.entry",
                "Next": "Publish",
            },
            "Publish": {
                "Type": "Action",
                "ActionUrl": INGEST,
                "InputPath": "$.entry",
                "ResultPath": "$.published",
                "End": True,
            },
        },
    }
    flow_id = facility.deploy(definition)
    search = client(facility, globus_sdk.SearchClient)
    for events in ([1, 2], [1, 2, 3]):
        done = output(facility.wait(facility.start(flow_id, {"events": events})))
        assert done["published"]["details"]["state"] == "SUCCESS"
        [found] = search.get_subject(INDEX, "run 7")["entries"]
        assert found["content"] == {"events": len(events)}
    with pytest.raises(globus_sdk.SearchAPIError) as caught:
        search.get_subject(INDEX, "run 8")
    assert caught.value.http_status == 404


def test_a_store_of_before_takes_them_up(start: Any) -> None:
    facility = start()
    stop_facility(facility.root)
    state = facility.root / ".headrace"
    for path in state.glob("facility.db*"):
        path.unlink()
    script = EARLIER_STORES / "version_8.sql"
    database = sqlite3.connect(state / "facility.db")
    database.executescript(script.read_text())
    database.close()
    facility = start()
    assert [each["title"] for each in facility.services.flows.list_flows()["flows"]] == ["Say"]
    test_a_permission_is_made_changed_and_removed(facility)
