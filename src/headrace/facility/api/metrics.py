"""``GET /metrics``: figures of the facility in Prometheus's text format.

Labels are bounded: flows beyond the largest, and providers that people add, are ``other``, and no
run has a label of its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import psutil
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headrace import __version__
from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.counters import provider_name
from headrace.facility.exposition import CONTENT_TYPE, Metric, metric_text
from headrace.facility.store.moments import one_moment
from headrace.facility.store.runs import RunTable
from headrace.facility.store.statistics import (
    count_open_actions,
    count_open_tasks,
    count_open_web_inputs,
    read_store_size,
)

PATH: Final = "/metrics"
MOST_FLOWS: Final = 100
"""Flows with figures of their own; the others are counted together."""
MOST_ENDPOINTS: Final = 100
"""Endpoints likewise."""

_OTHER: Final = "other"


def metrics(request: Request) -> Response:
    """``GET /metrics``."""
    backend = backend_of(request)
    found = [*_runs(backend), *_work(backend), *_store(backend), *_process()]
    return Response(metric_text(found), media_type=CONTENT_TYPE)


def _runs(backend: Backend) -> Iterator[Metric]:
    db = backend.store.reader()
    with one_moment(db):
        counts = backend.run_counts.get(db)
    by_flow: Counter[str] = Counter()
    for (flow_id, _), number in counts.items():
        by_flow[flow_id] += number
    largest = dict(by_flow.most_common(MOST_FLOWS))
    titles = backend.flows.titles(largest)
    shown: Counter[tuple[str, str, str]] = Counter()
    for (flow_id, status), number in counts.items():
        known = flow_id in largest
        flow = (flow_id, titles.get(flow_id, "")) if known else (_OTHER, _OTHER)
        shown[*flow, status] += number
    yield Metric(
        "headrace_runs",
        "gauge",
        "Runs in the store by flow and status.",
        [
            ({"flow_id": flow_id, "flow": title, "status": status}, number)
            for (flow_id, title, status), number in sorted(shown.items())
        ],
    )
    starts = RunTable.last_number(db)
    yield _counter("headrace_run_starts_total", "Runs that were ever started.", starts)
    counters = backend.store.counters
    yield _counter(
        "headrace_run_events_total",
        "Events of runs since the facility's start; every transition of a run adds some.",
        counters.events,
    )
    yield _gauge("headrace_parked_runs", "Runs that cannot be advanced.", backend.engine.parked)
    open_inputs = count_open_web_inputs(db)
    yield _gauge("headrace_web_inputs_open", "Questions that wait for an answer.", open_inputs)


def _work(backend: Backend) -> Iterator[Metric]:
    db = backend.store.reader()
    active: Counter[tuple[str, str]] = Counter()
    for (provider, status), number in count_open_actions(db).items():
        active[provider_name(provider), status] += number
    counters = backend.store.counters
    yield _by_provider("headrace_actions", "gauge", "Actions that have not ended.", active)
    yield _by_provider(
        "headrace_actions_ended_total",
        "counter",
        "Actions that ended since the facility's start.",
        # Counted meanwhile by another thread.
        dict(counters.actions.copy()),
    )
    yield _counter(
        "headrace_transferred_bytes_total",
        "Bytes of transfers that ended since the facility's start.",
        counters.transferred_bytes,
    )
    hours = Counter(counters.core_hours.copy())
    largest = dict(hours.most_common(MOST_ENDPOINTS))
    if others := sum(hours.values()) - sum(largest.values()):
        largest[_OTHER] = others
    yield Metric(
        "headrace_core_hours_total",
        "counter",
        "Core hours of batch jobs that tasks reported since the facility's start.",
        [({"endpoint_id": endpoint}, number) for endpoint, number in sorted(largest.items())],
    )
    yield Metric(
        "headrace_tasks",
        "gauge",
        "Tasks of Compute actions that have not ended, by status.",
        [({"status": status}, n) for status, n in sorted(count_open_tasks(db).items())],
    )
    engine = backend.engine
    yield _gauge(
        "headrace_engine_queue_runs", "Runs that are ready and wait for the engine.", engine.queued
    )
    yield _gauge(
        "headrace_engine_delay_seconds",
        "Seconds for which the run that waits longest for the engine has waited.",
        engine.delay,
    )
    problems = len(backend.store.health.document()["problems"])
    yield _gauge("headrace_problems", "Problems of the facility; see its status.", problems)


def _store(backend: Backend) -> Iterator[Metric]:
    size = read_store_size(backend.store.path)
    yield Metric(
        "headrace_store_bytes",
        "gauge",
        "Size of the store's files.",
        [({"file": "database"}, size.database), ({"file": "log"}, size.log)],
    )
    yield _gauge(
        "headrace_store_free_bytes", "Bytes left on the file system of the store.", size.free
    )
    days = backend.engine.retention_days
    yield _gauge(
        "headrace_retention_seconds",
        "Seconds after which the record of an ended run is removed; +Inf for never.",
        math.inf if days is None else days * 86_400,
    )


def _process() -> Iterator[Metric]:
    yield Metric(
        "headrace_build_info", "gauge", "Version of headrace.", [({"version": __version__}, 1)]
    )
    process = psutil.Process()
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
        files, started = process.num_fds(), process.create_time()
    cpu = times.user + times.system
    yield _counter("process_cpu_seconds_total", "CPU time of the process in seconds.", cpu)
    yield _gauge("process_resident_memory_bytes", "Resident memory in bytes.", memory.rss)
    yield _gauge("process_virtual_memory_bytes", "Virtual memory in bytes.", memory.vms)
    yield _gauge("process_open_fds", "Open file descriptors.", files)
    yield _gauge("process_start_time_seconds", "Start of the process, since 1970.", started)


def _gauge(name: str, description: str, value: float) -> Metric:
    return Metric(name, "gauge", description, [({}, value)])


def _counter(name: str, description: str, value: float) -> Metric:
    return Metric(name, "counter", description, [({}, value)])


def _by_provider(
    name: str, kind: str, description: str, counts: Mapping[tuple[str, str], int]
) -> Metric:
    samples = [
        ({"provider": provider, "status": status}, number)
        for (provider, status), number in sorted(counts.items())
    ]
    return Metric(name, "counter" if kind == "counter" else "gauge", description, samples)


ROUTES = [Route(PATH, metrics)]
