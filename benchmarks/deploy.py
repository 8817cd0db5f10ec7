"""How long `headrace deploy` takes when nothing has changed, beside what it must ask the service.

Makes a project of so many flows and functions, deploys it to a facility of its own, and times the
command as a whole process: with nothing to change, and `headrace --version`, the least a command
costs. Times the calls that it must make to the service alone, over one connection that is open.
All take turns, after one round that is not counted. Prints JSON; times in seconds.

    python benchmarks/deploy.py [--flows 20] [--functions 30] [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace.facility import find_address, stop_facility
from headrace.hosted import services_at
from headrace.project import load_project


def write_project(root: Path, flows: int, functions: int) -> None:
    """Write a project whose flows have eight states each."""
    (root / "headrace.toml").write_text('name = "benchmark"\n')
    for number in range(flows):
        flow = root / "flows" / f"flow_{number}"
        flow.mkdir(parents=True)
        states: dict[str, Any] = {
            f"S{step}": {
                "Type": "Action",
                "ActionUrl": "https://actions.globus.org/hello_world",
                "Parameters": {"echo_string.$": "$.word"},
                "ResultPath": f"$.said_{step}",
                "WaitTime": 60,
                **({"Next": f"S{step + 1}"} if step < 7 else {"End": True}),
            }
            for step in range(8)
        }
        (flow / "definition.json").write_text(json.dumps({"StartAt": "S0", "States": states}))
        schema = {
            "type": "object",
            "required": ["word"],
            "properties": {"word": {"type": "string"}},
        }
        (flow / "input_schema.json").write_text(json.dumps(schema))
        (flow / "flow.toml").write_text(f'title = "Flow {number}"\n')
    directory = root / "compute_functions"
    directory.mkdir()
    for number in range(functions):
        text = f'def f{number}(x: int) -> int:\n    """Add."""\n    return x + {number}\n'
        (directory / f"f{number}.py").write_text(text)


def seconds_of(act: Callable[[], Any]) -> float:
    """Return seconds that something takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def in_turn(rounds: int, acts: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Return seconds that several things take in each round, after one that is not counted."""
    for act in acts.values():
        act()
    seconds: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            seconds[name].append(round(seconds_of(act), 4))
    return seconds


def main() -> None:
    """Deploy, time, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flows", type=int, default=20)
    parser.add_argument("--functions", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=7)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        write_project(root, wanted.flows, wanted.functions)

        def command(*words: str) -> str:
            done = subprocess.run(
                [sys.executable, "-m", "headrace.cli", *words],
                cwd=root,
                check=True,
                capture_output=True,
                text=True,
            )
            return done.stdout

        try:
            first = seconds_of(lambda: command("deploy"))
            if json.loads(command("deploy", "-F", "json"))["changes"]:
                raise SystemExit("the second deploy found changes")
            address = find_address(root)
            if address is None:
                raise SystemExit("the facility is gone")
            services = services_at(address.url, address.token)
            functions = load_project(root).lock().at("local").functions.values()

            def ask() -> None:
                list(services.flows.paginated.list_flows())
                for function in functions:
                    services.compute.get(f"/v2/functions/{function.id}")

            seconds = in_turn(
                wanted.rounds,
                {
                    "headrace": lambda: command("deploy"),
                    "its calls to the service alone": ask,
                    "headrace --version": lambda: command("--version"),
                },
            )
            calls = wanted.functions + 1
            what = f"headrace deploy of {wanted.flows} flows and {wanted.functions} functions"
            row = {
                "id": "deploy_unchanged",
                "what": f"{what}, nothing changed, whole process",
                "unit": "s",
                "ours": seconds.pop("headrace"),
                "better": "less",
                "peers": [
                    {"name": name, "values": each, "settings": f"{calls} calls, one connection"}
                    if "calls" in name
                    else {"name": name, "values": each, "settings": "whole process"}
                    for name, each in seconds.items()
                ],
                "settings": "a facility on the same machine",
            }
            report = {
                "rows": [row],
                "flows": wanted.flows,
                "functions": wanted.functions,
                "first_deploy_s": round(first, 3),
                "unchanged_s": round(statistics.median(row["ours"]), 3),
                "python": platform.python_version(),
                "load": round(os.getloadavg()[0], 1),
            }
        finally:
            stop_facility(root)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
