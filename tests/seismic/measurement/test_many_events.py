"""Many events in one call: the files of one by one, and what is done is not done again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from headrace.seismic import demo_event
from headrace.seismic.measurement.cli import main

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def _computed_events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("several")
    for number, stations in enumerate((4, 1, 5)):
        demo_event(place, f"quake{number}", seed=number, stations=stations)
    return place


@pytest.fixture
def events(_computed_events: Path, tmp_path: Path) -> Path:
    """The file that lists three events."""
    shutil.copytree(_computed_events, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "events.json"
    write(path, [f"quake{number}" for number in range(3)])
    return path


def write(path: Path, names: list[str], **more: Any) -> None:
    listed = [
        {
            "event": name,
            "observed": f"{name}/obs",
            "synthetic": f"{name}/syn",
            "output": f"results/{name}",
            **more,
        }
        for name in names
    ]
    path.write_text(json.dumps(listed), encoding="utf-8")


def files(directory: Path) -> Files:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


Call = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def call(events: Path, config_file: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        code = main([f"--events={events}", f"--config={config_file}", *arguments])
        captured = capsys.readouterr()
        facts = [json.loads(line) for line in captured.out.splitlines()]
        return code, [fact for fact in facts if fact["stage"] in ("end", "failed")], captured.err

    return run


def computed(facts: list[dict[str, Any]]) -> dict[str, bool]:
    return {fact["event"]: fact["computed"] for fact in facts}


def one_by_one(events: Path, config_file: Path) -> Files:
    place = events.parent
    for number in range(3):
        name = f"quake{number}"
        arguments = [
            f"--observed={place / name / 'obs'}",
            f"--synthetic={place / name / 'syn'}",
            f"--output={place / 'single' / name}",
            f"--config={config_file}",
        ]
        assert main(arguments) == 0
    return files(place / "single")


def test_the_files_are_those_of_one_by_one(call: Call, events: Path, config_file: Path) -> None:
    (events.parent / "quake0/obs/HR.S01.BXY.semd").write_text("corrupt")
    code, facts, error = call()
    assert (code, error) == (0, "")
    assert computed(facts) == {"quake0": True, "quake1": True, "quake2": True}
    assert files(events.parent / "results") == one_by_one(events, config_file)


@pytest.mark.mpi
def test_the_files_do_not_depend_on_the_ranks(
    events: Path,
    config_file: Path,
    run_script: Callable[..., CompletedProcess[str]],
) -> None:
    expected = one_by_one(events, config_file)
    for ranks in (3, 12):
        done = run_script(ranks, f"--events={events}", f"--config={config_file}")
        assert done.returncode == 0, done.stderr
        assert files(events.parent / "results") == expected
        facts = [json.loads(line) for line in done.stdout.splitlines()]
        ends = [fact for fact in facts if fact["stage"] == "end"]
        assert [fact["computed"] for fact in ends] == [ranks == 3] * 3
        assert {fact["size"] for fact in facts if fact["stage"] == "start"} == {ranks}


def test_what_is_done_is_not_done_again(call: Call, events: Path, config_file: Path) -> None:
    place = events.parent
    assert call("--figures=none")[0] == 0
    before = files(place / "results")
    places = {path: path.stat().st_mtime_ns for path in (place / "results").rglob("*")}
    code, facts, _ = call("--figures=none")
    assert code == 0
    assert computed(facts) == {"quake0": False, "quake1": False, "quake2": False}
    assert {path: path.stat().st_mtime_ns for path in (place / "results").rglob("*")} == places
    # A file that is gone, other seismograms, a new event.
    (place / "results/quake0/HR.S02.BXY.adj").unlink()
    shutil.copy(place / "quake2/syn/HR.S00.BXY.semd", place / "quake1/syn/HR.S00.BXY.semd")
    _, facts, _ = call("--figures=none")
    assert computed(facts) == {"quake0": True, "quake1": True, "quake2": False}
    after = files(place / "results")
    changed = {name for name, content in after.items() if before[name] != content}
    assert {name.split("/")[0] for name in changed} == {"quake1"}
    # Another configuration, or another kind of result, is another result.
    config_file.write_text(config_file.read_text() + "taper = 0.06\n")
    assert all(computed(call("--figures=none")[1]).values())
    assert all(computed(call("--misfit-only")[1]).values())
    assert not any(computed(call("--misfit-only")[1]).values())


def test_an_event_that_fails_stops_no_other(call: Call, events: Path) -> None:
    shutil.rmtree(events.parent / "quake1/obs")
    code, facts, error = call()
    assert code == 1
    assert error.startswith("adjoint_sources: 1 of 3 events failed: quake1: ")
    assert error.count("\n") == 1
    assert [(fact["event"], fact["stage"]) for fact in facts] == [
        ("quake1", "failed"),
        ("quake0", "end"),
        ("quake2", "end"),
    ]
    assert "no such directory" in facts[0]["problem"]
    assert sorted(path.name for path in (events.parent / "results").iterdir()) == [
        "quake0",
        "quake2",
    ]


def test_each_event_may_have_its_earlier_windows(call: Call, events: Path) -> None:
    assert call("--figures=none")[0] == 0
    listed = json.loads(events.read_text())
    for entry in listed:
        entry["windows_from"] = entry["output"]
        entry["output"] = f"trials/{entry['event']}"
    events.write_text(json.dumps(listed))
    assert call("--misfit-only")[0] == 0
    for number in range(3):
        trial, whole = (events.parent / run / f"quake{number}" for run in ("trials", "results"))
        assert (trial / "windows.json").read_bytes() == (whole / "windows.json").read_bytes()
    # Other windows are another misfit.
    path = events.parent / "results/quake2/windows.json"
    path.write_text(path.read_text().replace('"first_sample": ', '"first_sample": 1'))
    _, facts, _ = call("--misfit-only")
    ends = {fact["event"]: fact.get("computed", "failed") for fact in facts}
    assert ends["quake0"] is ends["quake1"] is False
    assert ends["quake2"] is not False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "must be a list of events"),
        ("{", "not valid JSON"),
        ("[3]", "entry 1: must be an object"),
        ('[{"event": "a"}]', "entry 1: key observed is missing"),
        (
            '[{"event": "a", "observed": "o", "synthetic": "s", "output": ""}]',
            "entry 1: key output must be a text",
        ),
        (
            '[{"event": "a", "observed": "o", "synthetic": "s", "output": "r", "x": "y"}]',
            "entry 1: unknown key x",
        ),
    ],
)
def test_a_list_that_cannot_be_used(call: Call, events: Path, text: str, words: str) -> None:
    events.write_text(text)
    code, facts, error = call()
    assert (code, facts) == (2, [])
    assert words in error
    assert error.count("\n") == 1


def test_two_events_cannot_have_one_output(call: Call, events: Path) -> None:
    write(events, ["quake0", "quake1"], output="results/same")
    code, _, error = call()
    assert code == 2
    assert "quake0 and quake1 have one output" in error


def test_one_event_or_many(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = call("--output=somewhere")
    assert code == 2
    assert "--output and --events do not go together" in error
    assert main(["--config=c.toml", "--observed=o"]) == 2
    assert "--synthetic, --output" in capsys.readouterr().err
