"""What the walk does with the commands of the pipelines: data runs, inversions, demonstrations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_walk.projects import World
from tests.support.command_walk.registry import scenario
from tests.support.md.returned_legs import write_leg

_DAY = '[collections.here]\nroot = "data"\n[profiles.day.collections.here]\nroot = "data"\n'


@scenario
def data_runs(world: World) -> None:
    headrace = world.project
    told = headrace.refused("data-run", "status", "--limit", "3")
    assert "no flow 'data_run'" in told
    followed = headrace("data-run", "status", "--follow", code=1)
    assert "no flow 'data_run'" in followed.error
    none = headrace.refused("data-run", "plot", "none.root", "--output", "x", "--only", "c0/*")
    assert "none.root" in none


@scenario
def a_data_run(world: World) -> None:
    """Its flow only passes its input on: how it stands is read from that."""
    headrace = world.program("beam")
    flow = headrace.directory / "flows" / "data_run"
    flow.mkdir(parents=True)
    (headrace.directory / "headrace.toml").write_text(_DAY)
    summary = {"segments": 2, "bytes": 5_000_000, "events": 1200, "fitted": 900}
    state = {"Type": "Pass", "Result": summary, "ResultPath": "$.summary", "End": True}
    definition = {"StartAt": "Told", "States": {"Told": state}}
    (flow / "definition.json").write_text(json.dumps(definition))
    headrace("deploy")
    headrace("start", "data_run", "-s", "run=run-0012", "--wait")
    [row] = headrace.document("data-run", "status", "--limit", "3")
    assert (row["name"], row["status"]) == ("run-0012", "SUCCEEDED")
    assert (row["segments"], row["events"]) == (2, 1200)
    assert "run-0012" in headrace("data-run", "status").stdout
    unknown = headrace.refused("data-run", "plot", "13")
    assert "no data run '13'; the last ones are: run-0012" in unknown


@scenario
def pictures_of_a_data_run(world: World) -> None:
    uproot = pytest.importorskip("uproot", reason="needs the extra `datarun`")
    hist = pytest.importorskip("hist", reason="needs the extra `datarun`")
    headrace = world.program("pictures")
    (headrace.directory / "headrace.toml").write_text(_DAY)
    with uproot.recreate(headrace.directory / "run-0012.root") as file:
        for name in ("gammas", "betas"):
            file[name] = hist.Hist.new.Reg(50, 0, 500, name="energy").Double().fill([20.0, 30.0])
    told = headrace.document("data-run", "plot", "run-0012.root", "-o", "drawn", "--only", "gam*")
    pictures = [Path(path) for path in told["pictures"]]
    assert pictures
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


@scenario
def legs_of_a_simulation(world: World) -> None:
    headrace = world.program("legs")
    box = headrace.directory / "md" / "box01"
    write_leg(headrace.directory / "md", "box01/md-001.1", 0, 1000)
    last = write_leg(headrace.directory / "md", "box01/md-002.1", 1000, 2000, "box01/md-001.1")
    told = headrace.document("md", "status", "md/box01")
    assert (told["step"], told["done"], told["faults"]) == (2000, True, [])
    assert "Every frame is there once." in headrace("md", "status", "md/box01").stdout
    files = headrace("md", "status", "md/box01", "--files").stdout.splitlines()
    assert files == [str(box / f"md-00{leg}.1/parts/run.part0001.xtc") for leg in (1, 2)]
    trajectory = last / "parts/run.part0001.xtc"
    trajectory.write_bytes(trajectory.read_bytes() * 2)
    text = headrace("md", "status", "md/box01", code=1).stdout
    assert "fault: a frame of step 1000 follows one of step 1900" in text
    assert "no leg.json" in headrace.refused("md", "status", "md")


@scenario
def looking_at_seismograms(world: World) -> None:
    green = pytest.importorskip("headrace.seismic", reason="needs the extra `seismic`")
    headrace = world.program("look")
    event = green.demo_event(headrace.directory / "events", "quake", stations=2)
    config = headrace.directory / "c.toml"
    config.write_text('period_band = [10.0, 100.0]\ncomponents = ["Y"]\n')
    assert headrace.document("data", "look", "events", "--config", "c.toml")["sound"]
    (event / "obs/HR.S00.BXY.semd").rename(event / "obs/HR.S00.BXY.semv")
    text = headrace("data", "look", "events", "--config", "c.toml", code=1).stdout
    assert "is velocity, synthetic HR.S00..BXY displacement" in text
    (event / "syn").rename(headrace.directory / "syn")
    arguments = ("data", "look", "events/quake/obs", "--synthetic", "syn", "--config", "c.toml")
    assert headrace.document(*arguments, code=1)["events"][0]["decisions"]["pairs"] == 1
    text = headrace("data", "look", "events/quake/obs").stdout
    assert "0 of 1 events are ready to run, 1 more once there are synthetics" in text
    rows = headrace("data", "look", "events/quake/obs", "-F", "unix").stdout.splitlines()
    assert [row.split("\t")[2] for row in rows] == ["HR.S00.BXY.semv", "HR.S01.BXY.semd"]
    assert "no such directory" in headrace.refused("data", "look", "nowhere", "--config", "c.toml")


@scenario
def demonstrations(world: World) -> None:
    """They leave alone what is there; they run to their end in tests of their own."""
    headrace = world.program("demonstrations")
    triggers = headrace.directory / "mine" / "triggers"
    triggers.mkdir(parents=True)
    for name in ("adjoint_sources", "data_run", "inversion"):
        (triggers / f"{name}.toml").write_text("mine")
    for name in ("adjoint-sources", "data-run", "inversion"):
        told = headrace.refused("demo", name, "mine", "--keep")
        assert "is there already" in told
    assert [path.name for path in triggers.parent.iterdir()] == ["triggers"]
    flow = headrace.directory / "ours" / "flows" / "md" / "flow.toml"
    flow.parent.mkdir(parents=True)
    flow.write_text("ours")
    told = headrace.refused("demo", "md", "ours", "--boxes", "1", "--keep")
    assert "is there already" in told
    flow = headrace.directory / "its" / "flows" / "ert" / "flow.toml"
    flow.parent.mkdir(parents=True)
    flow.write_text("ours")
    told = headrace.refused("demo", "ert", "its", "--sections", "1", "--keep")
    assert "is there already" in told
    flow = headrace.directory / "mine too" / "flows" / "sweep"
    flow.mkdir(parents=True)
    (flow / "flow.toml").write_text("mine")
    told = headrace.refused("demo", "sweep", "mine too", "--keep")
    assert "is there already" in told


@scenario
def an_example_inversion(world: World) -> None:
    """One that needs a program which is not here; the other has a test of its own."""
    headrace = world.program("example")
    headrace.environment = {**headrace.environment, "SPECFEM2D_BIN": ""}
    told = headrace.refused("inversion", "init", "new", "--example", "specfem2d")
    assert "set SPECFEM2D_BIN" in told


@scenario
def steering_an_inversion(world: World) -> None:
    pytest.importorskip("obspy", reason="needs the extra `seismic`")
    from tests.support.seismic import ray_inversion

    headrace = world.program("inversion")
    home = headrace.directory / "rays"
    ray_inversion.make(home, events=3)
    why = ("--why", "the walk")
    settings = home / "inversion.toml"
    whole = settings.read_text()
    settings.write_text(whole.replace("clip = 0.9999", "clip = 2").replace("[0.2, 2.0]", "[0, 2]"))
    wrong = headrace.document("inversion", "check", "rays", code=1)["problems"]
    assert ["key clip must be" in wrong[1], "bands[1].periods" in wrong[0]] == [True, True]
    refused = headrace("inversion", "start", "rays", code=1)
    assert "2 problems, shown above; nothing was published" in refused.error
    assert [line in refused.stderr for line in wrong] == [True, True]
    settings.write_text(whole)
    assert headrace.document("inversion", "check", "rays") == {
        "problems": [],
        "notes": [],
        "changes": [],
        "iteration": 0,
        "band": "long",
    }
    assert headrace.document("inversion", "start", "rays", *why)["message"].startswith(
        "Iteration 0"
    )
    status = headrace.document("inversion", "status", "rays", "--at", "local")
    assert (status["iteration"], status["state"]) == (0, "unknown")
    assert "no project is around it" in status["reason"]
    for verb in ("plot", "report"):  # of what was measured they are drawn in tests/seismic
        assert "no misfit is known yet" in headrace.refused("inversion", verb, "rays")
    assert (
        headrace.document("inversion", "pause", "rays", "--after", "stage", *why)["after"]
        == "stage"
    )
    assert (
        "pause is taken back" in headrace.document("inversion", "resume", "rays", *why)["message"]
    )
    again = headrace.document("inversion", "resume", "rays", "--again", *why)
    assert again["iteration"] == 0
    for command in (
        ("redo", "0", "rays", "--from", "windows"),
        ("back-to", "0", "rays"),
        ("set-band", "long", "rays"),
        ("drop-event", "001", "rays"),
        ("drop-event", "001", "rays", "--undo"),
        ("drop-station", "AA.S01", "rays"),
        ("drop-station", "AA.S01", "rays", "--undo"),
        ("branch", "0", "second", "rays"),
    ):
        assert headrace.document("inversion", *command, *why)["message"]
    assert "no inversion.toml" in headrace.refused("inversion", "status", "nowhere")
