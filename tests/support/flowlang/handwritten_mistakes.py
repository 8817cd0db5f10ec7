"""Single mistakes as people make them, each written out by hand for one of the sound flows.

The kinds are those of public questions, issues and flows: answers read by members that no provider
gives, input schemas that nothing satisfies, texts where a provider takes a boolean or a number,
names in place of ids, times that cannot be, names of failures from elsewhere, and what else was
copied from the Amazon States Language.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tests.support.flowlang.sound_flows import Flow

# In place of a value: the member is taken away.
GONE: Any = object()
Edit = tuple[str, Any]
# By its name: the sound flow, and what is changed; a place begins with ``d`` (the definition) or
# ``s`` (the input schema).
Mistake = tuple[str, list[Edit]]


def _one(flow: str, place: str, value: Any) -> Mistake:
    return flow, [(place, value)]


_STAGE = "d/States/Stage/Parameters"
_WORK = "d/States/Work/Parameters"
_SHARE = "d/States/Share/Parameters"
_ASK = "d/States/Ask/Parameters"
_LOOK = "d/States/Look/Parameters"
_COPY = "d/States/Copy/Parameters"
_TOLD = "d/States/Told/Parameters"
_PLACE = {"type": "object", "required": ["id", "path"],
          "properties": {"id": {"type": "string"}, "path": {"type": "string"}}}  # fmt: skip

UNDOCUMENTED: dict[str, Mistake] = {
    f"{flow}: {path}": _one(flow, place, path)
    for flow, place, path in (
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.foo"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.id"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.output"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.transferred_items"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.result[0].task"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.result"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.output"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.status.code"),
        ("there_and_back", f"{_TOLD}/files.$", "$.processed.details.output"),
        ("there_and_back", f"{_TOLD}/files.$", "$.processed.details.results[0].result"),
        ("there_and_back", f"{_TOLD}/files.$", "$.processed.details.results[0].exception"),
        ("there_and_back", "d/States/Summarise/Parameters/files.=", "staged.details.copied + 1"),
        ("there_and_back", "d/States/Summarise/Parameters/files.=", "staged['details']['foo']"),
        ("there_and_back", "d/States/Summarise/Parameters/files.=", "staged.elapsed"),
        ("move_when_there", "d/States/Done/Parameters/size.$", "$.found.details.exists"),
        ("move_when_there", "d/States/Done/Parameters/size.$", "$.found.details.is_dir"),
        ("move_when_there", "d/States/Done/Parameters/size.$", "$.found.details.DATA[0].size"),
        ("in_batches", "d/States/Any/Choices/0/Variable", "$.listed.details.count"),
        ("in_batches", "d/States/Batch/Parameters/gone.=",
         "[{'path': e.full_path} for e in listed.details.DATA]"),
        ("in_batches", "d/States/Batch/Parameters/gone.=",
         "[{'path': e.name} for e in listed.details.files]"),
        ("asked_first", "d/States/Await/Parameters/web_input_id.$", "$.question.id"),
        ("asked_first", "d/States/Decide/Choices/0/Variable", "$.answer.value"),
        ("asked_first", "d/States/Decide/Choices/0/Variable", "$.answer.details.response"),
        ("with_a_handler", "d/States/TooLate/CausePath", "$.failure.message"),
        ("with_a_handler", "d/States/TooLate/CausePath", "$.failure.error"),
        ("with_a_handler", "d/States/Failed/Parameters/text.=", "'in ' + failure.details.code"),
        ("several_tasks", "d/States/Both/Parameters/who.$", "$._context.start_time"),
        ("several_tasks", "d/States/Both/Parameters/who.$", "$.context.user_id"),
        ("several_tasks", "d/States/Both/Parameters/fit.=", "work.details.results[0].stdout"),
        ("nested_input", "d/States/Collect/Parameters/bytes.=", "TransferData.details.nbytes"),
        ("failures_as_results", "d/States/Went/Choices/0/Variable", "$.copied.state"),
    )
}  # fmt: skip

SCHEMAS: dict[str, Mistake] = {
    "a required name that is no property": _one(
        "there_and_back", "s/required", ["sorce", "scratch", "destination", "worker"]
    ),
    "a required name of an inner object that is no property": _one(
        "there_and_back", "s/properties/source/required", ["id", "folder"]
    ),
    "an enum of texts for a whole number": _one(
        "with_a_handler", "s/properties/threshold", {"type": "number", "enum": ["0.5", "1"]}
    ),
    "a const of another type": _one(
        "nested_input", "s/properties/input/properties/recursive",
        {"type": "boolean", "const": "true"},
    ),
    "a minimum above the maximum": _one(
        "with_a_handler", "s/properties/threshold", {"type": "number", "minimum": 9, "maximum": 1}
    ),
    "an exclusive minimum at the maximum": _one(
        "with_a_handler", "s/properties/threshold",
        {"type": "number", "exclusiveMinimum": 1, "maximum": 1},
    ),
    "a shortest length above the longest": _one(
        "asked_first", "s/properties/title", {"type": "string", "minLength": 80, "maxLength": 8}
    ),
    "fewer items than are needed": _one(
        "optional_label", "s/properties/files",
        {"type": "array", "minItems": 3, "maxItems": 1, "items": {"type": "string"}},
    ),
    "an enum outside the bounds": _one(
        "with_a_handler", "s/properties/threshold", {"enum": [1, 2], "minimum": 5}
    ),
    "an enum that does not fit the pattern": _one(
        "with_a_handler", "s/properties/mode",
        {"enum": ["quick", "thorough"], "pattern": "^[A-Z]+$"},
    ),
    "parts of allOf that exclude one another": _one(
        "asked_first", "s/properties/title", {"allOf": [{"type": "string"}, {"type": "integer"}]}
    ),
    "alternatives of oneOf that are the same": _one(
        "asked_first", "s/properties/title", {"oneOf": [{"type": "string"}, {"type": "string"}]}
    ),
    "alternatives of which the type admits none": _one(
        "asked_first", "s/properties/title",
        {"type": "string", "anyOf": [{"type": "integer"}, {"enum": [1, 2]}]},
    ),
    "a default of another type": _one(
        "optional_label", "s/properties/label", {"type": "string", "default": 5}
    ),
    "a default that the enum lacks": _one(
        "with_a_handler", "s/properties/mode", {"enum": ["quick", "thorough"], "default": "fast"}
    ),
    "a default outside the bounds": _one(
        "with_a_handler", "s/properties/threshold",
        {"type": "number", "minimum": 1, "default": 0},
    ),
    "a default that lacks what is required": _one(
        "there_and_back", "s/properties/source", {**_PLACE, "default": {"path": "/data/"}}
    ),
    "an example of another type": _one(
        "with_a_handler", "s/properties/threshold", {"type": "number", "examples": ["0.5"]}
    ),
    "an example input that the schema refuses": _one(
        "asked_first", "s/examples", [{"title": "Scan 12"}]
    ),
    "type str": _one("asked_first", "s/properties/title/type", "str"),
    "type bool": _one("nested_input", "s/properties/input/properties/recursive/type", "bool"),
    "required as a truth": _one("asked_first", "s/properties/title/required", True),
    "required as a text": _one("asked_first", "s/required", "title"),
    "a pattern that is none": _one("asked_first", "s/properties/title/pattern", "*.h5"),
    "propertys": _one("there_and_back", "s/properties/source",
                      {"type": "object", "propertys": _PLACE["properties"]}),
    "additionalProperty": ("asked_first", [("s/additionalProperties", GONE),
                                           ("s/additionalProperty", False)]),
    "requried": ("asked_first", [("s/required", GONE),
                                 ("s/requried", ["title", "source", "index", "reviewers"])]),
    "minumum": _one("with_a_handler", "s/properties/threshold",
                    {"type": "number", "minumum": 0}),
    "min for a number": _one("with_a_handler", "s/properties/threshold",
                             {"type": "number", "min": 0, "max": 1}),
    "enums": _one("asked_first", "s/properties/title", {"type": "string", "enums": ["a", "b"]}),
    "format uid": _one("asked_first", "s/properties/index", {"type": "string", "format": "uid"}),
    "format uuid4": _one("asked_first", "s/properties/index",
                         {"type": "string", "format": "uuid4"}),
    "format datetime": _one("optional_label", "s/properties/until",
                            {"type": "string", "format": "datetime"}),
    "a reference to what is not there": _one(
        "there_and_back", "s/properties/source", {"$ref": "#/definitions/place"}
    ),
    "an object that is called a text": _one(
        "there_and_back", "s/properties/source/type", "string"
    ),
    "an array that is called an object": _one(
        "optional_label", "s/properties/files",
        {"type": "object", "items": {"type": "string"}, "minItems": 1},
    ),
    "properties of an array": _one(
        "asked_first", "s/properties/reviewers",
        {"type": "array", "properties": {"urn": {"type": "string"}}},
    ),
    "a length of a number": _one(
        "with_a_handler", "s/properties/threshold", {"type": "number", "minLength": 1}
    ),
    "a minimum of a text": _one("asked_first", "s/properties/title",
                                {"type": "string", "minimum": 1}),
    "a name that is required twice": _one(
        "asked_first", "s/required", ["title", "source", "index", "index", "reviewers"]
    ),
}  # fmt: skip

PARAMETERS: dict[str, Mistake] = {
    "recursive as a text": _one("there_and_back", f"{_STAGE}/DATA/0/recursive", "true"),
    "recursive as a number": _one("there_and_back", f"{_STAGE}/DATA/0/recursive", 1),
    "recursive from a text": ("there_and_back", [
        (f"{_STAGE}/DATA/0/recursive", GONE), (f"{_STAGE}/DATA/0/recursive.$", "$.source.path")]),
    "sync_level as a digit": _one("there_and_back", f"{_STAGE}/sync_level", "2"),
    "sync_level 4": _one("there_and_back", f"{_STAGE}/sync_level", 4),
    "verify_checksum yes": _one("there_and_back", f"{_STAGE}/verify_checksum", "yes"),
    "label as a number": ("there_and_back", [(f"{_STAGE}/label.=", GONE), (f"{_STAGE}/label", 7)]),
    "deadline in words": _one("there_and_back", f"{_STAGE}/deadline", "tomorrow"),
    "a collection by its name": ("there_and_back", [
        (f"{_STAGE}/source_endpoint.$", GONE), (f"{_STAGE}/source_endpoint", "Lab workstation")]),
    "a collection by a shortened id": ("there_and_back", [
        (f"{_STAGE}/source_endpoint.$", GONE), (f"{_STAGE}/source_endpoint", "3f2a9c1e")]),
    "a placeholder for a collection": ("there_and_back", [
        (f"{_STAGE}/source_endpoint.$", GONE),
        (f"{_STAGE}/source_endpoint", "<YOUR-COLLECTION-ID>")]),
    "a function by its name": ("several_tasks", [
        (f"{_WORK}/tasks/0/function_id.$", GONE), (f"{_WORK}/tasks/0/function_id", "fit_peaks")]),
    "an endpoint by its name": ("several_tasks", [
        (f"{_WORK}/endpoint_id.$", GONE), (f"{_WORK}/endpoint_id", "cluster")]),
    "a search index by its name": ("asked_first", [
        ("d/States/Publish/Parameters/search_index.$", GONE),
        ("d/States/Publish/Parameters/search_index", "my-index")]),
    "items as texts": _one("there_and_back", f"{_STAGE}/DATA", ["/data/"]),
    "items by source and destination": _one(
        "there_and_back", f"{_STAGE}/DATA",
        [{"source.$": "$.source.path", "destination.$": "$.scratch.path"}]),
    "a path as a list": ("there_and_back", [
        (f"{_STAGE}/DATA/0/source_path.$", GONE), (f"{_STAGE}/DATA/0/source_path", ["/data/"])]),
    "a number as a path": ("there_and_back", [
        (f"{_STAGE}/DATA/0/source_path.$", GONE), (f"{_STAGE}/DATA/0/source_path", 12)]),
    "kwargs as a list": _one("several_tasks", f"{_WORK}/tasks/0/kwargs", ["/data/"]),
    "args as an object": _one("several_tasks", f"{_WORK}/tasks/0/args", {"path": "/data/"}),
    "args as a text": _one("several_tasks", f"{_WORK}/tasks/0/args", "/data/"),
    "an endpoint in each task": _one("several_tasks", f"{_WORK}/tasks/0/endpoint", "cluster"),
    "user_endpoint_config as a text": ("several_tasks", [
        (f"{_WORK}/user_endpoint_config.$", GONE),
        (f"{_WORK}/user_endpoint_config", "nodes=2")]),
    "filter rules by an unknown method": _one(
        "there_and_back", f"{_STAGE}/filter_rules", [{"method": "skip", "name": "*.tmp"}]),
    "limit as a text": _one("in_batches", "d/States/List/Parameters/limit", "100"),
    "a limit below zero": _one("in_batches", "d/States/List/Parameters/limit", -1),
    "a limit of half an entry": _one("in_batches", "d/States/List/Parameters/limit", 0.5),
    "show_hidden as a text": _one("in_batches", "d/States/List/Parameters/show_hidden", "false"),
    "ls of a list of paths": ("in_batches", [
        ("d/States/List/Parameters/path.$", GONE), ("d/States/List/Parameters/path", ["/a/"])]),
    "delete of paths as texts": ("in_batches", [
        ("d/States/Clear/Parameters/DATA.$", GONE),
        ("d/States/Clear/Parameters/DATA", ["/data/old/"])]),
    "delete with paths": ("in_batches", [
        ("d/States/Clear/Parameters/DATA.$", GONE),
        ("d/States/Clear/Parameters/paths", ["/data/old/"])]),
    "a permission in lower case": _one("shared_with_somebody", f"{_SHARE}/operation", "create"),
    "a permission rwx": _one("shared_with_somebody", f"{_SHARE}/permissions", "rwx"),
    "a permission read": _one("shared_with_somebody", f"{_SHARE}/permissions", "read"),
    "a permission removed without its id": _one(
        "shared_with_somebody", f"{_SHARE}/operation", "DELETE"),
    "a principal of type user": ("shared_with_somebody", [
        (f"{_SHARE}/principal_type.$", GONE), (f"{_SHARE}/principal_type", "user")]),
    "a principal of a type that the schema alone allows": _one(
        "shared_with_somebody",
        "s/properties/principal/properties/type",
        {"enum": ["user", "group"]},
    ),
    "visible_to as a text": _one(
        "asked_first", "d/States/Publish/Parameters/visible_to", "public"),
    "content as a text": _one("asked_first", "d/States/Publish/Parameters/content", "a scan"),
    "respondents as addresses": ("asked_first", [
        (f"{_ASK}/RespondentUrns.$", GONE), (f"{_ASK}/RespondentUrns", ["ada@example.org"])]),
    "a respondent that is no list": ("asked_first", [
        (f"{_ASK}/RespondentUrns.$", "$.title")]),
    "options as texts": _one("asked_first", f"{_ASK}/Options", ["publish", "keep"]),
    "two options of one value": _one(
        "asked_first", f"{_ASK}/Options/1/Value", "publish"),
    "an unknown type of input": _one("asked_first", f"{_ASK}/InputType", "Text"),
    "a table without rows": _one("asked_first", f"{_ASK}/Context/Rows", GONE),
    "an echo of a number": ("shared_with_somebody", [
        ("d/States/Greet/Parameters/echo_string.=", GONE),
        ("d/States/Greet/Parameters/echo_string", 5)]),
    "a private list that is a text": _one("there_and_back", f"{_STAGE}/__Private_Parameters",
                                          "label"),
}  # fmt: skip

STATES: dict[str, Mistake] = {
    "a negative WaitTime": _one("there_and_back", "d/States/Stage/WaitTime", -5),
    "a WaitTime in quotes": _one("there_and_back", "d/States/Stage/WaitTime", "86400"),
    "a WaitTime of half a second": _one("there_and_back", "d/States/Stage/WaitTime", 0.5),
    "a WaitTime as a truth": _one("there_and_back", "d/States/Stage/WaitTime", True),
    "a WaitTime in milliseconds": _one("there_and_back", "d/States/Stage/WaitTime", 86_400_000),
    "a WaitTime beyond the life of a run": _one(
        "there_and_back", "d/States/Stage/WaitTime", 10**10),
    "a negative Seconds": _one("tried_again", "d/States/Pause/Seconds", -5),
    "Seconds in quotes": _one("tried_again", "d/States/Pause/Seconds", "600"),
    "half a second": _one("tried_again", "d/States/Pause/Seconds", 0.5),
    "Seconds of two years": _one("tried_again", "d/States/Pause/Seconds", 63_072_000),
    "Seconds and SecondsPath": _one("polling", "d/States/Wait/Seconds", 5),
    "Seconds from a path": ("tried_again", [("d/States/Pause/Seconds", "$.attempt.number")]),
    "a Wait in minutes": ("tried_again", [("d/States/Pause/Seconds", GONE),
                                          ("d/States/Pause/Minutes", 10)]),
    "SecondsPath of a negative constant": _one(
        "polling", "d/States/Begin/Result/seconds", -60),
    "SecondsPath of a text": _one("polling", "d/States/Begin/Result/seconds", "60"),
    "a day as a Timestamp": ("tried_again", [("d/States/Pause/Seconds", GONE),
                                             ("d/States/Pause/Timestamp", "2031-05-01")]),
    "a Timestamp without a zone": ("tried_again", [
        ("d/States/Pause/Seconds", GONE), ("d/States/Pause/Timestamp", "2031-05-01T00:00:00")]),
    "a Timestamp with a month 13": ("tried_again", [
        ("d/States/Pause/Seconds", GONE), ("d/States/Pause/Timestamp", "2031-13-01T00:00:00Z")]),
    "a Timestamp as a number": ("tried_again", [("d/States/Pause/Seconds", GONE),
                                                ("d/States/Pause/Timestamp", 1935360000)]),
    "RunAs in lower case": _one("there_and_back", "d/States/Stage/RunAs", "user"),
    "RunAs an unknown role": _one("there_and_back", "d/States/Stage/RunAs", "Admin"),
    "RunAs a role in a flow whose input admits more": ("there_and_back", [
        ("s/additionalProperties", GONE), ("d/States/Stage/RunAs", "Administrator")]),
    "ExceptionOnActionFailure in quotes": _one(
        "there_and_back", "d/States/Stage/ExceptionOnActionFailure", "false"),
    "Catch as an object": _one("with_a_handler", "d/States/Stage/Catch",
                               {"ErrorEquals": ["States.ALL"], "Next": "Failed"}),
    "ErrorEquals as a text": _one("with_a_handler", "d/States/Stage/Catch/0/ErrorEquals",
                                  "States.ALL"),
    "ErrorEquals of nothing": _one("with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", []),
    "a catch-all as a star": _one("with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", ["*"]),
    "a catch-all as ALL": _one("with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", ["ALL"]),
    "a failure of Amazon's tasks": _one(
        "with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", ["States.TaskFailed"]),
    "a time-out of Amazon's": _one(
        "with_a_handler", "d/States/Process/Catch/0/ErrorEquals", ["States.Timeout"]),
    "a Python exception": _one(
        "with_a_handler", "d/States/Process/Catch/0/ErrorEquals", ["TimeoutError"]),
    "a status as a failure": _one(
        "with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", ["FAILED"]),
    "the catch-all before others": _one(
        "with_a_handler", "d/States/Process/Catch/0/ErrorEquals", ["States.ALL"]),
    "a catcher back to its own state": _one(
        "with_a_handler", "d/States/Stage/Catch/0/Next", "Stage"),
    "Retry": _one("there_and_back", "d/States/Stage/Retry",
                  [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3}]),
    "OutputPath": _one("there_and_back", "d/States/Stage/OutputPath", "$.details"),
    "Next and End": _one("there_and_back", "d/States/Stage/End", True),
    "neither Next nor End": _one("there_and_back", "d/States/Stage/Next", GONE),
    "End false": ("there_and_back", [("d/States/Told/End", False)]),
    "a state that nothing leads to": _one("there_and_back", "d/States/Stage/Next", "Publish"),
    "a result in place of an input that is read later": _one(
        "there_and_back", "d/States/Stage/ResultPath", "$.scratch"),
    "a result in place of the function's ids": _one(
        "several_tasks", "d/States/MakeDirectory/ResultPath", "$.functions"),
    "a result in place of an id": _one(
        "several_tasks", "d/States/MakeDirectory/ResultPath", "$.endpoint"),
    "a failure in place of the input": _one(
        "tried_again", "d/States/Try/Catch/0/ResultPath", "$.source"),
    "ResultPath null": _one("there_and_back", "d/States/Stage/ResultPath", None),
    "ResultPath without $": _one("there_and_back", "d/States/Stage/ResultPath", "staged"),
    "ResultPath of an item": _one("there_and_back", "d/States/Stage/ResultPath", "$.staged[0]"),
    "ResultPath into the context": _one(
        "there_and_back", "d/States/Stage/ResultPath", "$._context.staged"),
    "Result beside Parameters": _one("there_and_back", "d/States/Told/Result", {"done": True}),
    "a path in a Result": _one("polling", "d/States/Begin/Result", {"seconds": "$.job"}),
    "an address without https": _one(
        "there_and_back", "d/States/Stage/ActionUrl", "transfer.actions.globus.org/transfer"),
    "an address with a blank at its end": _one(
        "there_and_back", "d/States/Stage/ActionUrl",
        "https://transfer.actions.globus.org/transfer "),
    "the web app as an address": _one(
        "there_and_back", "d/States/Stage/ActionUrl", "https://app.globus.org/file-manager"),
    "Transfer's API as an address": _one(
        "there_and_back", "d/States/Stage/ActionUrl",
        "https://transfer.api.globus.org/v0.10/transfer"),
    "a flow by its title": _one(
        "several_tasks", "d/States/Follow/ActionUrl", "https://flows.globus.org/flows/Follow up"),
    "a flow's page as an address": _one(
        "several_tasks", "d/States/Follow/ActionUrl", "https://app.globus.org/flows/follow-up"),
}  # fmt: skip

_KIND = "d/States/Kind/Choices/0"
_QUALITY = "d/States/Quality/Choices"
CHOICES: dict[str, Mistake] = {
    "a number with a text": _one("with_a_handler", f"{_QUALITY}/1",
                                 {"Variable": "$.threshold", "StringEquals": "0.5",
                                  "Next": "Strict"}),
    "a text with a number": _one("with_a_handler", f"{_QUALITY}/0",
                                 {"Variable": "$.mode", "NumericEquals": 1, "Next": "Done"}),
    "a text as a truth": _one("with_a_handler", f"{_QUALITY}/0",
                              {"Variable": "$.mode", "BooleanEquals": True, "Next": "Done"}),
    "a number as a time": _one("with_a_handler", f"{_QUALITY}/1",
                               {"Variable": "$.threshold",
                                "TimestampLessThan": "2031-01-01T00:00:00Z", "Next": "Strict"}),
    "an object as a text": _one("move_when_there", f"{_KIND}/Variable", "$.source"),
    "a literal of another type": _one("with_a_handler", f"{_QUALITY}/1/NumericGreaterThan", "0.5"),
    "IsPresent in quotes": _one("move_when_there", "d/States/IsThere/Choices/0/IsPresent", "true"),
    "a time in words": ("optional_label", [
        ("d/States/When/Choices/0/And/1/TimestampGreaterThan", "tomorrow")]),
    "a value that the enum lacks": _one("with_a_handler", f"{_QUALITY}/0/StringEquals", "fast"),
    "a value in another case": _one("move_when_there", f"{_KIND}/StringEquals", "Dir"),
    "a type that stat does not give": _one("move_when_there", f"{_KIND}/StringEquals",
                                           "directory"),
    "a status that no action has": _one(
        "failures_as_results", "d/States/Went/Choices/0/StringEquals", "SUCCESS"),
    "a status in lower case": _one(
        "failures_as_results", "d/States/Went/Choices/0/StringEquals", "succeeded"),
    "an answer that is no option": _one(
        "asked_first", "d/States/Decide/Choices/0/StringEquals", "Publish"),
    "a rule twice": ("with_a_handler", [(f"{_QUALITY}/1", {
        "Variable": "$.mode", "StringEquals": "quick", "Next": "Strict"})]),
    "bounds that exclude one another": ("with_a_handler", [(f"{_QUALITY}/1", {
        "And": [{"Variable": "$.threshold", "NumericGreaterThan": 5},
                {"Variable": "$.threshold", "NumericLessThan": 3}], "Next": "Strict"})]),
    "two values at once": ("with_a_handler", [(f"{_QUALITY}/0", {
        "And": [{"Variable": "$.mode", "StringEquals": "quick"},
                {"Variable": "$.mode", "StringEquals": "thorough"}], "Next": "Done"})]),
    "either of two values is another": ("shared_with_somebody", [
        ("d/States/Guest/Choices/0", {"Or": [
            {"Not": {"Variable": "$.info.details.entity_type",
                     "StringEquals": "GCP_guest_collection"}},
            {"Not": {"Variable": "$.info.details.entity_type",
                     "StringEquals": "GCSv5_guest_collection"}}], "Next": "Copy"})]),
    "a pattern compared as a text": ("asked_first", [
        ("d/States/Decide/Choices/0", {"Variable": "$.source.path", "StringEquals": "*.h5",
                                       "Next": "Publish"})]),
    "no Next": _one("move_when_there", f"{_KIND}/Next", GONE),
    "no Default": _one("move_when_there", "d/States/Kind/Default", GONE),
    "a Default that is a rule": _one("move_when_there", "d/States/Kind/Default",
                                     {"Next": "NoDirectory"}),
    "two operators": _one("move_when_there", f"{_KIND}/IsPresent", True),
    "Choices as an object": _one("move_when_there", "d/States/Kind/Choices",
                                 {"Variable": "$.mode", "IsPresent": True, "Next": "Move"}),
    "a Variable without $": _one("move_when_there", f"{_KIND}/Variable", "found.details.type"),
    "a Variable that is an expression": _one("move_when_there", f"{_KIND}/Variable",
                                             "$.found.details.type == 'dir'"),
    "Equals": ("move_when_there", [(f"{_KIND}/StringEquals", GONE), (f"{_KIND}/Equals", "dir")]),
}  # fmt: skip

_TEXT = "d/States/Failed/Parameters/text.="
EXPRESSIONS: dict[str, Mistake] = {
    f"expression: {text}": _one("with_a_handler", _TEXT, text)
    for text in (
        "'failed in ' + threshold",
        "'failed in ' + $.failure.state_name",
        "'{} failed'.form(failure.state_name)",
        "os.path.basename(source.path)",
        "basename(source.path)",
        "now()",
        "lambda: source.path",
        "text = source.path",
        "source.path.name",
        "source.path.split('/')[-1].stem",
        "len(threshold)",
        "mode if threshold > '1' else 'x'",
        "mode == 'quick' ? 'a' : 'b'",
        "mode && source.path",
        "!mode",
        "'a' if quick else 'b'",
        "str(true)",
        "null",
        "source.path + / + mode",
        "'failed in ${failure.state_name}'",
        "'failed in {failure.state_name}'",
        "'failed in ' + failure.state_nam",
        "failure.cause.trim().foo(",
        "'failed in ' + mode + source",
        "States.Format('failed in {}', mode)",
        "[mode][1]",
        "1 / 0",
        "import os",
    )
}

KINDS: Mapping[str, Mapping[str, Mistake]] = {
    "undocumented members": UNDOCUMENTED,
    "schemas": SCHEMAS,
    "parameters": PARAMETERS,
    "states": STATES,
    "choices": CHOICES,
    "expressions": EXPRESSIONS,
}


def _step(holder: Any, name: str) -> Any:
    return int(name) if isinstance(holder, list) else name


def mistaken(flows: Mapping[str, Flow], mistake: Mistake) -> tuple[Any, Any]:
    """A sound flow's definition and input schema with the mistake."""
    name, edits = mistake
    document = dict(zip("ds", copy.deepcopy(flows[name]), strict=True))
    for place, value in edits:
        names = place.split("/")
        holder: Any = document
        for step in names[:-1]:
            holder = holder[_step(holder, step)]
        last = _step(holder, names[-1])
        if value is GONE:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(value)
    return document["d"], document["s"]
