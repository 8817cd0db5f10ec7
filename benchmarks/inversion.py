"""What an inversion takes besides its work: wall time of an iteration less solver, windows and MPI.

Prints one JSON object. A project is made in a temporary directory, its facility started, and
iterations are run from their marker to the marker of the next one. The solver is a stand-in,
``rays``: straight rays, which take milliseconds an event and write the files that a wave solver
writes. For each iteration:

* ``wall_seconds``: from the run's start to the start of the next run, of the last one to its end,
  pictures included;
* ``work_seconds``: in which a forward, adjoint or window job ran, its interpreter and MPI included;
* ``overhead_seconds``: wall less work: trigger, flow, transfers, endpoint, light stages. The first
  iteration starts the endpoint too;
* ``alone_seconds``, the limit: the same stages in one process, without flow, transfers, endpoint
  and job scripts; of the last iteration pictures, too. The first one compiles and imports;
* ``beyond_alone_seconds``: wall less alone.

headrace's byte code is kept, as pip keeps that of installed packages, also where
``PYTHONDONTWRITEBYTECODE`` is set.

    python benchmarks/inversion.py [--events 8] [--iterations 10] [--stations 4]

README quotes the defaults; the row has every iteration. For 1,000 events: ``--events 1000
--iterations 3``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

HEAVY = ("forward", "adjoint", "windows")


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--stations", type=int, default=4)
    options = parser.parse_args()
    keep_byte_code()
    with tempfile.TemporaryDirectory(prefix="headrace-benchmark-") as place:
        flow = measure_flow(Path(place) / "project", options)
        alone = measure_alone(Path(place) / "alone", options)
    for one, seconds in zip(flow, alone, strict=True):
        one["alone_seconds"] = seconds
        one["beyond_alone_seconds"] = round(one["wall_seconds"] - seconds, 2)
    print(
        json.dumps(
            {
                "events": options.events,
                "stations": options.stations,
                "iterations": flow,
                "overhead_seconds": round(
                    statistics.median(one["overhead_seconds"] for one in flow), 2
                ),
                "beyond_alone_seconds": round(
                    statistics.median(one["beyond_alone_seconds"] for one in flow), 2
                ),
                "limit": {"iterations_in_one_process_seconds": alone},
                "rows": [row(flow, alone, options)],
                "cores": os.cpu_count(),
                "load": round(os.getloadavg()[0], 1),
                "python": platform.python_version(),
            },
            indent=1,
        )
    )
    return 0


def keep_byte_code() -> None:
    """Compile headrace as pip does, and let the processes that follow use it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    package = REPOSITORY / "src" / "headrace"
    subprocess.run([sys.executable, "-m", "compileall", "-q", package], check=True)


def row(
    flow: list[dict[str, Any]], alone: list[float], options: argparse.Namespace
) -> dict[str, Any]:
    """Return the row of the README's table: one value for each iteration, not for each round."""
    size = f"{options.events} events, {options.stations} stations, a stand-in solver (rays)"
    return {
        "id": f"inversion_overhead_{options.events}",
        "what": f"an iteration of an inversion of {options.events} events, less its work",
        "unit": "s",
        "better": "less",
        "ours": [one["overhead_seconds"] for one in flow],
        "settings": f"{size}, endpoint local with 2 workers; the first iteration starts it, the "
        "last draws pictures; values are those of the iterations",
        "peers": [
            {
                "name": "the same stages in one process",
                "values": alone,
                "settings": f"{size}; work included; the first imports, the last draws pictures",
            }
        ],
    }


def prepare(root: Path, options: argparse.Namespace) -> Any:
    """Return an inversion with one band, and events enough in one job that all cores are used."""
    from tests.support.seismic import ray_inversion

    paths = ray_inversion.make(root, options.events, options.stations)
    text = paths.settings.read_text(encoding="utf-8")
    text = re.sub(r"iterations = 2", f"iterations = {options.iterations}", text, count=1)
    first, second = (found.start() for found in re.finditer(r"\[\[bands\]\]", text))
    text = text[:second] + text[text.index("[misfit]", first) :]
    half = -(-options.events // 2)
    text = re.sub(r"events_per_task = \d+", f"events_per_task = {half}", text)
    paths.settings.write_text(text)
    return paths


def measure_flow(root: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run the iterations on a facility; return times of each."""
    from headrace.facility import stop_facility
    from headrace.project import init_project
    from headrace.seismic.inversion.records import read_lines

    init_project(root)
    config = root / "headrace.toml"
    config.write_text(config.read_text().replace("workers = 1", "workers = 2"))
    paths = prepare(root / "data" / "inversion", options)
    headrace = [sys.executable, "-m", "headrace.cli"]
    subprocess.run([*headrace, "deploy"], cwd=root, check=True, capture_output=True)
    try:
        paths.marker(0).write_text("begin\n")
        command = [*headrace, "watch", "inversion", "--until-idle", "5", "-F", "json"]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
        listed = subprocess.run(
            [*headrace, "run", "list", "-F", "json"], cwd=root, check=True, capture_output=True
        )
        runs = list(reversed(json.loads(listed.stdout)))
        spans = job_spans(root / "scratch" / "inversion" / "jobs")
        moments = [_moment(run["start_time"]) for run in runs]
        moments.append(_moment(runs[-1]["completion_time"]))
        found = []
        for run, begun, ended in zip(runs, moments[:-1], moments[1:], strict=True):
            number = int(str(run["label"]).rpartition(" ")[2])
            records = read_lines(paths.results(number) / "records.jsonl")
            work = _covered([span for span in spans if begun <= span[0] < ended])
            found.append(
                {
                    "iteration": number,
                    "wall_seconds": round(ended - begun, 2),
                    "work_seconds": round(work, 2),
                    "overhead_seconds": round(ended - begun - work, 2),
                    "trials": len(
                        {one["evaluation"] for one in records if "trial" in one["evaluation"]}
                    ),
                }
            )
        return found
    finally:
        stop_facility(root)


def measure_alone(root: Path, options: argparse.Namespace) -> list[float]:
    """Run the same iterations in this process; return the seconds of each."""
    from headrace.seismic.inversion.pictures import draw_pictures
    from tests.support.seismic import ray_inversion

    paths = prepare(root, options)
    found = []
    following: int | None = 0
    while following is not None:
        number, begun = following, time.monotonic()
        following = ray_inversion.run_iteration(paths, number)["next"]
        if following is None:
            draw_pictures(paths.root, number)
        found.append(round(time.monotonic() - begun, 2))
    return found


def job_spans(jobs: Path) -> list[tuple[float, float]]:
    """Start and end of every heavy job, Unix seconds: its directory tells both."""
    return sorted(
        ((job / "command").stat().st_mtime, (job / "exit_code").stat().st_mtime)
        for stage in HEAVY
        for job in jobs.glob(f"*-{stage}-*")
        if (job / "exit_code").is_file()
    )


def _moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def _covered(spans: list[tuple[float, float]]) -> float:
    """Return seconds in which at least one of the jobs ran."""
    total, reached = 0.0, 0.0
    for begun, ended in spans:
        total += max(0.0, ended - max(begun, reached))
        reached = max(reached, ended)
    return total


if __name__ == "__main__":
    sys.exit(main())
