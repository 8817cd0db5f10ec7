"""Lists and searches of runs in a store of 100,000, beside a bare SQLite query for the same ids.

Each question is asked as the facility's API asks it, once cold and then again and again; beside it
is a query of a table that has nothing but the column in question, its index, and the run's id,
which is the least that SQLite can do. ``last_page`` goes on behind the run in the middle.

    python benchmarks/run_lists.py [--directory DIR] [--runs 100000] [--times 20]
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace.facility.store.database import Store
from headrace.facility.store.run_query import RunQuery
from headrace.facility.store.runs import RunTable

STATUSES = {"SUCCEEDED": 0.9, "FAILED": 0.07, "ACTIVE": 0.02, "INACTIVE": 0.01}
FLOWS = 5


def moment(second: int) -> str:
    """Return a time of the year in which the runs started."""
    day, rest = divmod(second, 86_400)
    hour, minute = divmod(rest // 60, 60)
    date = f"2026-{1 + day // 28:02}-{1 + day % 28:02}"
    return f"{date}T{hour:02}:{minute:02}:{rest % 60:02}.000000+00:00"


def fill(store: Store, count: int) -> list[str]:
    """Store runs as triggers start them; return the flows' ids."""
    chance = random.Random(1)
    flows = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(FLOWS)]
    with store.transaction() as db:
        db.execute("INSERT INTO definitions VALUES ('d', '{}', '{}')")
        for n in range(count):
            [status] = chance.choices([*STATUSES], [*STATUSES.values()])
            tags = [f"arrival:{n:06}", f"shift-{n // 500}", "campaign"]
            start = moment(n * 60)
            end = moment(n * 60 + 300) if status in {"SUCCEEDED", "FAILED"} else None
            metadata = {"tags": tags, "run_managers": [], "run_monitors": []}
            run_id = str(uuid.UUID(int=chance.getrandbits(128)))
            db.execute(
                "INSERT INTO runs (id, flow_id, flow_title, definition, metadata, label,"
                " start_time, completion_time, status) VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    run_id,
                    flows[n % FLOWS],
                    f"Process segment {n % FLOWS}",
                    "d",
                    json.dumps(metadata),
                    f"segment {n:06} of run {n // 100}",
                    start,
                    end,
                    status,
                ),
            )
            db.executemany(
                "INSERT INTO run_tags VALUES (?,?,?)", [(tag, start, n + 1) for tag in tags]
            )
    return flows


def bare(path: Path, rows: list[tuple[str, ...]]) -> sqlite3.Connection:
    """Return a database of one table, with an index of the one column that it is asked for."""
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bare (id TEXT, word TEXT)")
    db.executemany("INSERT INTO bare VALUES (?,?)", rows)
    db.execute("CREATE INDEX bare_by_word ON bare(word)")
    db.commit()
    return db


def timed(work: Callable[[], Any], times: int) -> dict[str, Any]:
    """Return how long work takes, the first time and after it."""
    taken, computed = [], []
    for _ in range(times + 1):
        before, computing = time.perf_counter(), time.process_time()
        work()
        computed.append(1000 * (time.process_time() - computing))
        taken.append(1000 * (time.perf_counter() - before))
    return {
        "first_ms": round(taken[0], 3),
        "computing_ms": round(statistics.median(computed[1:]), 3),
        "median_ms": round(statistics.median(taken[1:]), 3),
        "most_ms": round(max(taken[1:]), 3),
        "each_ms": [round(one, 3) for one in taken[1:]],
    }


def questions(count: int, flows: list[str]) -> dict[str, RunQuery]:
    """Return what people and triggers ask for."""
    middle = moment(count // 2 * 60)
    return {
        "newest": RunQuery(),
        "oldest": RunQuery(order=[("start_time", False)]),
        "one_tag": RunQuery(tag=f"arrival:{count // 3:06}"),
        "one_tag_since": RunQuery(tag=f"arrival:{count // 3:06}", started=(moment(0), "")),
        "no_such_tag": RunQuery(tag="arrival:none"),
        "tag_of_500": RunQuery(tag="shift-3"),
        "tag_of_all": RunQuery(tag="campaign"),
        "tag_of_all_failed": RunQuery(tag="campaign", statuses=["FAILED"]),
        "failed": RunQuery(statuses=["FAILED"]),
        "absent_status": RunQuery(statuses=["ENDED"]),
        "absent_status_of_a_flow": RunQuery(statuses=["ENDED"], flow_ids=flows[:1]),
        "open": RunQuery(statuses=["ACTIVE", "INACTIVE"]),
        "failed_of_a_flow": RunQuery(statuses=["FAILED"], flow_ids=flows[:1]),
        "of_two_flows": RunQuery(flow_ids=flows[:2]),
        "in_an_hour": RunQuery(started=(middle, moment(count // 2 * 60 + 3600))),
        "ended_in_an_hour": RunQuery(completed=(middle, moment(count // 2 * 60 + 3600))),
        "label_of_one": RunQuery(label=f"segment {count // 2:06}"),
        "label_of_none": RunQuery(label="no such label"),
        "title_of_none": RunQuery(flow_title="no such title"),
        "by_label": RunQuery(order=[("label", True)]),
        "by_status": RunQuery(order=[("status", False)]),
        "by_completion": RunQuery(order=[("completion_time", True)]),
    }


# Questions of the table in README, each with the bare query that is beside it.
ROWS = {
    "newest": ("the newest 20 of the runs", "bare_newest"),
    "one_tag": ("the run of one tag", "bare_one_tag"),
    "absent_status": ("runs of a status that none has", "bare_no_word"),
    "by_label": ("the first 20 runs by label", "bare_newest"),
    "label_of_none": ("a part of a label that none has", "bare_scan"),
}


def table_rows(count: int, answers: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the table in README."""
    settings = f"{count:,} runs, as the API asks the store; the same question again and again"
    return [
        {
            "id": f"list_{name}",
            "what": words,
            "unit": "ms",
            "ours": answers[name]["each_ms"],
            "better": "less",
            "peers": [
                {
                    "name": "bare SQLite",
                    "values": answers[bare_query]["each_ms"],
                    "settings": "a table of the id and that column, with its index",
                }
            ],
            "settings": settings,
        }
        for name, (words, bare_query) in ROWS.items()
    ]


def main() -> None:
    """Fill a store and ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        store = Store(Path(directory) / "state" / "facility.db", "NORMAL")
        flows = fill(store, options.runs)
        runs = RunTable(store)
        answers: dict[str, Any] = {}
        for name, wanted in questions(options.runs, flows).items():
            found, _ = runs.query_page(wanted)
            answers[name] = {
                "runs": len(found),
                **timed(lambda wanted=wanted: runs.query_page(wanted), options.times),
            }
        half = RunQuery(after=[moment(options.runs // 2 * 60), options.runs // 2])
        answers["last_page"] = timed(lambda: runs.query_page(half), options.times)
        rows = store.reader().execute("SELECT id, start_time FROM runs").fetchall()
        by_start = bare(Path(directory) / "start.db", [tuple(row) for row in rows])
        tags = store.reader().execute(
            "SELECT runs.id, tag FROM run_tags JOIN runs ON runs.number = run"
        )
        by_tag = bare(Path(directory) / "tag.db", [tuple(row) for row in tags])
        newest = "SELECT id FROM bare ORDER BY word DESC LIMIT 20"
        one = "SELECT id FROM bare WHERE word = ?"
        tag = (f"arrival:{options.runs // 3:06}",)
        answers["bare_newest"] = timed(lambda: by_start.execute(newest).fetchall(), options.times)
        answers["bare_one_tag"] = timed(lambda: by_tag.execute(one, tag).fetchall(), options.times)
        nothing = ("none",)
        answers["bare_no_word"] = timed(
            lambda: by_start.execute(one, nothing).fetchall(), options.times
        )
        scan = "SELECT id FROM bare WHERE word LIKE '%none%'"
        answers["bare_scan"] = timed(lambda: by_start.execute(scan).fetchall(), options.times)
        for database in (by_start, by_tag):
            database.close()
        store.close()
    machine = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    result = {
        "machine": machine,
        "runs": options.runs,
        "answers": answers,
        "rows": table_rows(options.runs, answers),
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
