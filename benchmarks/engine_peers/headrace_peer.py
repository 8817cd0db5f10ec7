"""headrace's engine on a real file, synchronous=FULL. Prints JSON."""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import psutil

from headrace.facility.engine.engine import Engine
from headrace.facility.identity import Identity
from headrace.facility.providers.hello_world import HelloWorldProvider
from headrace.facility.store.database import Store
from headrace.facility.store.flows import FlowTable, StoredFlow
from headrace.facility.store.runs import RunTable

HELLO = "https://actions.globus.org/hello_world"


class Bench:
    """An engine on a store of its own."""

    def __init__(self, directory: Path, states_per_turn: int = 100) -> None:
        self.path = directory / uuid.uuid4().hex / "facility.db"
        self.states_per_turn = states_per_turn
        self.open()

    def open(self) -> None:
        """Open the store and start the engine."""
        self.store = Store(self.path)
        identity = Identity(str(uuid.uuid4()), "me@here")
        self.engine = Engine(self.store, identity, max_states=self.states_per_turn)
        self.engine.start([HelloWorldProvider(self.engine.finish_action, self.engine.call_later)])
        self.runs = RunTable(self.store)

    def close(self) -> None:
        """Stop the engine."""
        self.engine.stop()
        self.store.close()

    def flow(self, states: dict[str, Any]) -> StoredFlow:
        """Store a flow of these states."""
        definition = {"StartAt": next(iter(states)), "States": states}
        return FlowTable(self.store).create({"title": "bench", "definition": definition})

    def to_the_end(self) -> None:
        """Wait until no run is open."""
        while self.runs.list_open():
            time.sleep(0.001)


def loop(turns: int) -> dict[str, Any]:
    """Build a flow that counts: an expression and a Choice each time."""
    more = {"Variable": "$.count.i", "NumericLessThan": turns, "Next": "Count"}
    return {
        "Count": {
            "Type": "ExpressionEval",
            "Parameters": {"i.=": "count.i + 1"},
            "ResultPath": "$.count",
            "Next": "More",
        },
        "More": {"Type": "Choice", "Choices": [more], "Default": "Last"},
        "Last": {"Type": "Pass", "End": True},
    }


def chain(count: int) -> dict[str, Any]:
    """So many actions, one after the other."""
    states: dict[str, Any] = {}
    for number in range(count):
        following = {"Next": f"A{number + 1}"} if number + 1 < count else {"End": True}
        states[f"A{number}"] = {
            "Type": "Action",
            "ActionUrl": HELLO,
            "Parameters": {"echo_string": "x"},
            "ResultPath": "$.last",
            **following,
        }
    return states


def measured(
    directory: Path, states: dict[str, Any], transitions: int, runs: int, body: Any, per_turn: int
) -> dict[str, Any]:
    """Execute runs at the same time."""
    bench = Bench(directory, per_turn)
    flow = bench.flow(states)
    begun = time.perf_counter()
    for _ in range(runs):
        bench.engine.start_run(flow, {"body": body})
    bench.to_the_end()
    seconds = time.perf_counter() - begun
    failed = bench.store.reader().execute("SELECT count(*) FROM runs WHERE status != 'SUCCEEDED'")
    if failed.fetchone()[0]:
        raise SystemExit("headrace: a run failed")
    bench.close()
    total = runs * transitions
    return {
        "runs": runs,
        "transitions": total,
        "states_per_commit": per_turn,
        "transitions_per_second": total / seconds,
        "ms_each": 1e3 * seconds / total,
    }


def waiting(directory: Path, count: int) -> dict[str, Any]:
    """Start runs that wait for an hour, and takes them up again."""
    bench = Bench(directory)
    flow = bench.flow({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}})
    gc.collect()
    process = psutil.Process()
    memory, threads = process.memory_info().rss, threading.active_count()
    begun = time.perf_counter()
    for number in range(count):
        bench.engine.start_run(flow, {"body": {"number": number}})
    while len(bench.engine._timers) < count:
        time.sleep(0.01)
    started = time.perf_counter() - begun
    gc.collect()
    added = process.memory_info().rss - memory
    new_threads = threading.active_count() - threads
    bench.close()
    begun = time.perf_counter()
    bench.open()
    while len(bench.engine._timers) < count:
        time.sleep(0.01)
    again = time.perf_counter() - begun
    gc.collect()
    after = process.memory_info().rss - memory
    bench.close()
    return {
        "runs": count,
        "added_MB": added / 1e6,
        "added_MB_after_restart": after / 1e6,
        "added_threads": new_threads,
        "seconds_to_start": started,
        "seconds_to_take_up_again": again,
    }


def hello(directory: Path) -> None:
    """Open a new store, and run a flow of one action to its end."""
    bench = Bench(directory)
    run = bench.engine.start_run(bench.flow(chain(1)), {"body": {}})
    bench.to_the_end()
    if bench.runs.details(bench.runs.get(run.id))["code"] != "FlowSucceeded":
        raise SystemExit("headrace: the run failed")
    bench.close()


def main(
    directory: Path, sequential: int, runs: int, each: int, payload: str, waiting_runs: int
) -> None:
    """Measure everything."""
    small = {"count": {"i": 0}}
    large = {**small, **json.loads(payload)}
    long, short = loop(sequential // 2), loop(each // 2)
    actions = chain(200)
    answer = {
        "sequential": measured(directory, long, sequential + 1, 1, small, 1),
        "sequential_batched": measured(directory, long, sequential + 1, 1, small, 100),
        "sequential_actions": measured(directory, actions, 200, 1, small, 1),
        "concurrent": measured(directory, short, each + 1, runs, small, 1),
        "concurrent_batched": measured(directory, short, each + 1, runs, small, 100),
        "concurrent_10kB": measured(directory, short, each + 1, runs, large, 1),
        "concurrent_10kB_batched": measured(directory, short, each + 1, runs, large, 100),
        "concurrent_actions": measured(directory, chain(each // 10), each // 10, runs, small, 1),
        "concurrent_actions_10kB": measured(
            directory, chain(each // 10), each // 10, runs, large, 1
        ),
        "waiting": waiting(directory, waiting_runs),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    if sys.argv[2] == "hello":
        hello(Path(sys.argv[1]))
    else:
        main(
            Path(sys.argv[1]),
            *(int(argument) for argument in sys.argv[2:5]),
            sys.argv[5],
            int(sys.argv[6]),
        )
