"""What `headrace status` and Prometheus cost, with 100,000 runs and as many arrivals.

Of the store each figure that ``GET /status`` and ``GET /metrics`` read is timed, and all of a
``GET /status`` together; beside them is the least that SQLite can do for the counts: a table that
has nothing but flow and status, and their index. The command is called as a whole process,
in turn with ``headrace run list``, which asks the same facility for one list, at a project of one
flow, after a first call.

    python benchmarks/status.py [--runs 100000] [--times 20] [--rounds 11]
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from run_lists import fill, moment, timed

from headrace.facility.store import statistics as figures
from headrace.facility.store.database import Store
from headrace.triggers import Ledger
from headrace.triggers.ledger_access import count_arrivals

SAY = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "End": True}}}
ARRIVAL = """
INSERT INTO arrivals (trigger, collection, path, generation, inode, born, root, state, tag,
    seen_at, changed_at) VALUES ('new', 'here', ?, 1, '1', '1', '/', ?, ?, '2026', '2026')
"""


def store_answers(directory: Path, count: int, times: int) -> dict[str, Any]:
    """Time the figures of a store of so many runs."""
    store = Store(directory / "state" / "facility.db", "NORMAL")
    fill(store, count)
    db = store.reader()
    ended = figures.EndpointsOfEndedRuns()
    # An hour, and a day, of the year in which the runs started, with as many ends as runs begin.
    hour, day = moment(count * 29 - 3_600), moment(count * 29 - 86_400)

    def everything() -> None:
        figures.count_runs(db)
        figures.read_open_actions(db)
        figures.read_ended_runs(db, hour, ended)
        figures.count_failed_since(db, day)
        figures.count_open_web_inputs(db)
        figures.read_store_size(store.path)

    works: dict[str, Callable[[], Any]] = {
        "count_runs": lambda: figures.count_runs(db),
        "read_ended_runs": lambda: figures.read_ended_runs(db, hour, ended),
        "count_failed_since": lambda: figures.count_failed_since(db, day),
        "everything": everything,
    }
    answers = {name: timed(work, times) for name, work in works.items()}
    bare = sqlite3.connect(directory / "bare.db")
    bare.execute("CREATE TABLE bare (flow TEXT, status TEXT)")
    bare.execute("CREATE INDEX bare_index ON bare(flow, status)")
    rows = db.execute("SELECT flow_id, status FROM runs").fetchall()
    bare.executemany("INSERT INTO bare VALUES (?, ?)", [tuple(row) for row in rows])
    bare.commit()
    counting = "SELECT flow, status, count(*) FROM bare GROUP BY flow, status"
    answers["bare_counts"] = timed(lambda: bare.execute(counting).fetchall(), times)
    bare.close()
    store.close()
    return answers


def ledger_answers(directory: Path, count: int, times: int) -> dict[str, Any]:
    """Time the counts of a ledger of so many arrivals."""
    path = directory / "triggers.local.db"
    with Ledger(path):
        pass
    with sqlite3.connect(path) as database:
        states = ["started"] * 97 + ["seen", "failed", "skipped"]
        rows = ((f"/incoming/{n}", states[n % 100], f"tag {n}") for n in range(count))
        database.executemany(ARRIVAL, rows)
    database.close()
    return {"count_arrivals": timed(lambda: count_arrivals(path), times)}


@contextmanager
def served(root: Path) -> Iterator[None]:
    """Make a project of one flow with a facility and one run that has ended."""
    flow = root / "flows" / "say"
    flow.mkdir(parents=True)
    (root / "data").mkdir()
    (root / "headrace.toml").write_text('[collections.here]\nroot = "data"\n')
    (flow / "definition.json").write_text(json.dumps(SAY))
    (flow / "input_schema.json").write_text("{}")
    (flow / "flow.toml").write_text('title = "Say"\n')
    try:
        for command in (("deploy",), ("start", "say", "--wait")):
            call(root, *command)
        yield
    finally:
        call(root, "facility", "down")


def call(root: Path, *arguments: str) -> float:
    """Call the command line, and return the seconds that it took."""
    program = str(Path(sys.executable).with_name("headrace"))
    begin = time.perf_counter()
    subprocess.run([program, *arguments], cwd=root, check=True, capture_output=True)
    return time.perf_counter() - begin


def command_answers(root: Path, rounds: int) -> dict[str, Any]:
    """Time whole commands in turn."""
    commands = {"status": ("status",), "run_list": ("run", "list")}
    found: dict[str, list[float]] = {name: [] for name in commands}
    with served(root):
        for command in commands.values():
            call(root, *command)
        for _ in range(rounds):
            for name, command in commands.items():
                found[name].append(call(root, *command) * 1e3)
    return {
        name: {
            "median_ms": statistics.median(times),
            "from_ms": min(times),
            "to_ms": max(times),
            "each_ms": times,
        }
        for name, times in found.items()
    }


def table_rows(count: int, store: dict[str, Any], commands: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the table in README."""
    return [
        {
            "id": "status_of_store",
            "what": "all figures of a store for `GET /status`",
            "unit": "ms",
            "better": "less",
            "ours": store["everything"]["each_ms"],
            "peers": [
                {
                    "name": "bare SQLite",
                    "values": store["bare_counts"]["each_ms"],
                    "settings": "counts alone, of a table of flow and status with its index",
                }
            ],
            "settings": f"{count:,} runs",
        },
        {
            "id": "status_command",
            "what": "`headrace status`",
            "unit": "ms",
            "better": "less",
            "ours": commands["status"]["each_ms"],
            "peers": [
                {
                    "name": "`headrace run list`",
                    "values": commands["run_list"]["each_ms"],
                    "settings": "at the same facility",
                }
            ],
            "settings": "a project of one flow, a run that has ended; the whole process",
        },
    ]


def main() -> None:
    """Measure all, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        result: dict[str, Any] = {
            "machine": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version},
            "runs": options.runs,
            "store": store_answers(place, options.runs, options.times),
            "ledger": ledger_answers(place, options.runs, options.times),
            "commands": command_answers(place / "project", options.rounds),
        }
    result["rows"] = table_rows(options.runs, result["store"], result["commands"])
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
