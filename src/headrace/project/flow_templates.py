"""The smallest flow that runs, and the function and trigger that may go with it, as texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

MINIMAL: Final = "minimal"
"""Name of the pipeline that consists of the smallest flow."""

_COMPUTE_URL: Final = "https://compute.actions.globus.org/v3"
_FUNCTION: Final = '''"""A greeting, as the flow ``{name}`` asks for it."""

from __future__ import annotations


def {name}(name: str) -> dict[str, object]:
    """Greet somebody.

    The function's text travels to the endpoint: what it needs is imported in its body.

    Args:
        name: whom.

    Returns:
        ``greeting``, and the ``host`` that it was computed on.
    """
    import platform

    return {{"greeting": f"Hello, {{name}}!", "host": platform.node()}}
'''
_TRIGGER: Final = """\
# Each new file in `{directory}` of the collection {collection} starts a run of the flow {name}.
title = {title}

[watch]
collection = {collection_text}
path = "/{name}/"
what = "file"            # or "directory"
pattern = "*"            # shell pattern on the arrival's name
settle = 2.0             # s without any change before the arrival counts as complete

[start]
flow = "{name}"
label = "{name} {{name}}"

[start.input]
name = "{{name}}"
"""
_TRIGGER_COMPUTE: Final = """
[start.input.compute]
endpoint = {{ endpoint = {endpoint} }}
function = {{ function = "{name}" }}
"""


def flow_files(name: str, *, title: str = "", function: bool = False) -> dict[Path, str]:
    """Return the files of the smallest flow, by path relative to the project.

    Args:
        name: the flow's name.
        title: its title; made from the name by default.
        function: whether it calls the compute function of its name.
    """
    directory = Path("flows") / name
    return {
        directory / "definition.json": _json(_definition(function=function)),
        directory / "input_schema.json": _json(_input_schema(name, function=function)),
        directory / "flow.toml": metadata_text(title or default_title(name)),
    }


def default_title(name: str) -> str:
    """Return the title of a flow that has no other."""
    return name.replace("_", " ").capitalize()


def metadata_text(title: str) -> str:
    """Return the text of a ``flow.toml``."""
    return "\n".join(
        [
            f"title = {_text(title)}",
            'subtitle = ""',
            'description = ""',
            "keywords = []",
            "",
            "[roles]",
            "viewers = []",
            "starters = []",
            "administrators = []",
            "run_managers = []",
            "run_monitors = []",
            "",
        ]
    )


def function_text(name: str) -> str:
    """Return the module of the function that the smallest flow can call."""
    return _FUNCTION.format(name=name)


def trigger_text(name: str, *, collection: str, directory: str, endpoint: str | None) -> str:
    """Return the trigger of the smallest flow.

    Args:
        name: the flow's name.
        collection: name of the collection that is watched, in the directory of the flow's name.
        directory: that directory, for people.
        endpoint: where its function runs; None for a flow without one.
    """
    text = _TRIGGER.format(
        name=name,
        title=_text(default_title(name)),
        collection=collection,
        collection_text=_text(collection),
        directory=directory,
    )
    if endpoint is None:
        return text
    return text + _TRIGGER_COMPUTE.format(name=name, endpoint=_text(endpoint))


def _definition(*, function: bool) -> dict[str, Any]:
    if not function:
        greet = {
            "Comment": "Expressions are Python's; the result is in the run's output.",
            "Type": "ExpressionEval",
            "Parameters": {"greeting.=": "'Hello, ' + name + '!'"},
            "ResultPath": "$.result",
            "End": True,
        }
        return {
            "Comment": "Greets whom the input names.",
            "StartAt": "Greet",
            "States": {"Greet": greet},
        }
    compute = {
        "Comment": "One task at the endpoint.",
        "Type": "Action",
        "ActionUrl": _COMPUTE_URL,
        "Parameters": {
            "endpoint_id.$": "$.compute.endpoint",
            "tasks": [{"function_id.$": "$.compute.function", "kwargs": {"name.$": "$.name"}}],
        },
        "ResultPath": "$.task",
        "WaitTime": 3600,
        "Next": "Summarise",
    }
    summarise = {
        "Comment": "Keep what the function returned.",
        "Type": "ExpressionEval",
        "Parameters": {"greeting.=": "task.details.result[0].greeting"},
        "ResultPath": "$.result",
        "End": True,
    }
    return {
        "Comment": "Runs a function that greets whom the input names.",
        "StartAt": "Compute",
        "States": {"Compute": compute, "Summarise": summarise},
    }


def _input_schema(name: str, *, function: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "name": {
            "title": "Name",
            "description": "Whom to greet.",
            "type": "string",
            "minLength": 1,
        }
    }
    if function:
        uuid = {"type": "string", "format": "uuid"}
        properties["compute"] = {
            "title": "Compute",
            "description": "Where the function runs, and which.",
            "type": "object",
            "additionalProperties": False,
            "required": ["endpoint", "function"],
            "properties": {
                "endpoint": {"title": "Endpoint", **uuid},
                "function": {
                    "title": "Function",
                    "description": f"Registered function {name}.",
                    **uuid,
                },
            },
        }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": default_title(name),
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "propertyOrder": list(properties),
        "properties": properties,
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _text(value: str) -> str:
    """Return a string as TOML writes it: as JSON does."""
    return json.dumps(value, ensure_ascii=False)
