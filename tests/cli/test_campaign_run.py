"""Campaigns run by the installed program at a facility: driven, waited for, grafted, steered."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.facility import stop_facility
from tests.support.command_walk.installed_program import Program
from tests.support.waiting import wait_until
from tests.support.watch_project import Long

_SAY = {
    "StartAt": "IsBad",
    "States": {
        "IsBad": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.word", "StringEquals": "bad", "Next": "Stop"}],
            "Default": "Say",
        },
        "Stop": {"Type": "Fail", "Error": "Bad", "Cause": "the word is bad"},
        "Say": {
            "Type": "Pass",
            "Parameters": {"facts": {"word.$": "$.word", "size": 3}},
            "ResultPath": "$.Run",
            "End": True,
        },
    },
}
_LATER = {
    "StartAt": "Later",
    "States": {"Later": {"Type": "Wait", "Seconds": 3600, "End": True}},
}
_WORD = {
    "type": "object",
    "required": ["word"],
    "properties": {"word": {"type": "string"}},
    "additionalProperties": False,
}
_CAMPAIGN = """\
title = "Words"
[members]
table = "words.csv"
key = "{name}"
group = "{kind}"
[start]
flow = "%s"
[start.input]
word = "{word}"
[results]
facts = "output.Run.facts"
[retries]
attempts = 1
[keep.results]
collection = "here"
"""


@pytest.fixture
def headrace(tmp_path: Path) -> Iterator[Program]:
    """A project whose flows are deployed at its own facility."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "headrace.toml").write_text(
        '[collections.here]\nroot = "data"\n[profiles.day.collections.here]\nroot = "data"\n'
    )
    (root / "data").mkdir()
    for name, definition in (("say", _SAY), ("later", _LATER)):
        (root / "flows" / name).mkdir(parents=True)
        (root / "flows" / name / "definition.json").write_text(json.dumps(definition))
        (root / "flows" / name / "input_schema.json").write_text(json.dumps(_WORD))
    program = Program(root, {"HOME": str(tmp_path)})
    try:
        program("deploy")
        yield program
    finally:
        stop_facility(root)


def campaign(headrace: Program, words: list[str], flow: str = "say", name: str = "words") -> None:
    folder = headrace.directory / "campaigns"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(_CAMPAIGN % flow)
    with (folder / "words.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "kind", "word"])
        writer.writerows(
            [f"w{n:02d}", "even" if n % 2 == 0 else "odd", w] for n, w in enumerate(words)
        )


def test_a_campaign_runs_to_its_end_and_a_bad_member_fails_alone(headrace: Program) -> None:
    campaign(headrace, ["good"] * 11 + ["bad"])
    assert headrace.document("campaign", "check", "words")["members"] == 12
    done = headrace("campaign", "run", "words", code=1)
    assert "words: 11 done, 1 failed" in done.stdout
    assert "1 failed; `headrace campaign why words`" in done.stdout
    assert "words: w11 failed: the word is bad" in done.stderr
    [cluster] = headrace.document("campaign", "why", "words")
    assert (cluster["cause"], cluster["members"]) == (
        "the word is bad (Bad in state Stop)",
        ["w11"],
    )
    results = headrace.directory / "data" / "campaigns" / "words"
    with (results / "table.csv").open(newline="") as stream:
        rows = [*csv.DictReader(stream)]
    assert [(row["state"], row["size"]) for row in rows[10:]] == [("done", "3"), ("failed", "")]
    lines = [
        json.loads(line)["what"] for line in (results / "campaign.jsonl").read_text().splitlines()
    ]
    assert (lines[0], lines[-1]) == ("started", "ended")
    assert "11 of 12 members are done" in (results / "report.html").read_text()
    shown = headrace.document("campaign", "show", "words", "w00")
    assert [each["status"] for each in shown["tries"]] == ["SUCCEEDED"]
    assert headrace("run", "show", shown["run_id"]).code == 0
    # Mended, and said again, only what has failed is run.
    campaign(headrace, ["good"] * 12)
    assert headrace.document("campaign", "add", "words")["kept"] == ["w11"]
    headrace("campaign", "retry", "words", "w11")
    again = headrace("campaign", "run", "words", "--quiet", code=1)
    assert "1 failed" in again.stdout, "a row that has begun stays as it was"


def test_a_driver_in_the_background_is_waited_for_and_ends_by_itself(headrace: Program) -> None:
    campaign(headrace, ["good"] * 5)
    started = headrace("campaign", "start", "words")
    assert "started a driver, process" in started.stderr
    assert (
        headrace.document("campaign", "wait", "words", "--quiet", "--timeout", "60")["state"]
        == "ended"
    )
    log = headrace.directory / ".headrace" / "campaigns.local.log"
    wait_until(lambda: "none is under way any more" in log.read_text(), "the driver ends")
    assert "no driver runs" not in headrace("campaign", "wait", "words").stderr
    grafted = headrace.document(
        *("campaign", "graft", "words", "say", "--after", "group", "--input", "-"),
        *("--label", "after {group}", "--tag", "later"),
        stdin='{"word": "{group}"}',
    )
    assert (grafted["due"], grafted["new"]) == (2, True)
    headrace("campaign", "run", "words", "--quiet")
    labels = [run["label"] for run in headrace.document("run", "list", "--tag", "later")]
    assert sorted(labels) == ["after even", "after odd"]
    assert "no flow 'sya'" in headrace.refused(
        "campaign", "graft", "words", "sya", "--after", "leg"
    )


def test_a_campaign_that_waits_for_a_person_ends_the_wait(headrace: Program) -> None:
    campaign(headrace, ["good"], flow="later", name="slow")
    headrace("campaign", "start", "slow", "--no-driver")
    waited = headrace(
        *("campaign", "wait", "slow", "--timeout", "0.1", "--timeout-exit-code", "7"), code=7
    )
    assert "no driver runs" in waited.stderr
    assert "it goes on" in waited.stderr
    headrace("campaign", "pause", "slow", "--reason", "dinner")
    ended = headrace("campaign", "wait", "slow", "--quiet", code=1)
    assert "it is paused: dinner" in ended.stdout


def test_a_driver_in_the_foreground_goes_on_after_it_was_ended(
    headrace: Program, tmp_path: Path
) -> None:
    campaign(headrace, ["good"], flow="later", name="slow")
    headrace("campaign", "start", "slow", "--no-driver")
    driver = Long(headrace.directory, tmp_path / "log", "campaign", "drive", "--until-done")
    driver.says("driven from now on")
    wait_until(
        lambda: headrace.document("campaign", "status", "slow")["counts"]["running"] == 1, "it runs"
    )
    busy = headrace("campaign", "drive", code=1)
    assert "are driven already, by process" in busy.error
    assert driver.ended_by(signal.SIGTERM) == 0
    assert "runs under way go on" in driver.text
    [run] = headrace.document("run", "list")
    again = Long(headrace.directory, tmp_path / "log2", "campaign", "run", "slow", "--quiet")
    headrace("run", "resume", run["run_id"])
    headrace("run", "cancel", run["run_id"])
    assert again.process.wait(timeout=120) == 1
    assert len(headrace.document("run", "list")) == 1, "no second run was started"


def test_a_ledger_that_was_lost_is_told_and_begun_anew_on_request(headrace: Program) -> None:
    campaign(headrace, ["good"])
    headrace("campaign", "start", "words", "--no-driver")
    ledger = headrace.directory / ".headrace" / "campaigns.local.db"
    ledger.unlink()
    for command in (["start", "words", "--no-driver"], ["drive"]):
        lost = headrace("campaign", *command, code=1)
        assert "the ledger of campaigns is gone" in lost.error
        assert "`headrace campaign drive --start-over`" in lost.error
    headrace("campaign", "drive", "--start-over", "--until-done")
    assert headrace.document("campaign", "run", "words", "--quiet")["counts"] == {"done": 1}
