"""``GET /metrics`` of a real facility, read by the parser of Prometheus's own library."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headrace.facility import state_directory
from headrace.facility.scraping import TARGETS_FILE, TOKEN_FILE, prepare_scraping
from tests.support.facility.live_facility import LiveFacility

GREET = {
    "StartAt": "Greet",
    "States": {
        "Greet": {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {"echo_string": "x"},
            "ResultPath": "$.greeting",
            "End": True,
        }
    },
}
FAIL = {
    "StartAt": "Stop",
    "States": {"Stop": {"Type": "Fail", "Error": "NoBeam", "Cause": "there is no beam"}},
}
Samples = dict[tuple[str, tuple[str, ...]], float]


def get(facility: LiveFacility, path: str, token: str) -> tuple[int, str, str]:
    connection = HTTPConnection(urlsplit(facility.address.url).netloc, timeout=30)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def metrics_token(facility: LiveFacility) -> str:
    return (state_directory(facility.root) / TOKEN_FILE).read_text().strip()


def scrape(facility: LiveFacility) -> Samples:
    status, kind, text = get(facility, "/metrics", metrics_token(facility))
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.type in ("gauge", "counter"), family.name
        assert family.documentation.endswith((".", "never.", "status."))
        for sample in family.samples:
            key = (sample.name, tuple(sample.labels.values()))
            assert key not in found
            found[key] = sample.value
    return found


def test_runs_actions_store_and_process(facility: LiveFacility) -> None:
    flow = facility.deploy(GREET)
    for _ in range(2):
        facility.wait(facility.start(flow, {}))
    stop = facility.deploy(FAIL)
    facility.wait(facility.start(stop, {}))
    found = scrape(facility)
    assert found["headrace_runs", (flow, "test", "SUCCEEDED")] == 2
    assert found["headrace_runs", (stop, "test", "FAILED")] == 1
    assert found["headrace_run_starts_total", ()] == 3
    assert found["headrace_actions_ended_total", ("hello_world", "SUCCEEDED")] == 2
    assert found["headrace_run_events_total", ()] > 3
    assert found["headrace_engine_queue_runs", ()] == 0
    assert found["headrace_problems", ()] == 0
    assert found["headrace_retention_seconds", ()] == 90 * 86_400
    for name in ("process_open_fds", "process_resident_memory_bytes", "headrace_store_free_bytes"):
        assert found[name, ()] > 0


def test_its_token_opens_the_metrics_and_nothing_else(facility: LiveFacility) -> None:
    token = metrics_token(facility)
    assert token != facility.address.token
    assert get(facility, "/metrics", facility.address.token)[0] == 200
    for path in ("/", "/runs", "/status", "/metrics/", "//metrics", "/metrics/..", "/%6detrics/x"):
        assert get(facility, path, token)[0] in (401, 404), path
    for wrong in ("", "x", token[:-1]):
        assert get(facility, "/metrics", wrong)[0] == 401


def test_prometheus_finds_it_by_a_file(facility: LiveFacility) -> None:
    state = state_directory(facility.root)
    (group,) = json.loads((state / TARGETS_FILE).read_text())
    assert group["targets"] == [urlsplit(facility.address.url).netloc]
    for name in (TARGETS_FILE, TOKEN_FILE):
        assert (state / name).stat().st_mode & 0o077 == 0


def test_the_token_stays_and_one_that_is_none_opens_nothing(tmp_path: Path) -> None:
    first = prepare_scraping(tmp_path, ("127.0.0.1", 1))
    assert prepare_scraping(tmp_path, ("127.0.0.1", 2)) == first
    for text in ("", "short", "no token but words\nof two lines", "ü" * 40):
        (tmp_path / TOKEN_FILE).write_text(text)
        assert prepare_scraping(tmp_path, ("127.0.0.1", 1)) == ""


@pytest.mark.parametrize("name", [TARGETS_FILE, TOKEN_FILE])
def test_files_that_cannot_be_written_keep_no_facility_from_starting(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    assert prepare_scraping(tmp_path, ("127.0.0.1", 1)) == ""
