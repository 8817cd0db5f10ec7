"""Lists and searches of runs in a store of 100,000 or more, beside bare SQLite for the same ids.

Each question is asked as the facility's API asks it, once cold and then again and again; beside it
is a query of a table that has nothing but the column in question, its index, and the run's id,
which is the least that SQLite can do. ``every_filter_and_order`` asks for each filter, with what is
common, rare and absent, in each order, up and down, from the first run on and behind one in the
middle: the first page a few times, of which it gives the 99th percentile of all and the slowest.

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
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace.facility.store.database import Store
from headrace.facility.store.run_listing import rebuild_labels
from headrace.facility.store.run_query import ORDER_COLUMNS, RunQuery
from headrace.facility.store.run_record import SQL_COLUMNS
from headrace.facility.store.runs import RunTable

STATUSES = {"SUCCEEDED": 0.9, "FAILED": 0.07, "ACTIVE": 0.02, "INACTIVE": 0.01}
FLOWS = 5
# Between the starts of two runs, so that a million of them fit into the year.
SECONDS = 29
# Runs that are not in the indexes yet.
UNLISTED = 400
# How often each filter in each order is asked for, after a first time.
PER_QUESTION = 3
SLOWEST = 20


def moment(second: int) -> str:
    """Return a time of the year in which the runs started."""
    day, rest = divmod(second, 86_400)
    hour, minute = divmod(rest // 60, 60)
    date = f"2026-{1 + day // 28:02}-{1 + day % 28:02}"
    return f"{date}T{hour:02}:{minute:02}:{rest % 60:02}.000000+00:00"


def fill(store: Store, count: int) -> list[str]:
    """Store runs as triggers start them, with the indexes made at the end; return the flows' ids.

    The last ones are not in the indexes yet, as in a store that works.
    """
    chance = random.Random(1)
    flows = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(FLOWS)]
    kinds = [*STATUSES], [*STATUSES.values()]

    def rows() -> Iterator[tuple[Any, ...]]:
        for n in range(count):
            [status] = chance.choices(*kinds)
            metadata = {"tags": tags_of(n), "run_managers": [], "run_monitors": []}
            if n % 5_000 == 7:
                metadata["retry_of"] = {"run_id": flows[0]}
            yield (
                n + 1,
                str(uuid.UUID(int=chance.getrandbits(128))),
                None,
                flows[n % FLOWS],
                f"Process segment {n % FLOWS}",
                "d",
                json.dumps(metadata),
                f"segment {n:06} of run {n // 100}",
                moment(n * SECONDS),
                moment(n * SECONDS + 300) if status in {"SUCCEEDED", "FAILED"} else None,
                status,
                int(n < count - UNLISTED),
            )

    with store.transaction() as db:
        indexes = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'runs' AND sql LIKE 'CREATE I%'"
        ).fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        db.execute("INSERT INTO definitions VALUES ('d', '{}', '{}')")
        marks = ",".join("?" * 12)
        db.executemany(f"INSERT INTO runs ({SQL_COLUMNS}, listed) VALUES ({marks})", rows())
        for _, sql in indexes:
            db.execute(sql)
        listed = count - UNLISTED
        tags = sorted(
            (tag, moment(n * SECONDS), n + 1) for n in range(listed) for tag in tags_of(n)
        )
        db.executemany("INSERT INTO run_tags VALUES (?,?,?)", tags)
        rebuild_labels(db)
        db.execute("UPDATE run_listing SET last = ?", (listed,))
    return flows


def tags_of(n: int) -> list[str]:
    """Return the tags of a run."""
    return [f"arrival:{n:06}", f"shift-{n // 500}", "campaign"]


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
    middle = moment(count // 2 * SECONDS)
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
        "in_an_hour": RunQuery(started=(middle, moment(count // 2 * SECONDS + 3600))),
        "ended_in_an_hour": RunQuery(completed=(middle, moment(count // 2 * SECONDS + 3600))),
        "label_of_one": RunQuery(label=f"segment {count // 2:06}"),
        "label_of_none": RunQuery(label="no such label"),
        "title_of_none": RunQuery(flow_title="no such title"),
        "by_label": RunQuery(order=[("label", True)]),
        "by_status": RunQuery(order=[("status", False)]),
        "by_completion": RunQuery(order=[("completion_time", True)]),
    }


def filters(count: int, flows: list[str]) -> dict[str, RunQuery]:
    """Return each filter, by what it lets through: much, little or nothing."""
    middle = count // 2 * SECONDS
    return {
        "none": RunQuery(),
        "flow": RunQuery(flow_ids=flows[:1]),
        "flow_absent": RunQuery(flow_ids=["none"]),
        "two_flows": RunQuery(flow_ids=flows[:2]),
        "status": RunQuery(statuses=["SUCCEEDED"]),
        "status_rare": RunQuery(statuses=["INACTIVE"]),
        "status_absent": RunQuery(statuses=["ENDED"]),
        "statuses": RunQuery(statuses=["ACTIVE", "INACTIVE"]),
        "flow_and_status": RunQuery(flow_ids=flows[1:2], statuses=["FAILED"]),
        "flow_and_status_absent": RunQuery(flow_ids=flows[1:2], statuses=["ENDED"]),
        "tag_of_all": RunQuery(tag="campaign"),
        "tag_of_500": RunQuery(tag="shift-3"),
        "tag_absent": RunQuery(tag="arrival:none"),
        "tag_and_status": RunQuery(tag="campaign", statuses=["FAILED"]),
        "tag_and_status_absent": RunQuery(tag="campaign", statuses=["ENDED"]),
        "label_of_all": RunQuery(label="segment"),
        "label_of_few": RunQuery(label=f"of run {count // 200}"),
        "label_of_one": RunQuery(label=f"segment {count // 2:06}"),
        "label_absent": RunQuery(label="no such label"),
        "label_and_status": RunQuery(label="segment", statuses=["INACTIVE"]),
        "title_of_all": RunQuery(flow_title="process"),
        "title_of_a_flow": RunQuery(flow_title="segment 3"),
        "title_absent": RunQuery(flow_title="no such title"),
        "retries": RunQuery(is_retry=True),
        "started_in_an_hour": RunQuery(started=(moment(middle), moment(middle + 3600))),
        "started_in_half": RunQuery(started=("", moment(middle))),
        "started_never": RunQuery(started=("2030", "")),
        "ended_in_an_hour": RunQuery(completed=(moment(middle), moment(middle + 3600))),
        "ended_in_half": RunQuery(completed=("", moment(middle))),
        "ended_since": RunQuery(completed=(moment(middle), "")),
        "ended_never": RunQuery(completed=("2030", "")),
    }


def every_filter_and_order(runs: RunTable, count: int, flows: list[str]) -> dict[str, Any]:
    """Time each filter in each order, from the first run on and behind the one in the middle."""
    middle = runs.find_by_number(runs.reader(), count // 2)
    assert middle is not None
    taken: dict[str, list[float]] = {}
    for name, asked in filters(count, flows).items():
        for column in sorted({*ORDER_COLUMNS} - {"run_id"}):
            for down in (False, True):
                ordered = replace(asked, order=[(column, down)])
                for place, after in (("first", []), ("middle", ordered.sort_key(middle))):
                    query = replace(ordered, after=after)
                    key = f"{name}, {column} {'DESC' if down else 'ASC'}, {place}"
                    for _ in range(PER_QUESTION + 1):
                        begun = time.perf_counter()
                        runs.query_page(query)
                        seconds = time.perf_counter() - begun
                        taken.setdefault(key, []).append(1e3 * seconds)
    times = sorted(one for all_of_it in taken.values() for one in all_of_it[1:])
    first = sorted(all_of_it[0] for all_of_it in taken.values())
    slowest = sorted(taken, key=lambda key: statistics.median(taken[key][1:]), reverse=True)
    return {
        "questions": len(taken),
        "median_ms": round(statistics.median(times), 3),
        "p99_ms": round(times[len(times) * 99 // 100], 3),
        "most_ms": round(times[-1], 3),
        "first_p99_ms": round(first[len(first) * 99 // 100], 3),
        "slowest_ms": {
            key: round(statistics.median(taken[key][1:]), 3) for key in slowest[:SLOWEST]
        },
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
        half = RunQuery(after=[moment(options.runs // 2 * SECONDS), options.runs // 2])
        answers["last_page"] = timed(lambda: runs.query_page(half), options.times)
        matrix = every_filter_and_order(runs, options.runs, flows)
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
        "every_filter_and_order": matrix,
        "rows": table_rows(options.runs, answers),
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
