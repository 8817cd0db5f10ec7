"""A stage is done once, and again when anything that its output hangs on has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.scheduler import BatchJobError, CompletionStatus
from headrace.compute.stages import StageError, StageResult, read_facts, read_stage, run_stage
from headrace.compute.stages.manifest import digest


class Jobs:
    """Stands for batch jobs: the program writes its input backwards."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.leave: Callable[[Path], None] | None = None
        self.endings: list[CompletionStatus] = []

    def __call__(self, script: str, workdir: str, *, job: str, **settings: Any) -> dict[str, Any]:
        self.calls.append({"script": script, "job": job, **settings})
        directory = Path(workdir) / job
        directory.mkdir(parents=True, exist_ok=True)
        if self.endings:
            ending = self.endings.pop(0)
            raise BatchJobError.with_status(ending, ending.value)
        source, target = map(Path, settings["arguments"][-2:])
        if self.leave:
            self.leave(target)
        else:
            target.write_bytes(source.read_bytes()[::-1])
        told = '{"stage": "start"}\nhello\n{"events": 3, "name": "x", "rate": 0.5}\n'
        (directory / "stdout").write_text(told)
        return {"seconds": 1.5, "directory": str(directory)}


class Bench:
    """A project with one stage."""

    def __init__(self, root: Path) -> None:
        self.project = root / "project"
        self.directory = root / "scratch" / "run"
        self.jobs = Jobs()
        scripts = self.project / "job_scripts"
        scripts.mkdir(parents=True)
        for name in ("turn.sbatch", "turn.py", "site_command.sbatch"):
            (scripts / name).write_text(name)
        self.config = scripts / "stages.toml"
        self.configure("")
        self.input = self.directory / "raw" / "data"
        self.input.parent.mkdir(parents=True)
        self.input.write_text("abc")

    def configure(self, text: str) -> None:
        self.config.write_text(f"[turn]\n{text}\n")

    def run(self, folder: bool = False) -> StageResult:
        return run_stage(
            self.jobs,
            read_stage(self.config, "turn"),
            project=self.project,
            directory=self.directory,
            name="turn-00",
            scripts=["turn.sbatch", "turn.py"],
            arguments=["{input}", "{output}"],
            placeholders={"input": self.input},
            inputs=[self.input],
            output="turned/data",
            output_is_directory=folder,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_is_done_is_not_done_again(bench: Bench) -> None:
    first, second = bench.run(), bench.run()
    assert (first.redone, second.redone) == (True, False)
    assert first.output == bench.directory / "turned" / "data"
    assert first.output.read_text() == "cba"
    assert first.facts == second.facts == {"seconds": 1.5, "events": 3, "rate": 0.5}
    assert read_facts(first.output) == first.facts
    assert not (bench.directory / "unfinished").exists()


def _change_input(bench: Bench) -> None:
    bench.input.write_text("abd")


def _change_program(bench: Bench) -> None:
    (bench.project / "job_scripts" / "turn.py").write_text("new")


def _change_script(bench: Bench) -> None:
    (bench.project / "job_scripts" / "turn.sbatch").write_text("new")


def _lose_output(bench: Bench) -> None:
    (bench.directory / "turned" / "data").unlink()


def _damage_output(bench: Bench) -> None:
    (bench.directory / "turned" / "data").write_text("cbb")


def _lose_record(bench: Bench) -> None:
    (bench.directory / "turned" / "data.done.json").unlink()


def _damage_record(bench: Bench) -> None:
    (bench.directory / "turned" / "data.done.json").write_text('{"inputs')


@pytest.mark.parametrize(
    "change",
    [
        _change_input,
        _change_program,
        _change_script,
        _lose_output,
        _damage_output,
        _lose_record,
        _damage_record,
    ],
)
def test_any_change_does_it_again(bench: Bench, change: Callable[[Bench], None]) -> None:
    bench.run()
    change(bench)
    again = bench.run()
    assert again.redone
    assert again.output.read_text() == bench.input.read_text()[::-1]
    assert not bench.run().redone


def test_other_arguments_do_it_again_and_the_number_of_ranks_does_not(bench: Bench) -> None:
    bench.run()
    bench.configure("ranks = 4")
    assert not bench.run().redone
    bench.configure('command = "turn {input} {output}"')
    assert bench.run().redone


def test_a_file_that_the_settings_name_counts(bench: Bench) -> None:
    bench.configure('files = ["calibration.txt"]')
    with pytest.raises(StageError, match=r"calibration\.txt: missing"):
        bench.run()
    (bench.project / "calibration.txt").write_text("1.0")
    bench.run()
    assert not bench.run().redone
    (bench.project / "calibration.txt").write_text("1.1")
    assert bench.run().redone


def test_moving_project_and_data_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.run()
    bench.directory.parent.rename(tmp_path / "elsewhere")
    bench.directory = tmp_path / "elsewhere" / "run"
    bench.input = bench.directory / "raw" / "data"
    assert not bench.run().redone


def test_a_job_that_fails_leaves_the_old_output_until_it_is_made_anew(bench: Bench) -> None:
    bench.run()
    bench.input.write_text("abd")

    def fail(target: Path) -> None:
        target.write_text("half")
        raise RuntimeError("killed")

    bench.jobs.leave = fail
    with pytest.raises(RuntimeError):
        bench.run()
    assert (bench.directory / "turned" / "data").read_text() == "cba"
    bench.jobs.leave = None
    assert bench.run().output.read_text() == "dba"
    assert not (bench.directory / "unfinished").exists()


def test_a_stage_says_how_often_its_job_is_run(bench: Bench) -> None:
    assert bench.run().failed_attempts == []
    bench.configure("attempts = 5")
    bench.input.write_text("abd")
    bench.run()
    assert [call["attempts"] for call in bench.jobs.calls] == [3, 5]


@pytest.mark.parametrize("ending", [CompletionStatus.FAILED, CompletionStatus.CANCELLED])
def test_a_job_that_goes_on_failing_fails(bench: Bench, ending: CompletionStatus) -> None:
    bench.jobs.endings = [ending]
    with pytest.raises(BatchJobError, match=ending):
        bench.run()
    assert len(bench.jobs.calls) == 1


def test_killed_between_record_and_output_the_output_is_put_into_place(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(made: Path, place: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("headrace.compute.stages.run._replace_output", kill)
        with pytest.raises(KeyboardInterrupt):
            bench.run()
    # The job has ended for this task: the call that repeats it finds its output, and writes none.
    bench.jobs.leave = lambda target: None
    assert bench.run().output.read_text() == "cba"


def test_an_output_may_be_a_directory_and_is_replaced_as_a_whole(bench: Bench) -> None:
    def leave(name: str) -> None:
        def write(target: Path) -> None:
            (target / name).write_text(name)

        bench.jobs.leave = write

    leave("old")
    bench.run(folder=True)
    bench.input.write_text("new")
    leave("new")
    result = bench.run(folder=True)
    assert [path.name for path in result.output.iterdir()] == ["new"]
    assert not bench.run(folder=True).redone


def test_a_sites_command_runs_in_its_container(bench: Bench) -> None:
    bench.configure(
        "command = \"turner --ranks {ranks} 'a b' {{}} {input} {output}\"\nranks = 3\n"
        'container = "podman-hpc run --volume {directory}:{directory} image"\n'
        '[turn.job]\nwalltime = "01:00:00"\naccount = "m1"'
    )
    bench.run()
    [call] = bench.jobs.calls
    volume = f"{bench.directory}:{bench.directory}"
    assert call["arguments"][:-1] == [
        *("podman-hpc", "run", "--volume", volume, "image"),
        *("turner", "--ranks", "3", "a b", "{}", str(bench.input)),
    ]
    assert call["arguments"][-1].startswith(str(bench.directory / "unfinished" / "turn-00-"))
    assert call["script"].endswith("job_scripts/site_command.sbatch")
    assert (call["walltime"], call["account"], call["ntasks"]) == ("01:00:00", "m1", 3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rank = 2", r"\[turn\] rank: unknown; there are command, "),
        ('ranks = "2"', r"\[turn\] ranks: must be of type int, not '2'"),
        ("ranks = 0", "ranks: must be at least 1"),
        ("arguments = [1]", "arguments: must be texts"),
        ('command = "turn {inputs}"', r"unknown \{inputs\} in the command; there are \{input\}, "),
        ('command = "turn \'a"', "not a command: No closing quotation"),
        ("command = ", "not valid TOML"),
    ],
)
def test_mistakes_in_the_settings_are_one_line(bench: Bench, text: str, told: str) -> None:
    bench.configure(text)
    with pytest.raises(StageError, match=told) as caught:
        bench.run()
    assert str(caught.value).startswith(f"{bench.config}: ")
    assert "\n" not in str(caught.value)
    assert bench.jobs.calls == []


def test_a_missing_input_is_named(bench: Bench) -> None:
    bench.input.unlink()
    with pytest.raises(StageError, match="raw/data: missing"):
        bench.run()


def test_the_record_tells_what_it_hangs_on(bench: Bench) -> None:
    bench.run()
    record = json.loads((bench.directory / "turned" / "data.done.json").read_text())
    assert set(record["inputs"]["files"]) == {
        "raw/data",
        "job_scripts/turn.py",
        "job_scripts/turn.sbatch",
    }
    assert record["inputs"]["command"] == ["{input}", "{output}"]


def test_links_that_lead_nowhere_are_in_no_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    before = digest(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "through-a-file").symlink_to("a/x")
    (tmp_path / "absent").symlink_to("nothing")
    assert digest(tmp_path) == before
    (tmp_path / "another-name").symlink_to("a")
    assert digest(tmp_path) != before
