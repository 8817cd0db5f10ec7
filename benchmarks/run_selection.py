"""Failed runs in one grip: 2,000 of five causes, explained, and those of one cause retried once.

    python benchmarks/run_selection.py [RUNS]

Each figure is a command of its own, with the start of the interpreter. The retry is asked for
twice; the second time nothing may be started.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from headrace.facility import stop_facility
from headrace.project import connect, load_project
from headrace.runs import BatchedRun, start_batch

CAUSES = (
    "node n{n} was lost",
    "/scratch/run{n}/out.h5: no space left on device",
    "job {n} exceeded its walltime",
    "segment {n} has no hits",
    "endpoint {n} refused the task",
)
ROWS = {
    "count": "`run list --status FAILED --count`",
    "why": "`run why`: causes, and what their runs share",
    "retry": "`run retry --cause`: the runs of one cause",
    "retry_again": "the same once more, which starts none",
    "tag": "`run tag --status FAILED`: all of them",
}
FLOW = {
    "StartAt": "Choose",
    "States": {
        "Choose": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.cause", "StringEquals": "", "Next": "Good"}],
            "Default": "Stop",
        },
        "Good": {"Type": "Pass", "End": True},
        "Stop": {"Type": "Fail", "Error": "Broken", "CausePath": "$.cause"},
    },
}
MENDED = {"StartAt": "Stop", "States": {"Stop": {"Type": "Pass", "End": True}}}


def main() -> None:
    """Print the figures as JSON."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        try:
            print(json.dumps(measure(root, count), indent=2))
        finally:
            stop_facility(root)


def measure(root: Path, count: int) -> dict[str, Any]:
    """Return the figures of a project of its own."""
    (root / "headrace.toml").write_text("")
    write_flow(root, FLOW)
    call(root, "facility", "up")
    call(root, "deploy")
    project = load_project(root)
    services = connect(project, "local")
    causes = [CAUSES[n % len(CAUSES)].format(n=n) for n in range(count)]
    runs = [BatchedRun({"cause": cause}) for cause in [*causes, *[""] * (count // 2)]]
    start_batch(services, project.lock().at("local").flows["stop"].id, runs)
    while services.read("/runs", {"filter_status": "ACTIVE", "per_page": 1})["runs"]:
        time.sleep(0.1)
    write_flow(root, MENDED)
    call(root, "deploy")
    listed, listing = call(root, "run", "list", "--status", "FAILED", "--count")
    clusters, explaining = call(root, "run", "why")
    wanted = ("--status", "FAILED", "--cause", "node n* was lost*")
    retry = ("run", "retry", *wanted, "--latest", "--yes")
    first, retrying = call(root, *retry)
    again, again_seconds = call(root, *retry)
    retries = list(services.read_items("/runs", "runs", {"filter_retries": "true"}))
    retried = {run["retry_of"]["run_id"] for run in retries}
    tagged, tagging = call(root, "run", "tag", "--status", "FAILED", "--add", "seen", "--yes")
    lost = next(each for each in clusters if each["cause"] == "node n<number> was lost")
    assert retried == set(lost["run_ids"])
    assert len(retries) == len(retried)
    seconds = {
        "count": listing,
        "why": explaining,
        "retry": retrying,
        "retry_again": again_seconds,
        "tag": tagging,
    }
    return {
        "failed runs": listed["runs"],
        "causes": {each["cause"]: [each["count"], each["verdict"]] for each in clusters},
        "retried": first["counts"],
        "retried again": again["counts"],
        "runs that were started": len(retries),
        "tagged": tagged["counts"],
        "rows": [
            {
                "id": name,
                "what": what,
                "unit": "s",
                "better": "less",
                "ours": [seconds[name]],
                "settings": f"{count:,} failed runs of five causes, {count // 2:,} that succeeded",
            }
            for name, what in ROWS.items()
        ],
    }


def write_flow(root: Path, definition: dict[str, Any]) -> None:
    """Write the project's only flow."""
    directory = root / "flows" / "stop"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "definition.json").write_text(json.dumps(definition))
    (directory / "input_schema.json").write_text("{}")
    (directory / "flow.toml").write_text('title = "Stop"\n')


def call(root: Path, *arguments: str) -> tuple[Any, float]:
    """Return what a command says as JSON, and the seconds that it took."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "headrace.cli", "-F", "json", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), round(time.perf_counter() - begin, 2)


if __name__ == "__main__":
    main()
