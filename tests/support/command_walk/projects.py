"""Projects that the scenarios work on: small ones, each with what its commands need."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from headrace.facility import find_address, stop_facility
from tests.support.command_walk.installed_program import Program
from tests.support.repository import REPOSITORY

_CONFIG = """
name = "walk"
[collections.here]
root = "data"
[endpoints.machine]
template = "local"
[profiles.day.collections.here]
root = "data"
"""
_SAY = {
    "StartAt": "Say",
    "States": {
        "Say": {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {"echo_string.$": "$.word"},
            "ResultPath": "$.said",
            "End": True,
        }
    },
}
_LATER = {
    "StartAt": "Later",
    "States": {"Later": {"Type": "Wait", "Seconds": 3600, "End": True}},
}
_FAIL = {
    "StartAt": "Look",
    "States": {
        "Look": {"Type": "Pass", "Next": "Stop"},
        "Stop": {"Type": "Fail", "Error": "NoBeam", "Cause": "there is no beam " * 40},
    },
}
_COMPUTE = {
    "StartAt": "Compute",
    "States": {
        "Compute": {
            "Type": "Action",
            "ActionUrl": "https://compute.actions.globus.org/v3",
            "Parameters": {
                "endpoint_id.$": "$.endpoint",
                "tasks": [{"function_id.$": "$.function", "kwargs": {"word.$": "$.word"}}],
            },
            "WaitTime": 600,
            "ResultPath": "$.computed",
            "End": True,
        }
    },
}
_ASK = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "InputType": "Selection",
                "Context": {
                    "PresentationStyle": "Table",
                    "Title": "Accept the model?",
                    "Rows": [{"Field": "misfit", "Value": "0.3"}],
                },
                "Options": [
                    {"Value": "accept", "Label": "Accept", "Description": "It is kept."},
                    {"Value": "reject", "Label": "Reject", "Description": "It is not."},
                ],
            },
            "ResultPath": "$.question",
            "Next": "Wait",
        },
        "Wait": {
            "Type": "AwaitWebInput",
            "Parameters": {"web_input_id.$": "$.question.web_input_id"},
            "ResultPath": "$.answer",
            "End": True,
        },
    },
}
_WORD = {
    "type": "object",
    "required": ["word"],
    "properties": {"word": {"type": "string"}},
    "additionalProperties": False,
}
_TRIGGER = """
title = "New"
[watch]
collection = "here"
path = "/incoming/"
what = "directory"
settle = 0.2
interval = 0.2
observer = "poll"
[start]
flow = "say"
label = "say {name}"
[start.input]
word = "{name}"
"""
_SHOUT = '''def shout(word: str, times: int = 1) -> str:
    """Say a word loudly.

    It goes to standard output and standard error.
    """
    import sys

    print("printed", word)
    print("complained", word, file=sys.stderr)
    if word == "nothing":
        raise ValueError("there is nothing to shout")
    return word.upper() * times
'''


class World:
    """The projects; made when they are first asked for.

    Args:
        base: an empty directory.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.record: set[tuple[str, str]] = set()
        self._facilities: list[Path] = []

    def close(self) -> None:
        """Stops the facilities."""
        for root in self._facilities:
            stop_facility(root)

    @cached_property
    def project(self) -> Program:
        """A project whose flows are deployed at its own facility."""
        headrace = self.program("project")
        write_project(headrace.directory)
        assert headrace.document("facility", "up")["answers"] is True
        assert headrace.document("deploy")["changes"] > 0
        return headrace

    @cached_property
    def bare(self) -> Program:
        """A project of its own for commands that start, stop and break things."""
        headrace = self.program("bare")
        write_project(headrace.directory)
        return headrace

    @cached_property
    def developer(self) -> Program:
        """A project at ``--at globus``, where a facility stands for the hosted services."""
        service = self.program("service")
        (service.directory / "headrace.toml").write_text("")
        service("facility", "up")
        variables = {
            line.removeprefix("export ").partition("=")[0]: line.partition("=")[2].strip("'")
            for line in service("facility", "env", "-F", "text").stdout.splitlines()
        }
        address = find_address(service.directory)
        assert address is not None
        client = json.loads((service.directory / ".headrace/compute_client.json").read_text())
        home = self.base / "home"
        headrace = self.program("developer")
        headrace.environment = {
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "GLOBUS_CLIENT_ID": client["client_id"],
            "GLOBUS_CLIENT_SECRET": client["client_secret"],
            **{k: v for k, v in variables.items() if k.startswith("GLOBUS_SDK_SERVICE_URL_")},
        }
        write_project(headrace.directory)
        return headrace

    def program(self, name: str) -> Program:
        """Returns the program in a new directory."""
        directory = self.base / name
        directory.mkdir()
        self._facilities.append(directory)
        return Program(directory, {"HOME": str(self.base)}, self.record)

    def run_of(self, flow: str, *arguments: str) -> str:
        """Starts a run in the project and returns its id."""
        return str(self.project.document("start", flow, *arguments)["run_id"])


def write_project(root: Path) -> None:
    """Writes a project with a flow of each kind, a function and a trigger."""
    (root / "headrace.toml").write_text(_CONFIG)
    (root / "data" / "incoming").mkdir(parents=True)
    _flow(root, "say", _SAY, _WORD)
    _flow(root, "later", _LATER)
    _flow(root, "fail", _FAIL)
    _flow(root, "ask", _ASK)
    named = {"endpoint": {"type": "string"}, "function": {"type": "string"}}
    schema = {"type": "object", "properties": {**named, **_WORD["properties"]}}  # type: ignore[dict-item]
    _flow(root, "compute", _COMPUTE, {**schema, "required": ["endpoint", "function", "word"]})
    (root / "compute_functions").mkdir()
    (root / "compute_functions" / "shout.py").write_text(_SHOUT)
    (root / "triggers").mkdir()
    (root / "triggers" / "new.toml").write_text(_TRIGGER)
    shutil.copytree(REPOSITORY / "endpoint_configs" / "local", root / "endpoint_configs/local")


def _flow(root: Path, name: str, definition: Any, schema: Any = None) -> None:
    directory = root / "flows" / name
    directory.mkdir(parents=True)
    (directory / "definition.json").write_text(json.dumps(definition))
    (directory / "input_schema.json").write_text(json.dumps(schema or {}))
    (directory / "flow.toml").write_text(f'title = "The flow {name}"\n')


Scenario = Callable[[World], None]
