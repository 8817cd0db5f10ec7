"""Pages of triggers: what settles and why, the ledger searched, arrivals steered once."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.runs.run_outcomes import RunOutcome
from headrace.triggers import Ledger, TriggerClaims, read_ledger
from headrace.triggers.arrival import Identity
from tests.support.small_project import write_project
from tests.support.web import WebSite, forms_of, words_of

HOSTILE = '"><script>alert(1)</script>'
TRIGGER = """\
title = "New records"
[watch]
collection = "here"
path = "/records/"
what = "directory"
settle = 5
[start]
flow = "say"
label = "record {name}"
[start.input]
word = "{name}"
[limits]
open_runs = 3
quiet_hours = "00:00-23:59"
timezone = "UTC"
"""
PAGE = "triggers/records"


class Arrivals:
    """A project with a trigger, and arrivals in its ledger.

    Args:
        root: an empty directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = write_project(root)
        self.folder = self.root / "data" / "records"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.root / "triggers").mkdir(exist_ok=True)
        (self.root / "triggers" / "records.toml").write_text(TRIGGER)
        self.file = self.root / ".headrace" / "triggers.local.db"
        self.now = datetime.now(UTC) - timedelta(hours=1)

    def ledger(self) -> Ledger:
        return Ledger(self.file, now=lambda: self.now, shared=True)

    def see(self, *names: str) -> list[int]:
        with self.ledger() as ledger:
            entries = [(f"/records/{name}/", Identity(n, 1)) for n, name in enumerate(names, 1)]
            return [one.id for one in ledger.record_seen("records", "here", "root", entries)]

    def start(self, name: str, run_id: str, status: str = "", cause: str = "") -> None:
        (number,) = self.see(name)
        with self.ledger() as ledger:
            ledger.mark_starting(number)
            ledger.mark_started(number, run_id)
            if status:
                with ledger._transaction() as database:
                    outcome = RunOutcome(status, cause)
                    database.execute(
                        "UPDATE runs SET status = ?, cause = ? WHERE run_id = ?",
                        (outcome.status, outcome.cause, run_id),
                    )

    def refuse(self, name: str, reason: str) -> None:
        (number,) = self.see(name)
        with self.ledger() as ledger:
            ledger.mark_starting(number)
            ledger.mark_refused(number, reason)

    def states(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for record in read_ledger(self.file):
            found.setdefault(record.path, []).append(record.state)
        return found


@pytest.fixture
def arrivals(tmp_path: Path) -> Arrivals:
    made = Arrivals(tmp_path)
    made.start("a", "run-a", "SUCCEEDED")
    made.start("b", "run-b")
    made.refuse("c", "the input lacks 'count'")
    made.see("d")
    return made


@pytest.fixture
def site(arrivals: Arrivals) -> Iterator[WebSite]:
    made = WebSite(arrivals.root)
    yield made
    made.close()


def do(site: WebSite, action: str, page: str = PAGE, **fields: str) -> str:
    answer = site.send_form(page, action, **fields)
    return words_of(site.follow(f"{page.partition('?')[0]}/do/{action}", answer).text)


def test_triggers_are_listed_with_arrivals_limits_and_that_nobody_watches(site: WebSite) -> None:
    words = words_of(site.get("triggers").text)
    assert "records New records" in words
    assert "no `headrace watch` works on it: nothing that arrives is noticed; start it, or" in words
    assert "1 seen , 2 started , 1 refused" in words
    assert "1 of 3 runs that may be open" in words
    assert "quiet hours 00:00-23:59; quiet now, until" in words


def test_a_trigger_whose_file_is_wrong_is_listed_with_what_is_wrong(
    site: WebSite, arrivals: Arrivals
) -> None:
    (arrivals.root / "triggers" / "other.toml").write_text("[watch]\npath = 3\n")
    words = words_of(site.get("triggers").text)
    assert "other wrong" in words
    assert "records New records" in words
    assert "other.toml" in words_of(site.get("triggers/other").text)


def test_a_watch_that_works_died_or_is_in_trouble_is_told_apart(
    site: WebSite, arrivals: Arrivals
) -> None:
    directory = arrivals.file.parent / "heartbeats"
    directory.mkdir()
    beat = {"name": "watch", "target": "local", "unix": time.time(), "host": "elsewhere"}
    beat |= {"pid": 1, "born": 1.0, "late_after": 300.0, "dead_after": 1800.0, "problem": ""}
    file = directory / "watch.local.json"
    file.write_text(json.dumps(beat))
    assert "its watch has died" in words_of(site.get(f"{PAGE}?part=state").text)
    with TriggerClaims(arrivals.file) as claims:
        claims.take(["records"])
        assert "State watched Watches" in words_of(site.get(f"{PAGE}?part=state").text)
        file.write_text(json.dumps({**beat, "problem": HOSTILE}))
        text = site.get(f"{PAGE}?part=state").text
        assert "in trouble" in words_of(text)
        assert "<script>" not in text
        file.write_text(json.dumps({**beat, "unix": time.time() - 900}))
        assert "its watch has given no sign of life for" in words_of(
            site.get(f"{PAGE}?part=state").text
        )


def test_what_holds_an_arrival_back_is_shown_with_its_time(
    site: WebSite, arrivals: Arrivals
) -> None:
    (arrivals.folder / "d").mkdir()
    part = arrivals.folder / "d" / "trace.mseed.part"
    part.write_bytes(b"12345")
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
    os.utime(part, (moment, moment))
    (arrivals.folder / "whole.dat.partial").write_bytes(b"123")
    words = words_of(site.get(f"{PAGE}?part=state").text)
    assert "d trace.mseed.part to be finished 2026-03-01 12:00:00 UTC 1 5 B" in words
    assert "whole.dat.partial its name is that of an unfinished copy" in words


def test_the_ledger_is_searched_by_path_and_state_and_paged_by_key(
    site: WebSite, arrivals: Arrivals
) -> None:
    arrivals.see(*(f"event_{number:03d}" for number in range(120)))
    query, seen = "path=event_&state=seen", []
    for _ in range(10):
        text = site.get(f"{PAGE}?{query}&part=arrivals").text
        rows = text.split('<th scope="row" class="break">')[1:]
        assert len(rows) <= 50
        seen += [row.partition("<")[0].strip() for row in rows]
        _, _, rest = text.partition("before=")
        if not rest:
            break
        query = f"path=event_&state=seen&before={rest.partition(chr(34))[0]}"
    assert seen == [f"event_{number:03d}" for number in reversed(range(120))]
    assert "run-a SUCCEEDED" in words_of(site.get(f"{PAGE}?path=*/a/").text)
    assert "the input lacks 'count'" in words_of(site.get(f"{PAGE}?state=refused").text)
    assert "No arrival matches" in words_of(site.get(f"{PAGE}?state=removed").text)


def test_a_trigger_is_paused_and_resumed(site: WebSite) -> None:
    assert "Done: paused: records" in do(site, "pause")
    assert "paused" in words_of(site.get(f"{PAGE}?part=state").text)
    assert "Done: not paused any more: records" in do(site, "resume", page="triggers")


def test_an_arrival_is_replayed_once_however_often_its_form_is_sent(
    site: WebSite, arrivals: Arrivals
) -> None:
    form = next(
        form
        for form in forms_of(site.get(PAGE).text)
        if form.action == "replay" and form.fields["arrival"] == "1"
    )
    for _ in range(3):
        words = words_of(site.follow(f"{PAGE}/do/replay", site.resend(PAGE, form)).text)
        assert "Done: 1 arrival will be started by the watch that is running" in words
    assert arrivals.states()["/records/a/"] == ["started", "failed"]


def test_an_arrival_that_has_changed_since_is_left(site: WebSite, arrivals: Arrivals) -> None:
    form = next(form for form in forms_of(site.get(PAGE).text) if form.action == "skip")
    arrivals.now += timedelta(minutes=1)
    assert "Done: 1 arrival will not be started: d" in do(site, "skip", arrival="4")
    other = {**form.fields, "once": "another tab", "arrival": "4"}
    words = words_of(site.follow(f"{PAGE}/do/skip", site.resend(PAGE, form, **other)).text)
    assert "Not done: d: has changed since, it is skipped" in words


def test_all_that_match_are_changed_after_their_count(site: WebSite, arrivals: Arrivals) -> None:
    for number in range(12):
        arrivals.refuse(f"event_{number:03d}", "no endpoint")
    page = f"{PAGE}?path=event_&state=refused&do=retry"
    words = words_of(site.get(page).text)
    assert "Retry: 12 arrivals" in words
    assert "They are 12 refused: event_000" in words
    form = next(form for form in forms_of(site.get(page).text) if form.action == "retry_all")
    arrivals.now = datetime.now(UTC) + timedelta(hours=1)
    arrivals.refuse("event_late", "no endpoint")
    for _ in range(2):
        words = words_of(site.follow(f"{PAGE}/do/retry_all", site.resend(page, form)).text)
        assert "Done: 12 arrivals will be started" in words
    assert arrivals.states()["/records/event_late/"] == ["refused"]
    assert arrivals.states()["/records/c/"] == ["refused"]
    assert "choose arrivals first" in words_of(site.get(f"{PAGE}?do=skip").text)
    assert "no arrival that matches is refused" in words_of(
        site.get(f"{PAGE}?state=seen&do=retry").text
    )


def test_who_looks_has_no_forms_and_tests_nothing(site: WebSite) -> None:
    site.cookie = site.log_in("look", "colleague")
    for page in ("triggers", f"{PAGE}?state=refused&do=retry"):
        assert not [one for one in forms_of(site.get(page).text) if "/do/" in one.address]


def test_texts_of_others_are_shown_and_not_obeyed(site: WebSite, arrivals: Arrivals) -> None:
    arrivals.refuse("<img src=x onerror=alert(2)>", HOSTILE)
    arrivals.start("<b>name", "run-<b>", "FAILED", HOSTILE)
    for page in (PAGE, "triggers", f"{PAGE}?path={'%3Cscript%3Ealert'}"):
        text = site.get(page).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "<b>" not in text


def test_what_is_not_there_is_missing(site: WebSite) -> None:
    assert site.get("triggers/nothing").status_code == 404
    assert "no trigger 'nothing'" in words_of(site.get("triggers/nothing").text)


@pytest.mark.parametrize("content", [b"", b"no ledger" * 1000, None])
def test_a_ledger_that_cannot_be_used_is_told(
    site: WebSite, arrivals: Arrivals, content: bytes | None
) -> None:
    for path in arrivals.file.parent.glob(f"{arrivals.file.name}-*"):
        path.unlink()
    if content is None:
        arrivals.file.unlink()
    else:
        arrivals.file.write_bytes(content)
    for page in ("triggers", PAGE):
        answer = site.get(page)
        assert answer.status_code == 200
        assert str(arrivals.file) in words_of(answer.text)
        assert "unexpected fault" not in answer.text
    assert arrivals.file.exists() == (content is not None)
