"""Parameters that a provider refuses: texts for booleans and numbers, names for ids."""

from __future__ import annotations

from tests.support.flowlang.handwritten_mistakes.edits import GONE, Mistake, edit

_STAGE = "d/States/Stage/Parameters"
_WORK = "d/States/Work/Parameters"
_SHARE = "d/States/Share/Parameters"
_ASK = "d/States/Ask/Parameters"
PARAMETERS: dict[str, Mistake] = {
    "recursive as a text": edit("there_and_back", f"{_STAGE}/DATA/0/recursive", "true"),
    "recursive as a number": edit("there_and_back", f"{_STAGE}/DATA/0/recursive", 1),
    "recursive from a text": ("there_and_back", [
        (f"{_STAGE}/DATA/0/recursive", GONE), (f"{_STAGE}/DATA/0/recursive.$", "$.source.path")]),
    "sync_level as a digit": edit("there_and_back", f"{_STAGE}/sync_level", "2"),
    "sync_level 4": edit("there_and_back", f"{_STAGE}/sync_level", 4),
    "verify_checksum yes": edit("there_and_back", f"{_STAGE}/verify_checksum", "yes"),
    "label as a number": ("there_and_back", [(f"{_STAGE}/label.=", GONE), (f"{_STAGE}/label", 7)]),
    "deadline in words": edit("there_and_back", f"{_STAGE}/deadline", "tomorrow"),
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
    "items as texts": edit("there_and_back", f"{_STAGE}/DATA", ["/data/"]),
    "items by source and destination": edit(
        "there_and_back", f"{_STAGE}/DATA",
        [{"source.$": "$.source.path", "destination.$": "$.scratch.path"}]),
    "a path as a list": ("there_and_back", [
        (f"{_STAGE}/DATA/0/source_path.$", GONE), (f"{_STAGE}/DATA/0/source_path", ["/data/"])]),
    "a number as a path": ("there_and_back", [
        (f"{_STAGE}/DATA/0/source_path.$", GONE), (f"{_STAGE}/DATA/0/source_path", 12)]),
    "kwargs as a list": edit("several_tasks", f"{_WORK}/tasks/0/kwargs", ["/data/"]),
    "args as an object": edit("several_tasks", f"{_WORK}/tasks/0/args", {"path": "/data/"}),
    "args as a text": edit("several_tasks", f"{_WORK}/tasks/0/args", "/data/"),
    "an endpoint in each task": edit("several_tasks", f"{_WORK}/tasks/0/endpoint", "cluster"),
    "user_endpoint_config as a text": ("several_tasks", [
        (f"{_WORK}/user_endpoint_config.$", GONE),
        (f"{_WORK}/user_endpoint_config", "nodes=2")]),
    "filter rules by an unknown method": edit(
        "there_and_back", f"{_STAGE}/filter_rules", [{"method": "skip", "name": "*.tmp"}]),
    "limit as a text": edit("in_batches", "d/States/List/Parameters/limit", "100"),
    "a limit below zero": edit("in_batches", "d/States/List/Parameters/limit", -1),
    "a limit of half an entry": edit("in_batches", "d/States/List/Parameters/limit", 0.5),
    "show_hidden as a text": edit("in_batches", "d/States/List/Parameters/show_hidden", "false"),
    "ls of a list of paths": ("in_batches", [
        ("d/States/List/Parameters/path.$", GONE), ("d/States/List/Parameters/path", ["/a/"])]),
    "delete of paths as texts": ("in_batches", [
        ("d/States/Clear/Parameters/DATA.$", GONE),
        ("d/States/Clear/Parameters/DATA", ["/data/old/"])]),
    "delete with paths": ("in_batches", [
        ("d/States/Clear/Parameters/DATA.$", GONE),
        ("d/States/Clear/Parameters/paths", ["/data/old/"])]),
    "a permission in lower case": edit("shared_with_somebody", f"{_SHARE}/operation", "create"),
    "a permission rwx": edit("shared_with_somebody", f"{_SHARE}/permissions", "rwx"),
    "a permission read": edit("shared_with_somebody", f"{_SHARE}/permissions", "read"),
    "a permission removed without its id": edit(
        "shared_with_somebody", f"{_SHARE}/operation", "DELETE"),
    "a principal of type user": ("shared_with_somebody", [
        (f"{_SHARE}/principal_type.$", GONE), (f"{_SHARE}/principal_type", "user")]),
    "a principal of a type that the schema alone allows": edit(
        "shared_with_somebody",
        "s/properties/principal/properties/type",
        {"enum": ["user", "group"]},
    ),
    "visible_to as a text": edit(
        "asked_first", "d/States/Publish/Parameters/visible_to", "public"),
    "content as a text": edit("asked_first", "d/States/Publish/Parameters/content", "a scan"),
    "respondents as addresses": ("asked_first", [
        (f"{_ASK}/RespondentUrns.$", GONE), (f"{_ASK}/RespondentUrns", ["ada@example.org"])]),
    "a respondent that is no list": ("asked_first", [
        (f"{_ASK}/RespondentUrns.$", "$.title")]),
    "options as texts": edit("asked_first", f"{_ASK}/Options", ["publish", "keep"]),
    "two options of one value": edit(
        "asked_first", f"{_ASK}/Options/1/Value", "publish"),
    "an unknown type of input": edit("asked_first", f"{_ASK}/InputType", "Text"),
    "a table without rows": edit("asked_first", f"{_ASK}/Context/Rows", GONE),
    "an echo of a number": ("shared_with_somebody", [
        ("d/States/Greet/Parameters/echo_string.=", GONE),
        ("d/States/Greet/Parameters/echo_string", 5)]),
    "a private list that is a text": edit("there_and_back", f"{_STAGE}/__Private_Parameters",
                                          "label"),
}  # fmt: skip
