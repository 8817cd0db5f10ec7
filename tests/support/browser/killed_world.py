"""A project whose pages are walked while its web server, facility and connection are killed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from globus_sdk import GlobusError

from headrace.deploy import apply, plan
from headrace.endpoints.status import endpoint_status
from headrace.errors import HeadraceError
from headrace.facility import facility_status, start_facility, stop_facility
from headrace.hosted import Services, services_at
from headrace.project import facility_settings, init_project, load_project
from headrace.project.targets import connect
from headrace.runs import BatchedRun, start_batch
from headrace.triggers import Ledger, read_ledger, read_paused
from headrace.triggers.arrival import Identity
from tests.support.browser.cut_connection import Connection
from tests.support.browser.shown_facts import ShownFacts
from tests.support.browser.web_server import WebServer
from tests.support.chosen_runs import FLOWS, write_flow
from tests.support.waiting import wait_until
from tests.support.web_runs import asking

TRIGGER = """\
[watch]
collection = "workstation"
path = "/records/"
what = "directory"
[start]
flow = "good"
"""
KINDS = ("web", "facility", "cut", "silence")


class KilledWorld:
    """The project, what runs of it, and what kills that.

    Args:
        root: an empty directory, or one to make.
        facts: is told what is so.
    """

    def __init__(self, root: Path, facts: ShownFacts) -> None:
        init_project(root, ["adjoint_sources"])
        for name, definition in {**FLOWS, "ask": asking({"Title": "Go on?", "Text": "?"})}.items():
            write_flow(root, name, definition)
        (root / "data" / "records").mkdir(parents=True)
        (root / "triggers").mkdir(exist_ok=True)
        (root / "triggers" / "records.toml").write_text(TRIGGER)
        self.root = root
        self.facts = facts
        self.project = load_project(root)
        self.settings = facility_settings(self.project)
        self.kills: list[tuple[str, float]] = []
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._ticks = 0
        self._ticking = threading.Event()
        self._ticking.set()
        address = start_facility(root, self.settings)
        services = services_at(address.url, address.token)
        apply(plan(self.project, "local", services), self.project, services)
        with Ledger(self.ledger, shared=True) as ledger:
            entries = [("/records/first/", Identity(1, 1))]
            [seen] = ledger.record_seen("records", "workstation", "root", entries)
            ledger.mark_starting(seen.id)
            ledger.mark_started(seen.id, "the first run")
        [self.held_run] = self.start("later")
        self.server = WebServer(root)
        self.connection = Connection(lambda: urlsplit(self.server.link).port or 0)
        for kind in KINDS:
            self._note_alive(kind, True)
        self._begin(self._look_at_store)
        self._begin(self._tick)

    @property
    def ledger(self) -> Path:
        return self.root / ".headrace" / "triggers.local.db"

    def url(self, address: str) -> str:
        return f"http://127.0.0.1:{self.connection.port}/{address}"

    @property
    def link(self) -> str:
        """Link that opens a session, behind the connection."""
        return self.url(f"login#{self.server.link.partition('#')[2]}")

    @property
    def services(self) -> Services:
        return connect(self.project, "local")

    def start(self, flow: str, count: int = 1, **options: Any) -> list[str]:
        """Start runs, as another client does; it comes again where it was not answered."""
        flow_id = self.project.lock().at("local").flows[flow].id
        runs = [BatchedRun({"cause": "no disk"}, **options) for _ in range(count)]
        key = f"other client {time.monotonic_ns()}"
        return [
            one.run_id
            for one in self.insist(
                lambda services: start_batch(services, flow_id, runs, request_id=key)
            )
        ]

    def insist(self, ask: Callable[[Services], Any]) -> Any:
        """Ask the facility until it answers."""

        def answer() -> Any:
            with suppress(HeadraceError, GlobusError):
                return (ask(self.services),)
            return None

        return wait_until(answer, "the facility's answer")[0]

    def runs(self) -> list[Mapping[str, Any]]:
        return list(self.insist(lambda services: list(services.read_items("/runs", "runs", {}))))

    def run(self, run_id: str) -> Mapping[str, Any]:
        return dict(self.insist(lambda services: services.read(f"/runs/{run_id}")))

    def is_paused(self) -> bool:
        return read_paused(self.ledger) == ["records"]

    def is_drained(self) -> bool:
        endpoint_id = load_project(self.root).endpoint_id("simulation", "local")
        status = self.insist(lambda services: endpoint_status(services, endpoint_id))
        return (status.get("details") or {}).get("drain") is not None

    def start_arrivals(self) -> None:
        """Start what has arrived, as a watch does."""
        with Ledger(self.ledger, shared=True) as ledger:
            for record in read_ledger(self.ledger):
                if record.present and record.state in ("seen", "failed"):
                    ledger.mark_starting(record.id)
                    ledger.mark_started(record.id, f"run of {record.id}")

    def replays(self) -> int:
        return len(read_ledger(self.ledger)) - 1

    def what_is_so(self) -> Mapping[str, object]:
        """Return all that the walk changes; runs that are started meanwhile are left out."""
        labels = Counter(str(run.get("label")) for run in self.runs())
        return {
            "paused": self.is_paused(),
            "held": bool(self.run(self.held_run)["held_at"]),
            "drained": self.is_drained(),
            "replays": self.replays(),
            "runs": {label: n for label, n in labels.items() if not label.startswith("tick ")},
        }

    # -- kills

    @contextmanager
    def killing(self, kind: str, after: float, down: float) -> Iterator[None]:
        """Kill something while the body goes on, and have it restored before this ends.

        Args:
            kind: one of `KINDS`.
            after: seconds until the kill.
            down: seconds until it is restored.
        """

        def kill() -> None:
            self._ended.wait(after)
            self._kill(kind)
            self.kills.append((kind, time.time()))
            self._ended.wait(down)
            self._restore(kind)
            self._note_alive(kind, True)

        thread = threading.Thread(target=kill)
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def _kill(self, kind: str) -> None:
        if kind == "web":
            self.server.kill()
        elif kind == "facility":
            pid = int(facility_status(self.root)["pid"])
            process = psutil.Process(pid)
            os.kill(pid, signal.SIGKILL)
            psutil.wait_procs([process], timeout=120)
        elif kind == "cut":
            self.connection.cut()
        else:
            self.connection.silence()
        self._note_alive(kind, False)

    def _restore(self, kind: str) -> None:
        if kind == "web":
            self.server.start_again()
        elif kind == "facility":
            start_facility(self.root, self.settings)
        elif kind == "cut":
            self.connection.mend()
        else:
            self.connection.speak()

    def _note_alive(self, kind: str, value: bool) -> None:
        self.facts.note(f"alive {kind}", time.time(), value)

    # -- what is so

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _look_at_store(self) -> None:
        path = self.root / ".headrace" / "facility.db"
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        while not self._ended.wait(0.03):
            moment = time.time()
            with suppress(sqlite3.Error):
                (held,) = database.execute(
                    "SELECT json_extract(metadata, '$.held_at') FROM runs WHERE id = ?",
                    (self.held_run,),
                ).fetchone()
                (count,) = database.execute(
                    "SELECT count(*) FROM web_inputs WHERE status = 'open'"
                ).fetchone()
                (tick,) = database.execute(
                    "SELECT max(CAST(substr(label, 6) AS INTEGER)) FROM runs "
                    "WHERE label LIKE 'tick %'"
                ).fetchone()
                self.facts.note(f"held {self.held_run}", moment, held is not None)
                self.facts.note("questions", moment, count)
                self.facts.note("tick", moment, tick or 0)
            self.facts.note("paused", moment, self.is_paused())
        database.close()

    def _tick(self) -> None:
        """Start a run now and then: lists of runs that do not show it are wrong."""
        rng = random.Random(1)
        while self._ticking.is_set() and not self._ended.wait(rng.uniform(0.3, 2.0)):
            self._ticks += 1
            self.start("good", label=f"tick {self._ticks}", tags=("tick",))

    def rest(self) -> None:
        """Change nothing any more."""
        self._ticking.clear()

    def close(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self.connection.close()
        self.server.close()
        stop_facility(self.root)
