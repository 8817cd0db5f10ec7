"""Commands as whole processes, beside the bare interpreter, a bare GET, and other command lines.

A project is made with the flows that headrace ships and two more of a single state; its facility
runs, one run has ended and one waits for an answer. In each round every command is called once, in
turn, after a first call that compiles. Compiled modules are written, as on a user's machine,
whatever the environment says. Of each call the elapsed time is taken, and the processor time that
the system gives for the process, which other work on the machine lengthens less.

    python benchmarks/command_line.py [--rounds 11] [--only WORD]... [--globus PROGRAM]

Limits are ``python -c pass``, and a program of three lines that asks the facility for its runs by
the standard library's ``http.client``. A peer is the program ``globus`` (globus-cli), where it is
installed or named: its ``--help`` alone, since all that it asks is asked at the hosted services.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SAY = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "End": True}}}
ASK = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "InputType": "Selection",
                "Context": {
                    "PresentationStyle": "Table",
                    "Title": "Go on?",
                    "Rows": [{"Field": "misfit", "Value": "0.3"}],
                },
                "Options": [{"Value": "yes", "Label": "Yes", "Description": "It goes on."}],
            },
            "ResultPath": "$.question",
            "Next": "Wait",
        },
        "Wait": {
            "Type": "AwaitWebInput",
            "Parameters": {"web_input_id.$": "$.question.web_input_id"},
            "End": True,
        },
    },
}
GET = """
import http.client, os, urllib.parse
facility = urllib.parse.urlsplit(os.environ["HEADRACE_FACILITY_URL"])
connection = http.client.HTTPConnection(facility.netloc)
token = os.environ["HEADRACE_FACILITY_TOKEN"]
connection.request("GET", "/runs?per_page=20", headers={"Authorization": f"Bearer {token}"})
assert connection.getresponse().read()
"""
GROUPS = (
    *("run", "web-input", "pipeline", "flow", "function", "endpoint", "trigger", "facility"),
    *("config", "data", "data-run", "demo", "inversion"),
)
# Those that look, at the facility or at the project's files, and change nothing.
ASKING = {
    "run_list": "run list",
    "run_list_of_flow": "run list --flow hello --status SUCCEEDED",
    "run_show": "run show {run}",
    "run_log": "run log {run}",
    "web_input_list": "web-input list",
    "web_input_show": "web-input show {web_input}",
    "pipeline_list": "pipeline list",
    "pipeline_show": "pipeline show data_run",
    "flow_list": "flow list",
    "flow_draw": "flow draw hello",
    "function_list": "function list",
    "function_show": "function show inversion_run_stage",
    "endpoint_list": "endpoint list",
    "endpoint_status": "endpoint status simulation",
    "endpoint_log": "endpoint log simulation",
    "trigger_list": "trigger list",
    "trigger_arrivals": "trigger arrivals",
    "trigger_check": "trigger check",
    "facility_status": "facility status",
    "facility_env": "facility env",
    "facility_check": "facility check",
    "config_show": "config show",
    "config_schema": "config schema",
    "data_run_status": "data-run status",
}
SHIPPED = ("adjoint_sources", "data_run", "inversion", "transfer", "transfer_after_approval")
CHECKS = {f"flow_check_{name}": f"flow check {name}" for name in SHIPPED}
OTHERS = {
    "flow_check": "flow check",
    "deploy_unchanged": "deploy",
    "config_keys": "config keys",
    "config_check": "config check",
    "inversion_status": "inversion status example",
}
HELP = {f"{group.replace('-', '_')}_help": f"{group} --help" for group in GROUPS}
COMMANDS = {"version": "--version", "help": "--help", **HELP, **ASKING, **CHECKS, **OTHERS}
# In each round the longest of several counts.
SLOWEST = {
    "group_help": (f"`headrace GROUP --help`, the slowest of {len(HELP)} groups", HELP),
    "asking": (f"the slowest of {len(ASKING)} commands that only look", ASKING),
    "flow_check_shipped": (f"`headrace flow check`, the slowest of {len(CHECKS)} flows", CHECKS),
}
ROWS = (
    *("version", "help", "run_list", "run_show", "run_log", "flow_list", "endpoint_list"),
    *("facility_status", "inversion_status", "flow_check", "deploy_unchanged"),
)


class Took(NamedTuple):
    """Milliseconds of a process: elapsed, and of processors."""

    elapsed: float
    processor: float


def call(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Took:
    """Run a command and return what it took.

    Raises:
        CalledProcessError: it failed.
    """
    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise subprocess.CalledProcessError(process.returncode, command, None, errors.read())
    processor = usage.ru_utime + usage.ru_stime
    return Took(round(elapsed * 1e3, 1), round(processor * 1e3, 1))


def json_output(program: str, arguments: str, root: Path, environment: Mapping[str, str]) -> Any:
    """Return the document that a command gives."""
    command = [program, *arguments.split(), "-F", "json"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)


def make_project(program: str, directory: Path, environment: Mapping[str, str]) -> Path:
    """Make a project whose facility runs, with two runs; return its root."""
    root = directory / "project"
    call([program, "init", str(root)], directory, environment)
    call([program, "inversion", "init", "example"], root, environment)
    for name, definition in (("hello", SAY), ("ask", ASK)):
        flow = root / "flows" / name
        flow.mkdir()
        (flow / "definition.json").write_text(json.dumps(definition))
        (flow / "input_schema.json").write_text(json.dumps({"type": "object"}))
        (flow / "flow.toml").write_text(f'title = "{name}"\n')
    for command in ("facility up", "deploy", "start hello --wait", "start ask"):
        call([program, *command.split()], root, environment)
    return root


def names_of(program: str, root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the ids that commands name, once there is a question to show."""
    while not (questions := json_output(program, "web-input list", root, environment)):
        time.sleep(0.1)
    runs = json_output(program, "run list --flow hello", root, environment)
    return {"run": runs[0]["run_id"], "web_input": questions[0]["id"]}


def measure(
    commands: Mapping[str, Sequence[str]], root: Path, environment: Mapping[str, str], rounds: int
) -> dict[str, list[Took]]:
    """Return what each command took in each round, taken in turn."""
    for command in commands.values():
        call(command, root, environment)
    taken: dict[str, list[Took]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            taken[name].append(call(command, root, environment))
    return taken


def rows(times: Mapping[str, Sequence[float]], peers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of the table, with their peers.

    Args:
        times: elapsed milliseconds in each round.
        peers: what the limits and other command lines are called.
    """
    series = {name: (f"`headrace {COMMANDS[name]}`", times[name]) for name in ROWS if name in times}
    for name, (what, several) in SLOWEST.items():
        if all(one in times for one in several):
            slowest = [max(values) for values in zip(*(times[n] for n in several), strict=True)]
            series[name] = (what, slowest)
    found = []
    for name, (what, ours) in series.items():
        beside = ["python"]
        if name in ASKING or name == "asking":
            beside.append("get")
        if name == "help" and "globus" in times:
            beside.append("globus")
        found.append(
            {
                "id": name,
                "what": f"{what}, whole process",
                "unit": "ms",
                "ours": ours,
                "better": "less",
                "peers": [
                    {"name": peers[peer], "values": times[peer], "settings": "whole process"}
                    for peer in beside
                ],
                "settings": "shipped flows deployed at a facility, two runs; compiled modules",
            }
        )
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--only", action="append", default=[], help="commands with this in them")
    parser.add_argument("--globus", default=shutil.which("globus"))
    options = parser.parse_args()
    program = str(Path(sys.executable).with_name("headrace"))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    commands = {"python": [sys.executable, "-c", "pass"], "get": [sys.executable, "-c", GET]}
    peers = {"python": "python -c pass", "get": "python -c, GET by http.client"}
    if options.globus:
        commands["globus"] = [options.globus, "--help"]
        version = subprocess.run(
            [options.globus, "version"], capture_output=True, text=True, check=False
        )
        words = (version.stdout.strip().splitlines() or [""])[0].split()
        peers["globus"] = f"globus --help ({' '.join(words[-1:])})"
    with tempfile.TemporaryDirectory() as directory:
        root = make_project(program, Path(directory), environment)
        try:
            names = names_of(program, root, environment)
            for name, words in COMMANDS.items():
                if not options.only or any(part in words for part in options.only):
                    commands[name] = [program, *words.format(**names).split()]
            facility = json_output(program, "facility env", root, environment)
            access = {k: v for k, v in facility.items() if k.startswith("HEADRACE_FACILITY_")}
            taken = measure(commands, root, {**environment, **access}, options.rounds)
        finally:
            call([program, "facility", "down"], root, environment)
    times = {name: [each.elapsed for each in values] for name, values in taken.items()}
    processor = {name: [each.processor for each in values] for name, values in taken.items()}
    result = {
        "python": platform.python_version(),
        "rounds": options.rounds,
        "globus_cli": options.globus is not None,
        "median_ms": {name: statistics.median(values) for name, values in times.items()},
        "range_ms": {name: [min(values), max(values)] for name, values in times.items()},
        "least_processor_ms": {name: min(values) for name, values in processor.items()},
        "rows": rows(times, peers),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
