"""Starts of runs over HTTP, beside the same HTTP way without a start plus one flush, and DBOS.

The facility is a process of its own with synchronous=FULL; one process sends requests on one and on
eight connections, each the next as soon as the last is answered. The flow has one action, so that a
run is what a DBOS workflow of one step is: DBOS starts its workflows in its own process, without
HTTP. A start counts when it is answered, which both do after the commit that holds it.

    python benchmarks/starts.py [--directory DIR] [--environments DIR] [--starts 2000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine import call as call_script
from engine import environment, option_parser
from engine_peers.postgresql import private_postgresql

FLOW = {
    "StartAt": "Say",
    "States": {
        "Say": {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {"echo_string": "x"},
            "ResultPath": "$.said",
            "End": True,
        }
    },
}
BATCH = 10_000


@dataclass
class Facility:
    """A running facility, and what is asked of it."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    token: str
    flow: str = ""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer to one request."""
        connection = http.client.HTTPConnection(self.host, self.port)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        document = json.loads(answer.read())
        connection.close()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {document}")
        return document

    def request(self, number: int, start: bool) -> bytes:
        """Return the bytes of a start, or of a request that only reads."""
        head = f"Host: {self.host}\r\nAuthorization: Bearer {self.token}\r\n"
        if not start:
            return f"GET /flows/{self.flow} HTTP/1.1\r\n{head}\r\n".encode()
        body = json.dumps({"body": {"n": number}, "label": f"run {number}", "tags": ["bench"]})
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        return f"POST /flows/{self.flow}/run HTTP/1.1\r\n{head}".encode()

    def written_bytes(self) -> int:
        """Return the bytes that the process has had written to the disk."""
        lines = Path(f"/proc/{self.process.pid}/io").read_text().splitlines()
        return int(dict(line.split(": ") for line in lines)["write_bytes"])

    def wait_until_ended(self) -> None:
        """Wait until no run is open."""
        while self.ask("GET", "/runs?filter_status=ACTIVE&per_page=1")["runs"]:
            time.sleep(0.01)


@contextmanager
def facility(directory: Path) -> Iterator[Facility]:
    """Run a facility of a new project."""
    (directory / "headrace.toml").touch()
    environ = {key: value for key, value in os.environ.items() if key != "HEADRACE_STATE"}
    command = [sys.executable, "-m", "headrace.facility", str(directory)]
    with (directory / "errors").open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, env=environ)
    path = directory / ".headrace" / "facility.json"
    deadline = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        address = json.loads(path.read_text())
        url = urlsplit(address["url"])
        made = Facility(process, url.hostname or "", url.port or 0, address["token"])
        body = {"title": "bench", "definition": FLOW, "input_schema": {"type": "object"}}
        made.flow = made.ask("POST", "/flows", body)["id"]
        yield made
    finally:
        process.terminate()
        process.wait()


def send_all(at: Facility, clients: int, count: int, make: Callable[[int], bytes]) -> list[float]:
    """Send requests on so many connections; return the seconds each took, in order of answers."""
    selector = selectors.DefaultSelector()
    sent, times = 0, []
    for _ in range(clients):
        client = socket.create_connection((at.host, at.port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(client, selectors.EVENT_READ, [b"", time.perf_counter()])
        client.sendall(make(sent))
        sent += 1
    while len(times) < count:
        for key, _ in selector.select():
            client, state = key.fileobj, key.data
            assert isinstance(client, socket.socket)
            state[0] += client.recv(65_536)
            head, found, body = state[0].partition(b"\r\n\r\n")
            if not found:
                continue
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(body) < length:
                continue
            if head[9:10] != b"2":
                raise SystemExit(state[0].decode())
            times.append(time.perf_counter() - state[1])
            if sent < count:
                state[:] = b"", time.perf_counter()
                client.sendall(make(sent))
                sent += 1
    for key in [*selector.get_map().values()]:
        assert isinstance(key.fileobj, socket.socket)
        key.fileobj.close()
    return times


def measured(at: Facility, clients: int, count: int, start: bool) -> dict[str, float]:
    """Time requests, with what was written for each."""
    written, begun = at.written_bytes(), time.perf_counter()
    times = sorted(send_all(at, clients, count, lambda n: at.request(n, start)))
    seconds = time.perf_counter() - begun
    if start:
        at.wait_until_ended()
    return {
        "per_second": count / seconds,
        "ended_per_second": count / (time.perf_counter() - begun),
        "median_ms": 1e3 * statistics.median(times),
        "p99_ms": 1e3 * times[len(times) * 99 // 100],
        "written_kB_each": (at.written_bytes() - written) / count / 1e3,
    }


def batch(at: Facility, name: str) -> dict[str, float]:
    """Time one request that starts many runs."""
    runs = [{"body": {"n": n}, "label": f"run {n}", "tags": ["bench"]} for n in range(BATCH)]
    begun = time.perf_counter()
    answer = at.ask("POST", f"/flows/{at.flow}/run_batch", {"request_id": name, "runs": runs})
    seconds = time.perf_counter() - begun
    if answer["started"] != BATCH:
        raise SystemExit("headrace: not every run of the batch was started")
    at.wait_until_ended()
    return {
        "per_second": BATCH / seconds,
        "ended_per_second": BATCH / (time.perf_counter() - begun),
    }


def flush_seconds(directory: Path) -> float:
    """Return the median of flushes of 4 KiB."""
    return float(call_script(sys.executable, "disk.py", directory)["median_ms"]) / 1e3


def dbos(environments: Path, url: str, count: int, rounds: int) -> dict[str, Any]:
    """Measure DBOS on one database; what cannot be had is told as such."""
    try:
        python = environment("dbos", environments)
        return call_script(python, "dbos_starts.py", url, count, rounds)
    except (OSError, subprocess.CalledProcessError) as error:
        return {"not_measured": str(error)}


def main() -> None:
    """Measure and print."""
    parser = option_parser(__doc__)
    parser.add_argument("--starts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    options.environments.mkdir(parents=True, exist_ok=True)
    ours: dict[str, list[dict[str, float]]] = {"clients_1": [], "clients_8": [], "batch": []}
    limit: dict[str, list[float]] = {"clients_1": [], "clients_8": []}
    peers: dict[str, dict[str, Any]] = {"DBOS, SQLite": {}, "DBOS, PostgreSQL": {}}
    with (
        tempfile.TemporaryDirectory(dir=options.directory) as name,
        facility(Path(name)) as at,
        private_postgresql(options.directory) as postgresql,
    ):
        send_all(at, 1, 200, lambda n: at.request(n, True))
        for number in range(options.rounds):
            flush = flush_seconds(Path(name))
            for clients in (1, 8):
                reads = measured(at, clients, options.starts, False)["per_second"]
                # One flush for each by one client; by eight, one for all that wait.
                limit[f"clients_{clients}"].append(1 / (1 / reads + flush / clients))
                ours[f"clients_{clients}"].append(measured(at, clients, options.starts, True))
            ours["batch"].append(batch(at, f"batch {number}"))
        count = options.starts // 4
        url = f"sqlite:///{name}/dbos.sqlite"
        peers["DBOS, SQLite"] = dbos(options.environments, url, count, options.rounds)
        if postgresql:
            peers["DBOS, PostgreSQL"] = dbos(
                options.environments, postgresql, count, options.rounds
            )
    print(json.dumps(document(options, ours, limit, peers), indent=1))


def document(
    options: argparse.Namespace,
    ours: dict[str, list[dict[str, float]]],
    limit: dict[str, list[float]],
    peers: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Return what is printed."""
    settings = (
        "synchronous=FULL, a flow of one action, label and tag; from another process on loopback; "
        f"{options.starts} starts a round"
    )
    rows = []
    for clients, words in ((1, "one client"), (8, "eight clients")):
        key = f"clients_{clients}"
        others = [
            {
                "name": "the same HTTP way, a GET, and one flush",
                "values": limit[key],
                "settings": "the limit; the flush is shared by the clients",
            }
        ]
        others += [
            {
                "name": f"{peer}: start_workflow",
                "values": [one["starts_per_second"] for one in found[key]],
                "settings": f"a workflow of one step, in its own process, {clients} threads",
            }
            for peer, found in peers.items()
            if key in found
        ]
        rows.append(
            {
                "id": f"starts_{clients}",
                "what": f"starts of runs over HTTP, {words}",
                "unit": "/s",
                "ours": [one["per_second"] for one in ours[key]],
                "better": "more",
                "peers": others,
                "settings": settings,
            }
        )
    rows.append(
        {
            "id": "starts_batch",
            "what": f"one request that starts {BATCH:,} runs",
            "unit": "/s",
            "ours": [one["per_second"] for one in ours["batch"]],
            "better": "more",
            "peers": [],
            "settings": "synchronous=FULL, 1,000 runs a commit, stored when answered",
        }
    )
    return {
        "measured": "starts of runs, each durable when it is answered",
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "headrace": ours,
        "limit_per_second": limit,
        "peers": peers,
        "rows": rows,
    }


if __name__ == "__main__":
    main()
