"""The flow of data runs on the embedded endpoint: what it carries, and what it does again."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uproot
from click.testing import CliRunner

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.cli import headrace
from headrace.datarun.synthetic import write_run
from headrace.facility import stop_facility
from headrace.runs import failure_summary
from headrace.runs.poller import RunView
from tests.support.data_run_project import COPY_FOR_FIT, DataRuns, small_run
from tests.support.waiting import wait_until

SEGMENTS = ["run-0007-00.evt", "run-0007-01.evt"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataRuns]:
    project = DataRuns(tmp_path_factory.mktemp("runs") / "project")
    yield project
    stop_facility(project.root)


@pytest.fixture(scope="module")
def done(project: DataRuns) -> dict[str, object]:
    """The summary of a run of two segments, with a file beside them that nobody asked for."""
    project.write(small_run(7, segments=2))
    (project.incoming / "run0007" / "notes.txt").write_text("a busy night")
    return project.process("run0007")


def test_the_results_come_back_beside_the_data(project: DataRuns, done: dict[str, object]) -> None:
    place = project.root / "data" / "results" / "run0007"
    assert {path.name for path in place.iterdir()} == {
        "run-0007-sorted.root",
        "run-0007-summary.json",
        "run-0007-pictures",
    }
    summary = json.loads((place / "run-0007-summary.json").read_text())
    assert done["events"] == summary["events"] == 120
    assert done["hits"] == summary["hits"]
    assert (done["begin"], done["end"]) == (summary["begin"], summary["end"])
    assert done["pictures"] == len(summary["pictures"]) == 4
    assert done["bytes"] == sum(
        (project.incoming / "run0007" / name).stat().st_size for name in SEGMENTS
    )
    with uproot.open(place / "run-0007-sorted.root") as file:
        energies = [key for key in file if key.endswith("energy;1")]
        assert sum(file[key].values(flow=True).sum() for key in energies) == done["hits"]


def test_event_files_travel_and_nothing_else(project: DataRuns, done: dict[str, object]) -> None:
    raw = project.scratch("run0007") / "raw"
    assert sorted(path.name for path in raw.iterdir()) == SEGMENTS


def test_only_what_changed_is_done_again(
    project: DataRuns, done: dict[str, object], tmp_path: Path
) -> None:
    redone = ("fitted_anew", "converted_anew", "analyzed_anew")
    assert [done[key] for key in redone] == [SEGMENTS, SEGMENTS, True]
    same = project.process("run0007")
    assert [same[key] for key in redone] == [[], [], False]
    assert {key: same[key] for key in same if key not in redone} == {
        key: done[key] for key in done if key not in redone
    }

    # Both segments with other events; the second is the one that the data acquisition replaces.
    other = write_run(tmp_path, small_run(7, segments=2, events=50))[1]
    shutil.copyfile(other, project.incoming / "run0007" / other.name)
    changed = project.process("run0007")
    assert [changed[key] for key in redone] == [[other.name], [other.name], True]
    assert changed["events"] == 110

    project.configure(COPY_FOR_FIT + 'workers = 2\n[convert]\narguments = ["--traces"]\n')
    reconverted = project.process("run0007")
    assert [reconverted[key] for key in redone] == [[], SEGMENTS, True]
    project.configure(COPY_FOR_FIT)


def test_a_segment_that_fails_is_named(project: DataRuns, done: dict[str, object]) -> None:
    project.write(small_run(8, segments=2))
    broken = project.incoming / "run0008" / "run-0008-01.evt"
    broken.write_bytes(broken.read_bytes()[:-2000])
    run = project.wait(project.start_run("run0008"))
    assert run["status"] == "FAILED"
    told = failure_summary(RunView(run))
    assert told is not None
    assert "ConvertSegments" in told
    assert "ActionFailedException" in told
    assert "run-0008-01" in told


def test_a_directory_without_segments_is_told(project: DataRuns) -> None:
    (project.incoming / "run0009").mkdir()
    run = project.wait(project.start_run("run0009"))
    told = failure_summary(RunView(run))
    assert told is not None
    assert told.startswith("No run-NNNN-SS.evt")


def command(project: DataRuns, *words: str) -> tuple[int, str]:
    """Calls the command line on the project; returns exit code and output."""
    done = CliRunner().invoke(headrace, ["data-run", *words, "--project", str(project.root)])
    return done.exit_code, done.output


def test_the_table_shows_what_is_done_and_what_arrives(
    project: DataRuns, done: dict[str, object], tmp_path: Path
) -> None:
    taking, arrived = small_run(11, segments=3), small_run(12, segments=1)
    project.write(taking, arrived)
    (project.incoming / "run0011" / "run-0011-02.evt").unlink()
    code, text = command(project, "status", "-F", "json")
    assert code == 0, text
    runs = {run["name"]: run for run in json.loads(text)}
    first = runs["run0007"]
    assert (first["status"], first["segments"]) == ("SUCCEEDED", 2)
    assert first["directory"] == str(project.root / "data" / "results" / "run0007")
    assert first["ended"] == done["end"]
    assert first["lag"] > 0
    assert (runs["run0011"]["status"], runs["run0011"]["segments"]) == ("TAKING DATA", 2)
    unwatched = "no `headrace watch` is on to start its run"
    lack = "waits for the end of the run in run-0011-01.evt"
    assert runs["run0011"]["now"] == f"{lack}; {unwatched}"
    assert runs["run0011"]["lag"] is None
    assert runs["run0012"]["status"] == "ARRIVED"
    assert runs["run0012"]["now"] == unwatched
    size = sum(path.stat().st_size for path in (project.incoming / "run0012").iterdir())
    assert runs["run0012"]["bytes"] == size
    code, text = command(project, "status")
    lines = text.splitlines()
    titles = "run status segments data events traces/s lag now"
    assert lines[0].split() == titles.split()
    assert [line.split()[0] for line in lines[1:-1]] == sorted(runs)
    assert lines[-1].startswith(f"{len(runs)} runs, ")


def test_a_run_that_will_not_start_says_why(project: DataRuns, tmp_path: Path) -> None:
    def now(name: str) -> str:
        code, text = command(project, "status", "-F", "json")
        assert code == 0, text
        return next(str(run["now"]) for run in json.loads(text) if run["name"] == name)

    project.write(small_run(13, segments=1))
    watch = [sys.executable, "-m", "headrace.cli", "watch", "data_run", "--project"]
    log = tmp_path / "watch.log"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            [*watch, str(project.root), "--existing", "skip"], stdout=file, stderr=file
        ) as process,
    ):
        try:
            wait_until(lambda: "watching" in log.read_text(), "the watch")
            wait_until(lambda: "was skipped" in now("run0013"), "the skipped arrival")
            # The watch must not see it with its end.
            project.write(small_run(14, segments=2), where=tmp_path)
            (tmp_path / "run0014" / "run-0014-01.evt").unlink()
            shutil.move(tmp_path / "run0014", project.incoming)
            assert now("run0014") == "waits for the end of the run in run-0014-00.evt"
        finally:
            process.terminate()
    assert now("run0013").startswith("it was there before anybody watched, and was skipped")
    assert now("run0014").endswith("; no `headrace watch` is on to start its run")
    for name in ("run0013", "run0014"):
        shutil.rmtree(project.incoming / name)


def test_the_live_table_goes_on_until_interrupted(
    project: DataRuns, done: dict[str, object]
) -> None:
    command = [sys.executable, "-m", "headrace.cli", "data-run", "status", "--follow"]
    with subprocess.Popen(
        [*command, "--project", str(project.root)],
        stdout=subprocess.PIPE,
        text=True,
        # Whoever started the tests in the background has them ignore it, and what they start too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        row = next(line for line in process.stdout if line.startswith("run0007"))
        process.send_signal(signal.SIGINT)
    assert row.split()[1] == "SUCCEEDED"
    assert process.returncode == 130


@pytest.mark.parametrize("name", ["run0007", "7"])
def test_pictures_are_drawn_anew_of_what_is_wanted(
    project: DataRuns, done: dict[str, object], tmp_path: Path, name: str
) -> None:
    code, text = command(
        project, "plot", name, "--only", "*ch01/*", "-o", str(tmp_path / "plots"), "-F", "json"
    )
    assert code == 0, text
    pictures = [Path(path) for path in json.loads(text)["pictures"]]
    assert [path.name for path in pictures] == ["overview.png", "c0s02ch01.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_what_cannot_be_drawn_is_told_in_one_line(
    project: DataRuns, done: dict[str, object], tmp_path: Path
) -> None:
    assert command(project, "plot", "run0099")[1].startswith("error: no data run 'run0099'")
    nothing = command(project, "plot", "7", "--only", "nothing")
    assert (nothing[0], nothing[1].count("\n")) == (1, 1)
    assert "no histogram fits nothing; it has c0s02ch00/energy" in nothing[1]
    (tmp_path / "x.root").write_text("not ROOT")
    assert "no ROOT file of histograms" in command(project, "plot", str(tmp_path / "x.root"))[1]


@pytest.mark.mpi
def test_the_projects_own_fit_runs_on_ranks(project: DataRuns) -> None:
    pytest.importorskip("mpi4py", reason="needs mpi4py")
    run = small_run(20, segments=2)
    project.write(run)
    fitted = (0, 2)
    listed = [f'0 2 {channel} 100 0 99 16383 "none" "none"\n' for channel in fitted]
    (project.root / "job_scripts" / "mine.txt").write_text("".join(listed))
    project.configure('[fit]\nranks = 2\nchannels = "job_scripts/mine.txt"\n')
    try:
        summary = project.process("run0020")
    finally:
        project.configure(COPY_FOR_FIT)
    channels = [
        channel
        for segment in range(2)
        for hits in _hits(project.scratch("run0020") / "converted" / f"run-0020-{segment:02d}.root")
        for channel in hits
    ]
    assert len(channels) == summary["hits"]
    assert summary["fitted"] == sum(channel in fitted for channel in channels)
    facts = project.scratch("run0020") / "jobs" / "fit-00" / "stdout"
    assert json.loads(facts.read_text().splitlines()[-1])["ranks"] == 2


def _hits(path: Path) -> list[list[int]]:
    with uproot.open(path) as file:
        channels: list[list[int]] = file["events"]["hits_channel"].array().tolist()
    return channels
