"""Commands as whole processes, beside the bare interpreter and other command lines.

A project is made with the flows that headrace ships and one more of a single state; its facility
runs, and one run has ended. In each round every command is called once, in turn, after a first call
that compiles. Compiled modules are written, as on a user's machine, whatever the environment says.

    python benchmarks/command_line.py [--rounds 11] [--globus PROGRAM]

A peer is the program ``globus`` (globus-cli), where it is installed or named: its ``--help`` alone,
since all that it asks is asked at the hosted services.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HELLO = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "End": True}}}
COMMANDS = {
    "version": "--version",
    "help": "--help",
    "run_help": "run --help",
    "run_list": "run list",
    "run_show": "run show last",
    "run_log": "run log last",
    "web_input_list": "web-input list",
    "facility_status": "facility status",
    "flow_list": "flow list",
    "function_list": "function list",
    "endpoint_list": "endpoint list",
    "pipeline_list": "pipeline list",
    "trigger_list": "trigger list",
    "config_show": "config show",
    "flow_check": "flow check",
    "deploy_unchanged": "deploy",
}


def call(command: Sequence[str], directory: Path, environment: dict[str, str]) -> float:
    """Run a command and return the milliseconds that it took.

    Raises:
        CalledProcessError: it failed.
    """
    begin = time.perf_counter()
    subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    return (time.perf_counter() - begin) * 1e3


def make_project(program: str, directory: Path, environment: dict[str, str]) -> Path:
    """Make a project whose facility runs, with one run; return its root."""
    root = directory / "project"
    call([program, "init", str(root)], directory, environment)
    flow = root / "flows" / "hello"
    flow.mkdir()
    (flow / "definition.json").write_text(json.dumps(HELLO))
    (flow / "input_schema.json").write_text(json.dumps({"type": "object"}))
    (flow / "flow.toml").write_text('title = "Hello"\n')
    for command in ("facility up", "deploy", "start hello --wait"):
        call([program, *command.split()], root, environment)
    return root


def measure(
    commands: dict[str, list[str]], root: Path, environment: dict[str, str], rounds: int
) -> dict[str, list[float]]:
    """Return the milliseconds of each command in each round, taken in turn."""
    for command in commands.values():
        call(command, root, environment)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(round(call(command, root, environment), 1))
    return times


def rows(times: dict[str, list[float]], peers: dict[str, str]) -> list[dict[str, Any]]:
    """Return a row for each command of ours, with its peers."""
    found = []
    for name, arguments in COMMANDS.items():
        beside = ["python"] + (["globus"] if "globus" in times and name == "help" else [])
        found.append(
            {
                "id": name,
                "what": f"`headrace {arguments}`, whole process",
                "unit": "ms",
                "ours": times[name],
                "better": "less",
                "peers": [
                    {"name": peers[peer], "values": times[peer], "settings": "whole process"}
                    for peer in beside
                ],
                "settings": "shipped flows deployed at a facility, one run; compiled modules",
            }
        )
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--globus", default=shutil.which("globus"))
    options = parser.parse_args()
    program = str(Path(sys.executable).with_name("headrace"))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    commands = {"python": [sys.executable, "-c", "pass"]}
    peers = {"python": "python -c pass"}
    if options.globus:
        commands["globus"] = [options.globus, "--help"]
        version = subprocess.run(
            [options.globus, "version"], capture_output=True, text=True, check=False
        )
        words = (version.stdout.strip().splitlines() or [""])[0].split()
        peers["globus"] = f"globus --help ({' '.join(words[-1:])})"
    commands |= {name: [program, *words.split()] for name, words in COMMANDS.items()}
    with tempfile.TemporaryDirectory() as directory:
        root = make_project(program, Path(directory), environment)
        try:
            times = measure(commands, root, environment, options.rounds)
        finally:
            call([program, "facility", "down"], root, environment)
    result = {
        "python": platform.python_version(),
        "rounds": options.rounds,
        "globus_cli": options.globus is not None,
        "median_ms": {name: statistics.median(values) for name, values in times.items()},
        "range_ms": {name: [min(values), max(values)] for name, values in times.items()},
        "rows": rows(times, peers),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
