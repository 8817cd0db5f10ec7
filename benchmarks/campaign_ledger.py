"""The ledger of campaigns by itself: members added, counted, chosen, started and ended.

Half of the members need the one before them, each has a hash, ten groups. In each round a ledger is
made anew, in a process of its own; what is measured is one transaction each, with its flush to the
disk. The limit beside the addition is SQLite alone: the same rows as JSON into one table with a
unique key, by one ``executemany``, as durable.

    python benchmarks/campaign_ledger.py [--directory DIR] [--members 100000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from headrace.campaigns.ledger import (
    AttemptEnd,
    CampaignLedger,
    MemberSelection,
    NewMember,
    NewStart,
    QueueName,
    read_ledger,
    requests,
)

STARTED: Final = 1_000
RETRIED: Final = 10_000
ROWS: Final = {
    "add": ("members added to a campaign", "s"),
    "again": ("the same table added again, nothing changed", "s"),
    "open": ("the ledger opened by a driver, looked through for damage", "s"),
    "counts": ("members counted by state, from opening the file", "s"),
    "ready": ("the next 200 members to be started", "s"),
    "select": ("members chosen by state and group", "s"),
    "where": ("members chosen by an expression over their columns", "s"),
    "start": (f"{STARTED:,} starts begun, opened and ended, three transactions", "s"),
    "retry": (f"{RETRIED:,} failed members tried again, with what was before", "s"),
    "undo": ("that undone", "s"),
    "size": ("the ledger's file, for each member", "kB"),
    "memory": ("all of it: memory of the process at most", "MB"),
}


def members(count: int) -> Iterator[NewMember]:
    """Yield the members of the campaign."""
    for number in range(count):
        yield NewMember(
            f"m{number:06d}",
            row(number),
            group=f"g{number % 10}",
            needs=(f"m{number - 1:06d}",) if number % 2 else (),
            hash=f"{number:032x}",
        )


def row(number: int) -> dict[str, Any]:
    """Return the columns of a member."""
    return {
        "name": f"m{number:06d}",
        "temperature": 300 + number % 50,
        "input": f"/simulations/napa/{number:06d}/input.tpr",
    }


class Clock:
    """Seconds of what is done, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begin = time.perf_counter()

    def start(self) -> None:
        """Begin to count."""
        self._begin = time.perf_counter()

    def stop(self, name: str) -> None:
        """Keep what was counted."""
        self.seconds[name] = round(time.perf_counter() - self._begin, 5)


def measure(directory: Path, count: int) -> dict[str, float]:
    """Make a ledger and use it; return what each thing took, by the names of `ROWS`.

    Args:
        directory: where the ledger is made.
        count: how many members it has.
    """
    path, clock = directory / "campaigns.db", Clock()
    with CampaignLedger(path) as ledger:
        clock.start()
        with ledger.transaction() as tables:
            campaign = tables.campaigns.add("napa", {}, "").id
            assert tables.members.add(campaign, members(count), step="start").added == count
        clock.stop("add")
        clock.start()
        with ledger.transaction() as tables:
            assert tables.members.add(campaign, members(count), step="start").unchanged == count
        clock.stop("again")
    size = path.stat().st_size
    clock.start()
    ledger = CampaignLedger(path)
    clock.stop("open")
    with ledger:
        look(path, campaign, clock)
        use(ledger, campaign, clock)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {**clock.seconds, "size": round(size / count / 1e3, 3), "memory": round(memory, 1)}


def look(path: Path, campaign: int, clock: Clock) -> None:
    """Read the ledger as commands do."""
    clock.start()
    with read_ledger(path) as tables:
        counts = tables.members.counts(campaign)
    clock.stop("counts")
    clock.start()
    with read_ledger(path) as tables:
        assert len(tables.queue.read(campaign, QueueName("", ""), 200)) == 200
    clock.stop("ready")
    for name, selection in (
        ("select", MemberSelection(states=("ready",), groups=("g2",))),
        ("where", MemberSelection(where=("temperature > 340 and group == 'g2'",))),
    ):
        clock.start()
        with read_ledger(path) as tables:
            assert 0 < len(selection.ids(tables.database, campaign)) < sum(counts.values())
        clock.stop(name)


def use(ledger: CampaignLedger, campaign: int, clock: Clock) -> None:
    """Start, end, try again and undo, as a driver and people do."""
    clock.start()
    with ledger.transaction() as tables:
        ready = tables.queue.read(campaign, QueueName("", ""), STARTED)
        new = (NewStart("md", (member.id,), "", member.step) for member in ready)
        starts = tables.starts.begin(campaign, new)
    ledger.ensure_counted(starts)
    with ledger.transaction() as tables:
        for start in starts:
            tables.starts.mark_open(start.id, f"run-{start.id}")
    with ledger.transaction() as tables:
        for start, member in zip(starts, ready, strict=True):
            end = AttemptEnd(member.id, done=True, then="done", facts={"rms": 0.1})
            tables.starts.end(start.id, "SUCCEEDED", [end], core_hours=0.1)
    clock.stop("start")
    with ledger.transaction() as tables:
        ids = MemberSelection(states=("ready",), limit=RETRIED).ids(tables.database, campaign)
        tables.database.executemany(
            "UPDATE members SET state = 'failed', attempts = 3, cause = 'exit 3' WHERE id = ?",
            [(id_,) for id_ in ids],
        )
    clock.start()
    with ledger.transaction() as tables:
        assert len(requests.retry(tables, campaign, ids, who="ana").changed) == len(ids)
    clock.stop("retry")
    clock.start()
    with ledger.transaction() as tables:
        assert len(requests.undo(tables, campaign, who="ana").changed) == len(ids)
    clock.stop("undo")


def bare_insertion(directory: Path, count: int) -> float:
    """Return the seconds that SQLite alone needs for the same rows."""
    database = sqlite3.connect(directory / "bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE members (id INTEGER PRIMARY KEY, key TEXT UNIQUE, row TEXT)")
    begin = time.perf_counter()
    database.execute("BEGIN")
    database.executemany(
        "INSERT INTO members (key, row) VALUES (?, ?)",
        ((member.key, json.dumps(dict(member.row))) for member in members(count)),
    )
    database.execute("COMMIT")
    seconds = time.perf_counter() - begin
    database.close()
    return round(seconds, 4)


def main() -> None:
    """Print what was measured, as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--directory", help="where ledgers are made; a temporary one by default")
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", action="store_true", help="one round, in this process")
    options = parser.parse_args()
    if options.members < 4 * RETRIED:
        parser.error(f"--members must be {4 * RETRIED} at the minimum")
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        if options.once:
            print(json.dumps(measure(Path(directory), options.members)))
            return
        rounds, bare = [], []
        for number in range(options.rounds):
            place = Path(directory) / str(number)
            place.mkdir()
            command = [sys.executable, __file__, "--once", "--directory", str(place)]
            command += ["--members", str(options.members)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rounds.append(json.loads(done.stdout))
            bare.append(bare_insertion(place, options.members))
    print(json.dumps(document(options.members, rounds, bare), indent=2))


def document(count: int, rounds: list[dict[str, float]], bare: list[float]) -> dict[str, Any]:
    """Return what was measured: rows of the table, and the machine."""
    settings = f"{count:,} members, half of which need another"
    rows = []
    for name, (what, unit) in ROWS.items():
        peers = []
        if name == "add":
            peers = [{"name": "SQLite", "settings": "one table, executemany", "values": bare}]
        values = [each[name] for each in rounds]
        rows.append(
            {
                "id": name,
                "what": what,
                "unit": unit,
                "better": "less",
                "ours": values,
                "settings": settings,
                "peers": peers,
            }
        )
    machine = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    return {"members": count, "rounds": rounds, "machine": machine, "rows": rows}


if __name__ == "__main__":
    main()
