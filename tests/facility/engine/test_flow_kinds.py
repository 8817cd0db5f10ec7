"""Flows of the kinds that the service's public examples are, each to its end at a facility."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.compute import find_functions
from tests.support.waiting import wait_until

TRANSFER = "https://transfer.actions.globus.org/"
COUNT = '''"""Counts what a directory holds."""


def count(root: str, folder: str) -> dict:
    """Count the files, and write the number beside them."""
    import pathlib

    place = pathlib.Path(root + folder)
    found = sorted(path.name for path in place.iterdir())
    (place / "number").write_text(str(len(found)))
    return {"names": found, "number": folder + "number"}
'''


def act(
    name: str, parameters: dict[str, Any], following: str | None, **more: Any
) -> dict[str, Any]:
    """An Action of the Transfer family."""
    address = {} if "Handler" in more else {"ActionUrl": TRANSFER + name}
    return {
        "Type": "Action",
        **address,
        "Parameters": parameters,
        "ResultPath": f"$.{name}_result",
        **({"Next": following} if following else {"End": True}),
        **more,
    }


def output(run: dict[str, Any]) -> dict[str, Any]:
    assert run["status"] == "SUCCEEDED", run["details"]
    payload: dict[str, Any] = run["details"]["output"]
    return payload


def test_a_directory_is_drained_batch_by_batch(facility: Any) -> None:
    here, there = facility.settings.collections
    listing = "drained.details.DATA"
    pairs = (
        f"[{{'source_path': '/in/' + one.name, 'destination_path': '/out/' + one.name}}"
        f" for one in {listing}]"
    )
    states = {
        "List": act("ls", {"endpoint_id": here.id, "path": "/in/", "limit": 3}, "Empty")
        | {"ResultPath": "$.drained"},
        "Empty": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.drained.details.total", "NumericEquals": 0, "Next": "Done"}
            ],
            "Default": "Name",
        },
        "Name": {
            "Type": "ExpressionEval",
            "Parameters": {
                "copy.=": pairs,
                "gone.=": f"[{{'path': '/in/' + i.name}} for i in {listing}]",
            },
            "ResultPath": "$.items",
            "Next": "Copy",
        },
        "Copy": act(
            "transfer",
            {
                "source_endpoint": here.id,
                "destination_endpoint": there.id,
                "DATA.$": "$.items.copy",
            },
            "Remove",
        ),
        "Remove": act("delete", {"endpoint": here.id, "DATA.$": "$.items.gone"}, "List"),
        "Done": {"Type": "Pass", "End": True},
    }
    for number in range(8):
        path = Path(here.root) / "in" / f"{number}.h5"
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(number))
    (Path(there.root) / "out").mkdir()
    output(facility.run({"StartAt": "List", "States": states}, {}))
    assert list((Path(here.root) / "in").iterdir()) == []
    assert len(list((Path(there.root) / "out").iterdir())) == 8


@pytest.mark.parametrize("exists", [False, True])
def test_a_relay_goes_by_a_directory_named_after_its_run(facility: Any, exists: bool) -> None:
    here, there = facility.settings.collections
    states = {
        "Look": act("stat", {"endpoint_id": there.id, "path.$": "$.to"}, "Decide"),
        "Decide": {
            "Type": "ExpressionEval",
            "Parameters": {
                "is_there.=": "'code' not in stat_result.details",
                "folder.=": "'/relay/' + _context.run_id + '/'",
                "last.=": "from_.rstrip('/').split('/')[-1] if from_ != '/' else 'ROOT'",
            },
            "ResultPath": "$.plan",
            "Next": "Make",
        },
        "Make": act("mkdir", {"endpoint_id": here.id, "path.$": "$.plan.folder"}, "First"),
        "First": act(
            "transfer",
            {
                "source_endpoint": there.id,
                "destination_endpoint": here.id,
                "DATA": [
                    {"source_path.$": "$.from_", "destination_path.=": "plan.folder + plan.last"}
                ],
            },
            "Second",
        ),
        "Second": act(
            "transfer",
            {
                "source_endpoint": here.id,
                "destination_endpoint": there.id,
                "DATA": [
                    {"source_path.=": "plan.folder + plan.last", "destination_path.$": "$.to"}
                ],
            },
            "Clean",
        ),
        "Clean": act(
            "delete",
            {"endpoint": here.id, "recursive": True, "DATA": [{"path.$": "$.plan.folder"}]},
            None,
        ),
    }
    (Path(here.root) / "relay").mkdir()
    (Path(there.root) / "from" / "deep").mkdir(parents=True)
    (Path(there.root) / "from" / "deep" / "one").write_text("1")
    if exists:
        (Path(there.root) / "to").mkdir()
    done = output(
        facility.run({"StartAt": "Look", "States": states}, {"from_": "/from/", "to": "/to/"})
    )
    assert done["plan"]["is_there"] is exists
    assert (Path(there.root) / "to" / "deep" / "one").read_text() == "1"
    assert list((Path(here.root) / "relay").iterdir()) == []


def test_a_function_works_where_data_were_brought_and_its_result_goes_on(
    facility: Any, tmp_path: Path
) -> None:
    here, there = facility.settings.collections
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "count.py").write_text(COUNT)
    function = find_functions(tmp_path / "functions")["count"]
    told = facility.services.compute.register_function(
        {"function_name": "count", "function_code": function.code, "meta": {}}
    )
    [endpoint] = facility.settings.endpoints
    states = {
        "Bring": act(
            "transfer",
            {
                "source_endpoint": here.id,
                "destination_endpoint": there.id,
                "DATA": [
                    {"source_path": "/data/", "destination_path": "/copied/", "recursive": True}
                ],
            },
            "Count",
        ),
        "Count": act(
            "count",
            {
                "endpoint_id": endpoint.id,
                "tasks": [
                    {
                        "function_id": told["function_uuid"],
                        "args": [],
                        "kwargs": {"root": there.root, "folder": "/copied/"},
                    }
                ],
            },
            "Lift",
            Handler={"Type": "ActionProvider", "Url": "https://compute.actions.globus.org/v3"},
        ),
        "Lift": {
            "Type": "Pass",
            "InputPath": "$.count_result.details.results[0].output",
            "ResultPath": "$.counted",
            "Next": "Where",
        },
        "Where": {
            "Type": "ExpressionEval",
            "Parameters": {
                "to.=": "getattr('target', '/' + pathsplit(counted.number)[1])",
                "first.=": "`$.count_result.details.result[0].names[0]`",
            },
            "ResultPath": "$.where",
            "Next": "Back",
        },
        "Back": act(
            "transfer",
            {
                "source_endpoint": there.id,
                "destination_endpoint": here.id,
                "DATA": [{"source_path.$": "$.counted.number", "destination_path.$": "$.where.to"}],
            },
            None,
        ),
    }
    (Path(here.root) / "data").mkdir()
    for name in ("b", "a"):
        (Path(here.root) / "data" / name).write_text(name)
    definition = {"StartAt": "Bring", "States": states}
    flow_id = facility.deploy(definition)
    for body, name in (({}, "number"), ({"target": "/named"}, "named")):
        done = output(facility.wait(facility.start(flow_id, body)))
        assert done["where"]["first"] == "a"
        assert (Path(here.root) / name).read_text() in ("2", "3")


def test_a_transfer_is_signed_off_by_people_who_see_what_it_is(facility: Any) -> None:
    here, there = facility.settings.collections
    states = {
        "Who": act("collection_info", {"endpoint_id.$": "$.wanted.source_endpoint"}, "Ask"),
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "InputType": "Selection",
                "Context": {
                    "PresentationStyle": "Table",
                    "Title": "Copy into the archive?",
                    "Rows": [
                        {
                            "Field": "Who",
                            "Value.=": "(`$.alias` or `$._context.username`) + ' (' "
                            "+ `$._context.user_id` + ')'",
                        },
                        {"Field": "How many", "Value.=": "str(len(`$.wanted.DATA`))"},
                        {"Field": "First", "Value.=": "`$.wanted.DATA[0].source_path`"},
                        {
                            "Field": "From",
                            "Value.$": "$.collection_info_result.details.display_name",
                        },
                    ],
                },
                "Options": [{"Value": "ok", "Label": "Yes"}, {"Value": "no", "Label": "No"}],
            },
            "ResultPath": "$.asked",
            "Next": "Await",
        },
        "Await": {
            "Type": "AwaitWebInput",
            "Parameters": {"web_input_id.$": "$.asked.web_input_id"},
            "ResultPath": "$.answer",
            "Next": "Decide",
        },
        "Decide": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.answer.response", "StringEquals": "ok", "Next": "Copy"}],
            "Default": "Refused",
        },
        "Refused": {"Type": "Fail", "Cause": "No."},
        "Copy": {
            "Type": "Action",
            "ActionUrl": TRANSFER + "transfer",
            "InputPath": "$.wanted",
            "End": True,
        },
    }
    (Path(here.root) / "one").write_text("1")
    item = {"source_path": "/one", "destination_path": "/one", "recursive": False}
    wanted = {
        "source_endpoint": here.id,
        "destination_endpoint": there.id,
        "DATA": [{"DATA_TYPE": "transfer_item", **item}],
        "label": "into the archive",
        "notify_on_failed": True,
        "store_base_path_info": True,
    }
    flow_id = facility.deploy({"StartAt": "Who", "States": states})
    flows = facility.services.flows
    for label, status in (("No", "FAILED"), ("Yes", "SUCCEEDED")):
        run_id = facility.start(flow_id, {"wanted": wanted, "alias": ""})

        def asked(run: str = run_id) -> str | None:
            return flows.get_run(run)["blocking_web_input_id"]

        question = flows.get_web_input(wait_until(asked, "the question"))
        rows = {row["field"]: row["value"] for row in question["context"]["rows"]}
        assert "urn:globus:auth:identity:" in rows["Who"]
        assert (rows["How many"], rows["First"], rows["From"]) == ("1", "/one", here.name)
        chosen = [one["option_id"] for one in question["options"] if one["label"] == label]
        flows.respond_to_web_input(question["id"], chosen[0])
        assert facility.wait(run_id)["status"] == status
        assert (Path(there.root) / "one").exists() is (status == "SUCCEEDED")
