from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console

import headrace.runs.tracker
from headrace.cli.termio.progress import Lines, Live
from headrace.config import local_id
from headrace.runs import RunView
from headrace.runs.poller import states_of
from tests.support.flows_service import Service
from tests.support.waiting import wait_until

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headrace.runs.tracker, "POLL_INTERVALS", {"local": 0.02, "globus": 0.02})


class Ending:
    """Lets each run go through its states once it has been looked at, and end."""

    def __init__(self, service: Service, root: Path, status: str) -> None:
        self.service, self.root, self.status = service, root, status
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Ending:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        entered: dict[str, int] = {}
        ended: set[str] = set()
        while not self._stop.wait(0.01):
            for run_id in set(self.service.runs) - ended:
                looks = self.service.calls.count(f"GET /runs/{run_id}")
                if run_id not in entered:
                    entered[run_id] = looks
                    details = {"state_name": "Move", "state_type": "Action"}
                    self.service.log(run_id, "ActionStarted", **details)
                elif looks > entered[run_id] + 1:
                    ended.add(run_id)
                    self._end(run_id)

    def _end(self, run_id: str) -> None:
        failure = {"state_name": "Move", "exception": "ActionFailedException", "cause": "no space"}
        place = {"id": local_id("collection", "here"), "path": "/results/"}
        output = {"summary": {"misfit": 0.5, "results": place}}
        if self.status == "SUCCEEDED":
            self.service.log(run_id, "ActionCompleted", state_name="Move", state_type="Action")
            details = {"code": "FlowSucceeded", "output": output}
        else:
            details = {"code": "FlowFailed", "details": failure}
        self.service.end(run_id, self.status, details)


@pytest.fixture
def succeeding(deployed: Service, root: Path) -> Iterator[Service]:
    (root / "data" / "results").mkdir()
    with Ending(deployed, root, "SUCCEEDED"):
        yield deployed


@pytest.fixture
def failing(deployed: Service, root: Path) -> Iterator[Service]:
    with Ending(deployed, root, "FAILED"):
        yield deployed


def test_following_ends_with_where_the_results_are(
    run: Run, succeeding: Service, root: Path
) -> None:
    result = run("start", "say", "-s", "word=a", "-l", "first", "--follow")
    assert result.exit_code == 0
    assert result.stdout.startswith("SUCCEEDED first in 0:0")
    assert "misfit: 0.5" in result.stdout
    assert f"results: {root}/data/results" in result.stdout
    assert "first: Move" in result.stderr


def test_a_failure_says_where_and_why(run: Run, failing: Service) -> None:
    result = run("start", "say", "-s", "word=a", "--follow")
    assert result.exit_code == 1
    assert "failed: no space (ActionFailedException in state Move)\n" in result.stdout
    assert (
        "FAILED: no space (ActionFailedException in state Move); see `headrace run log"
        in result.stderr
    )


def test_waiting_shows_nothing_but_the_end(run: Run, succeeding: Service) -> None:
    result = run("start", "say", "-s", "word=a", "--wait", "-F", "json")
    document = json.loads(result.stdout)
    assert document["status"] == "SUCCEEDED"
    assert document["summary"] == {"misfit": 0.5}
    assert document["results"]["collection"] == "here"
    assert result.stderr == ""


def arrive(root: Path, name: str) -> None:
    directory = root / "data" / "incoming" / name
    directory.mkdir(parents=True)
    (directory / "trace").write_text("1 2 3")


def test_watching_carries_each_arrival_through(run: Run, succeeding: Service, root: Path) -> None:
    arrive(root, "one")
    arrive(root, "two")
    (root / "triggers" / "new.toml").write_text(
        'title = "New"\n[watch]\ncollection = "here"\npath = "/incoming/"\nwhat = "directory"\n'
        'settle = 0.1\ninterval = 0.1\nobserver = "poll"\n'
        '[start]\nflow = "say"\nlabel = "say {name}"\n[start.input]\nword = "{name}"\n'
    )
    result = run("watch", "--existing", "run", "--until-idle", "1")
    assert result.exit_code == 0, result.stderr
    assert sorted(stored["label"] for stored in succeeding.runs.values()) == ["say one", "say two"]
    assert "one: arrived in" in result.stderr
    assert "say two: SUCCEEDED" in result.stderr
    assert result.stdout.count("SUCCEEDED say") == 2
    again = run("watch", "--once", "-F", "json")
    assert json.loads(again.stdout) == []
    assert len(succeeding.runs) == 2


def test_a_trigger_whose_runs_could_not_start_is_told_before_anything_is_watched(
    run: Run, deployed: Service, root: Path
) -> None:
    arrive(root, "one")
    (root / "triggers" / "new.toml").write_text(
        '[watch]\ncollection = "here"\npath = "/incoming/"\nwhat = "directory"\n'
        'settle = 0.1\ninterval = 0.1\nobserver = "poll"\n[start]\nflow = "say"\n'
    )
    result = run("watch", "--once", "--existing", "run")
    assert result.exit_code == 1
    assert "'word' is a required property" in result.stderr
    assert deployed.runs == {}


def test_runs_that_others_start_show_in_a_running_watch_which_leaves_telling_to_the_facility(
    run: Run, succeeding: Service, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand, by a retry, on another machine: the watch finds them in the service's list."""
    monkeypatch.setattr("headrace.runs.discovery._INTERVALS", {"local": 0.05})
    config = root / "headrace.toml"
    told = root / "told"
    text = config.read_text().partition("[notify]")[0]
    config.write_text(f'{text}\n[notify]\ncommand = "cat >> {told}"\non = "SUCCEEDED"\n')
    run("start", "say", "-s", "word=a", "-l", "before", "--wait")
    (root / "triggers" / "new.toml").write_text(
        '[watch]\ncollection = "here"\npath = "/incoming/"\nwhat = "directory"\n'
        'settle = 0.1\ninterval = 0.1\nobserver = "poll"\n'
        '[start]\nflow = "say"\nlabel = "own"\n[start.input]\nword = "{name}"\n'
    )
    (root / "data" / "incoming").mkdir(parents=True, exist_ok=True)

    def others() -> None:
        """Starts runs as other programs do once the watch has begun to look."""
        wait_until(lambda: any("GET /runs" in call for call in succeeding.calls[looks:]), "a look")
        [flow_id] = succeeding.flows
        for label in ("by hand", "again"):
            body = {"body": {"word": "b"}, "label": label, "tags": []}
            succeeding.start(flow_id, body)
        arrive(root, "one")

    looks = len(succeeding.calls)
    thread = threading.Thread(target=others)
    thread.start()
    result = run("watch", "--until-idle", "1.5")
    thread.join()
    assert result.exit_code == 0, result.stderr
    for label in ("by hand", "again", "own"):
        assert result.stderr.count(f"{label}: SUCCEEDED") == 1
    assert "before" not in result.stderr
    assert not told.exists()
    assert result.stdout.count("SUCCEEDED") == 1


def test_a_service_that_is_away_for_a_while_is_asked_again(
    run: Run, succeeding: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, failures = succeeding.answer, iter([0, 0, 503])

    def fail_first(request: Any) -> tuple[int, Any]:
        if request.command == "GET" and "/runs/" in request.path:
            status = next(failures, None)
            if status is not None:
                return status, {"error": {"code": "BUSY", "detail": "later"}}
        return answer(request)

    monkeypatch.setattr(succeeding, "answer", fail_first)
    result = run("start", "say", "-s", "word=a", "--follow")
    assert result.exit_code == 0
    assert result.stderr.count("does not answer") == 1


def view(status: str, *codes: tuple[str, str]) -> RunView:
    entries = [
        {
            "time": "2026-01-01T00:00:00+00:00",
            "code": code,
            "details": {"state_name": state, "state_type": "Action"},
        }
        for code, state in codes
    ]
    details = {
        "action_statuses": [{"details": {"tasks": {"total": 2, "done": 1, "running": 1}}}],
        "details": {"state_name": "Work", "exception": "E", "cause": "why"},
    }
    document = {
        "run_id": "r",
        "label": "the run",
        "status": status,
        "start_time": "2026-01-01T00:00:00+00:00",
        "completion_time": None if status == "ACTIVE" else "2026-01-01T00:01:07+00:00",
        "details": details,
    }
    return RunView(document, states_of(entries))


def test_the_board_shows_states_and_progress() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, height=20)
    steps = [("ActionStarted", "Move"), ("ActionCompleted", "Move"), ("ActionStarted", "Work")]
    with Live(console) as board:
        board.show([view("ACTIVE", *steps)])
        board.say("something arrived")
        drawn = Console(file=io.StringIO(), width=120)
        drawn.print(board._table())
        board.show([view("FAILED", *steps)])
    text = drawn.file.getvalue()  # type: ignore[attr-defined]
    for words in ("the run", "Move", "Work", "1 of 2 tasks done, 1 running"):
        assert words in text
    assert "something arrived" in stream.getvalue()
    assert "1:07" in stream.getvalue()
    assert "why (E in state Work); see `headrace run log r`" in stream.getvalue()


def test_lines_are_written_for_changes_only(capsys: pytest.CaptureFixture[str]) -> None:
    board = Lines()
    active = view("ACTIVE", ("ActionStarted", "Move"))
    for shown in (active, active, view("FAILED", ("ActionStarted", "Move"))):
        board.show([shown])
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "the run: Move: 1 of 2 tasks done, 1 running",
        "the run: FAILED: why (E in state Work); see `headrace run log r`",
    ]
