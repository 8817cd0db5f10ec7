"""Sound flows that look like people's: of none of them the checker has anything to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Flow = tuple[dict[str, Any], dict[str, Any]]

TRANSFER = "https://transfer.actions.globus.org/"
COMPUTE = "https://compute.actions.globus.org/v3"
ACTIONS = "https://actions.globus.org/"
TEXT = {"type": "string"}
ID = {"type": "string", "format": "uuid"}
END = {"Type": "Pass", "End": True}


def closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """A schema of an object with these members and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


PLACE = closed({"id": ID, "path": TEXT})
WORKER = closed({"endpoint": ID, "function": ID})


def act(url: str, parameters: dict[str, Any], result: str, to: str | None, **more: Any) -> Any:
    """An Action; ``to`` is the next state, None the end."""
    way = {"End": True} if to is None else {"Next": to}
    return {
        "Type": "Action",
        "ActionUrl": url,
        "Parameters": parameters,
        "ResultPath": result,
        **more,
        **way,
    }


def evaluate(parameters: dict[str, Any], result: str, to: str | None) -> Any:
    """An ExpressionEval."""
    way = {"End": True} if to is None else {"Next": to}
    return {"Type": "ExpressionEval", "Parameters": parameters, "ResultPath": result, **way}


def copy(source: str, destination: str, result: str, to: str | None, **more: Any) -> Any:
    """A transfer of a directory between two places of the payload."""
    parameters = {
        "source_endpoint.$": f"$.{source}.id",
        "destination_endpoint.$": f"$.{destination}.id",
        "label.=": f"'from ' + {source}.path",
        "sync_level": 2,
        "verify_checksum": True,
        "DATA": [
            {
                "source_path.$": f"$.{source}.path",
                "destination_path.$": f"$.{destination}.path",
                "recursive": True,
            }
        ],
    }
    return act(f"{TRANSFER}transfer", parameters, result, to, WaitTime=86400, **more)


def compute(kwargs: dict[str, Any], result: str, to: str | None, **more: Any) -> Any:
    """One task at the payload's worker."""
    parameters = {
        "endpoint_id.$": "$.worker.endpoint",
        "tasks": [{"function_id.$": "$.worker.function", "kwargs": kwargs}],
    }
    return act(COMPUTE, parameters, result, to, WaitTime=172800, **more)


def rule(path: str, operator: str, operand: Any, to: str | None = None) -> dict[str, Any]:
    """A rule of a Choice."""
    made = {"Variable": path, operator: operand}
    return {**made, "Next": to} if to else made


def choose(rules: list[dict[str, Any]], default: str) -> dict[str, Any]:
    """A Choice."""
    return {"Type": "Choice", "Choices": rules, "Default": default}


def caught(to: str, *errors: str, path: str = "$.failure") -> list[dict[str, Any]]:
    """One catcher."""
    return [{"ErrorEquals": list(errors) or ["States.ALL"], "ResultPath": path, "Next": to}]


def flow(start: str, **states: Any) -> dict[str, Any]:
    """A definition."""
    return {"Comment": f"begins at {start}", "StartAt": start, "States": states}


def there_and_back() -> Flow:
    """Data go to a cluster, are worked on, and come back."""
    states = {
        "Stage": copy("source", "scratch", "$.staged", "Process"),
        "Process": compute({"directory.$": "$.scratch.path", "run.$": "$._context.run_id"},
                           "$.processed", "Summarise"),
        "Summarise": evaluate({"files.=": "staged.details.files_transferred",
                               "score.=": "processed.details.result[0].score"},
                              "$.summary", "Publish"),
        "Publish": copy("scratch", "destination", "$.published", "Told"),
        "Told": {"Type": "Pass", "Parameters": {"files.$": "$.summary.files",
                                                "task.$": "$.published.details.task_id"},
                 "ResultPath": "$.told", "End": True},
    }  # fmt: skip
    places = dict.fromkeys(("source", "scratch", "destination"), PLACE)
    return flow("Stage", **states), closed({**places, "worker": WORKER})


def move_when_there() -> Flow:
    """A path is moved if it is there, and where it is told if it is not."""
    look = {"endpoint_id.$": "$.source.id", "path.$": "$.source.path"}
    remove = {"endpoint.$": "$.source.id", "recursive": True, "ignore_missing": True,
              "DATA": [{"path.$": "$.source.path"}]}  # fmt: skip
    states = {
        "Look": act(f"{TRANSFER}stat", look, "$.found", "IsThere"),
        "IsThere": choose([rule("$.found.details.code", "IsPresent", True, "NotThere")], "Kind"),
        "Kind": choose([rule("$.found.details.type", "StringEquals", "dir", "Move")],
                       "NoDirectory"),
        "Move": copy("source", "destination", "$.moved", "Remove"),
        "Remove": act(f"{TRANSFER}delete", remove, "$.removed", "Done", WaitTime=7200),
        "Done": {"Type": "Pass", "Parameters": {"size.$": "$.found.details.size",
                                                "files.$": "$.moved.details.files"},
                 "ResultPath": "$.report", "End": True},
        "NotThere": {"Type": "Fail", "Error": "NotThere", "CausePath": "$.source.path"},
        "NoDirectory": {"Type": "Fail", "Error": "NoDirectory", "Cause": "a file, not a directory"},
    }  # fmt: skip
    return flow("Look", **states), closed({"source": PLACE, "destination": PLACE})


def in_batches() -> Flow:
    """A directory is emptied, a hundred entries at a time."""
    listing = {"endpoint_id.$": "$.source.id", "path.$": "$.source.path", "limit": 100}
    data = ("[{'source_path': source.path + e.name, 'destination_path': destination.path + e.name}"
            " for e in listed.details.DATA]")  # fmt: skip
    gone = "[{'path': source.path + e.name} for e in listed.details.DATA]"
    moving = {"source_endpoint.$": "$.source.id", "destination_endpoint.$": "$.destination.id",
              "DATA.$": "$.batch.items"}  # fmt: skip
    removing = {"endpoint.$": "$.source.id", "DATA.$": "$.batch.gone", "recursive": True}
    states = {
        "List": act(f"{TRANSFER}ls", listing, "$.listed", "Any"),
        "Any": choose([rule("$.listed.details.total", "NumericGreaterThan", 0, "Batch")], "Empty"),
        "Batch": evaluate({"items.=": data,
                           "gone.=": gone},
                          "$.batch", "Copy"),
        "Copy": act(f"{TRANSFER}transfer", moving, "$.copied", "Clear", WaitTime=43200),
        "Clear": act(f"{TRANSFER}delete", removing, "$.cleared", "List", WaitTime=43200),
        "Empty": END,
    }  # fmt: skip
    return flow("List", **states), closed({"source": PLACE, "destination": PLACE})


def shared_with_somebody() -> Flow:
    """Files go to a guest collection and are shared with a person or a group."""
    grant = {
        "operation": "CREATE", "endpoint_id.$": "$.destination.id",
        "path.$": "$.destination.path", "permissions": "r",
        "principal_type.$": "$.principal.type", "principal.$": "$.principal.id",
    }  # fmt: skip
    states = {
        "Info": act(f"{TRANSFER}collection_info", {"endpoint_id.$": "$.destination.id"}, "$.info",
                    "Guest"),
        "Guest": choose([{"Or": [
            rule("$.info.details.entity_type", "StringEquals", "GCP_guest_collection"),
            rule("$.info.details.entity_type", "StringEquals", "GCSv5_guest_collection"),
        ], "Next": "Copy"}], "NoGuest"),
        "Copy": copy("source", "destination", "$.copied", "Share"),
        "Share": act(f"{TRANSFER}manage_permission", grant, "$.shared", "Greet"),
        "Greet": act(f"{ACTIONS}hello_world", {"echo_string.=": "'shared ' + destination.path"},
                     "$.greeting", None),
        "NoGuest": {"Type": "Fail", "Error": "NoGuestCollection", "CausePath": "$.destination.id"},
    }  # fmt: skip
    principal = closed({"type": {"enum": ["identity", "group"]}, "id": ID})
    schema = closed({"source": PLACE, "destination": PLACE, "principal": principal})
    return flow("Info", **states), schema


def with_a_handler() -> Flow:
    """A failure of the work is told before the run fails."""
    states = {
        "Stage": copy("source", "scratch", "$.staged", "Process", Catch=caught("Failed")),
        "Process": compute({"path.$": "$.scratch.path", "mode.$": "$.mode"}, "$.job", "Quality",
                           Catch=[*caught("TooLate", "ActionTimeout"), *caught("Failed")]),
        "Quality": choose([rule("$.mode", "StringEquals", "quick", "Done"),
                           rule("$.threshold", "NumericGreaterThan", 0.5, "Strict")], "Done"),
        "Strict": {"Type": "Wait", "Seconds": 60, "Next": "Done"},
        "Done": evaluate({"label.=": "mode + ' ' + source.path", "limit.$": "$.threshold",
                          "score.=": "job.details.result[0].score"}, "$.outcome", None),
        "TooLate": {"Type": "Fail", "Error": "TooLate", "CausePath": "$.failure.exception"},
        "Failed": evaluate({"text.=": "'failed in ' + failure.state_name",
                            "cause.$": "$.failure.cause"}, "$.told", "Stop"),
        "Stop": {"Type": "Fail", "Error": "Stopped", "CausePath": "$.told.text"},
    }  # fmt: skip
    schema = closed({
        "source": PLACE, "scratch": PLACE, "worker": WORKER,
        "mode": {"enum": ["quick", "thorough"]}, "threshold": {"type": "number"},
    })  # fmt: skip
    return flow("Stage", **states), schema


def failures_as_results() -> Flow:
    """A failed transfer is a result; its status decides."""
    states = {
        "Copy": copy("source", "destination", "$.copied", "Went", ExceptionOnActionFailure=False),
        "Went": choose([rule("$.copied.status", "StringEquals", "SUCCEEDED", "Report")], "Again"),
        "Again": copy("source", "destination", "$.again", "Report"),
        "Report": evaluate({"first.$": "$.copied.status", "to.$": "$.destination.path"},
                           "$.report", None),
    }  # fmt: skip
    return flow("Copy", **states), closed({"source": PLACE, "destination": PLACE})


def polling() -> Flow:
    """A queue is asked less and less often."""
    states = {
        "Begin": {"Type": "Pass", "Result": {"seconds": 60}, "ResultPath": "$.pause",
                  "Next": "Ask"},
        "Ask": compute({"job.$": "$.job"}, "$.answer", "Ready"),
        "Ready": choose([rule("$.answer.details.result[0].state", "StringEquals", "done", "End")],
                        "Wait"),
        "Wait": {"Type": "Wait", "SecondsPath": "$.pause.seconds", "Next": "Longer"},
        "Longer": evaluate({"seconds.=": "pause.seconds * 2 if pause.seconds < 300 else 600"},
                           "$.pause", "Ask"),
        "End": {"Type": "Pass", "Parameters": {"job.$": "$.job"}, "ResultPath": "$.done",
                   "End": True},
    }  # fmt: skip
    return flow("Begin", **states), closed({"job": TEXT, "worker": WORKER})


def asked_first() -> Flow:
    """Somebody says whether results are published."""
    question = {
        "InputType": "Selection",
        "Context": {"PresentationStyle": "Table", "Title.=": "'Publish ' + title + '?'",
                    "Rows": [{"Field": "Title", "Value.$": "$.title"},
                             {"Field": "From", "Value.=": "source.path"}]},
        "Options": [{"Value": "publish", "Label": "Publish", "Description": "for all to see"},
                    {"Value": "keep", "Label": "Keep"}],
        "RespondentUrns.$": "$.reviewers",
    }  # fmt: skip
    entry = {"search_index.$": "$.index", "subject.$": "$.title", "visible_to": ["public"],
             "content": {"id.$": "$.source.id", "path.$": "$.source.path"}}  # fmt: skip
    states = {
        "Ask": {"Type": "CreateWebInput", "Parameters": question, "ResultPath": "$.question",
                "Next": "Await"},
        "Await": {"Type": "AwaitWebInput",
                  "Parameters": {"web_input_id.$": "$.question.web_input_id"},
                  "ResultPath": "$.answer", "Next": "Decide",
                  "Catch": caught("Kept", "Flows.WebInputExpired")},
        "Decide": choose([rule("$.answer.response", "StringEquals", "publish", "Publish")], "Kept"),
        "Publish": act(f"{ACTIONS}search/ingest", entry, "$.ingested", None),
        "Kept": END,
    }  # fmt: skip
    schema = closed({"title": TEXT, "source": PLACE, "index": ID,
                     "reviewers": {"type": "array", "items": TEXT}})  # fmt: skip
    return flow("Ask", **states), schema


def nested_input() -> Flow:
    """Everything stands below ``input``, as Gladier has it."""
    stage = {
        "source_endpoint.$": "$.input.source_endpoint_id",
        "destination_endpoint.$": "$.input.destination_endpoint_id",
        "DATA": [{"source_path.$": "$.input.source_path",
                  "destination_path.$": "$.input.destination_path",
                  "recursive.$": "$.input.recursive"}],
    }  # fmt: skip
    work = {"endpoint.$": "$.input.compute_endpoint", "function.$": "$.input.plot_function",
            "kwargs.$": "$.input.plot_arguments"}  # fmt: skip
    states = {
        "TransferData": act(f"{TRANSFER}transfer", stage, "$.TransferData", "MakePlots",
                            WaitTime=28800),
        "MakePlots": act("https://compute.actions.globus.org", work, "$.MakePlots", "Collect",
                         WaitTime=28800),
        "Collect": evaluate({"plots.=": "[plot.name for plot in MakePlots.details.result[0].plots]",
                             "bytes.=": "TransferData.details.bytes_transferred"},
                            "$.Collected", "Count"),
        "Count": evaluate({"number.=": "len(Collected.plots)", "bytes.$": "$.Collected.bytes"},
                          "$.Counted", None),
    }  # fmt: skip
    names = ("source_endpoint_id", "destination_endpoint_id", "compute_endpoint", "plot_function")
    given = closed({
        **dict.fromkeys(names, ID), "source_path": TEXT, "destination_path": TEXT,
        "recursive": {"type": "boolean"}, "plot_arguments": {"type": "object"},
    })  # fmt: skip
    return flow("TransferData", **states), closed({"input": given})


def optional_label() -> Flow:
    """What an input need not bring is looked for first."""
    states = {
        "HasLabel": choose([rule("$.label", "IsPresent", True, "Copy")], "MakeLabel"),
        "MakeLabel": {"Type": "Pass", "Parameters": {"text.=": "'run ' + _context.run_id"},
                      "ResultPath": "$.made", "Next": "UseMade"},
        "UseMade": {"Type": "Pass", "InputPath": "$.made.text", "ResultPath": "$.label",
                    "Next": "Copy"},
        "Copy": act(f"{TRANSFER}transfer", {
            "source_endpoint.$": "$.source.id", "destination_endpoint.$": "$.destination.id",
            "label.$": "$.label", "DATA": [{"source_path.=": "source.path + files[0]",
                                            "destination_path.=": "destination.path + files[0]"}],
        }, "$.copied", "When", WaitTime=36000),
        "When": choose([{"And": [rule("$.until", "IsPresent", True),
                                 rule("$.until", "TimestampGreaterThan", "2026-01-01T00:00:00Z")],
                         "Next": "Later"}], "Finish"),
        "Later": {"Type": "Wait", "TimestampPath": "$.until", "Next": "Finish"},
        "Finish": {"Type": "Pass", "Parameters": {"task.$": "$.copied.details.task_id",
                                                  "user.$": "$._context.username"},
                   "ResultPath": "$.done", "End": True},
    }  # fmt: skip
    files = {"type": "array", "items": TEXT, "minItems": 1}
    schema = closed({"source": PLACE, "destination": PLACE, "files": files},
                    {"label": TEXT, "until": TEXT})  # fmt: skip
    return flow("HasLabel", **states), schema


def several_tasks() -> Flow:
    """Two functions run at once, and a directory is made for what they write."""
    tasks = [
        {"function_id.$": "$.functions.fit", "kwargs": {"path.$": "$.scratch.path"}},
        {"function_id.$": "$.functions.plot", "kwargs": {"path.$": "$.scratch.path"}},
    ]
    states = {
        "MakeDirectory": act(f"{TRANSFER}mkdir",
                             {"endpoint_id.$": "$.scratch.id", "path.$": "$.scratch.path"},
                             "$.made", "Work", Catch=caught("Work", "ActionFailedException")),
        "Work": act(COMPUTE, {"endpoint_id.$": "$.endpoint", "user_endpoint_config.$": "$.options",
                              "tasks": tasks}, "$.work", "Both", WaitTime=90000),
        "Both": evaluate({"fit.=": "work.details.results[0].output",
                          "plot.=": "work.details.results[1].output",
                          "who.$": "$._context.user_id"}, "$.both", "Follow"),
        "Follow": act("https://flows.globus.org/flows/follow-up",
                      {"fit.$": "$.both.fit", "plot.$": "$.both.plot"}, "$.followed", "Note",
                      WaitTime=86400),
        "Note": {"Type": "Pass", "Parameters": {"run.$": "$.followed.action_id"},
                 "ResultPath": "$.note", "End": True},
    }  # fmt: skip
    schema = closed({"scratch": PLACE, "endpoint": ID, "options": {"type": "object"},
                     "functions": closed({"fit": ID, "plot": ID})})  # fmt: skip
    return flow("MakeDirectory", **states), schema


def tried_again() -> Flow:
    """What fails is tried three times."""
    states = {
        "First": {"Type": "Pass", "Result": {"number": 1}, "ResultPath": "$.attempt",
                  "Next": "Try"},
        "Try": copy("source", "destination", "$.copied", "Done",
                    Catch=caught("More", "ActionFailedException", "ActionTimeout")),
        "More": choose([rule("$.attempt.number", "NumericLessThan", 3, "Pause")], "GiveUp"),
        "Pause": {"Type": "Wait", "Seconds": 600, "Next": "Next"},
        "Next": evaluate({"number.=": "attempt.number + 1"}, "$.attempt", "Try"),
        "GiveUp": {"Type": "Fail", "Error": "GivenUp", "CausePath": "$.failure.exception"},
        "Done": evaluate({"attempts.$": "$.attempt.number",
                          "faults.=": "copied.details.faults + 0"}, "$.report", None),
    }  # fmt: skip
    return flow("First", **states), closed({"source": PLACE, "destination": PLACE})


def sound_flows(repository: Path) -> dict[str, Flow]:
    """All sound flows: these, and those of the project.

    Args:
        repository: the project's root.
    """
    made = (
        there_and_back, move_when_there, in_batches, shared_with_somebody, with_a_handler,
        failures_as_results, polling, asked_first, nested_input, optional_label, several_tasks,
        tried_again,
    )  # fmt: skip
    found = {function.__name__: function() for function in made}
    for file in sorted((repository / "flows").glob("*/definition.json")):
        schema = file.with_name("input_schema.json")
        found[file.parent.name] = (json.loads(file.read_text()), json.loads(schema.read_text()))
    return found
