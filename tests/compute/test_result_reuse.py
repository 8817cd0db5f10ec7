"""An equal stage of another directory is not run again: its result comes out of the store."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from headrace.compute.scheduler import BatchJobError, CompletionStatus
from headrace.compute.stages import StageResult, read_stage, run_stage
from headrace.compute.stages.result_store import ResultStore


class Site:
    """A project, a store of results, and runs' directories; the program reverses its input."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "project"
        self.store = root / "scratch" / "results"
        scripts = self.project / "job_scripts"
        scripts.mkdir(parents=True)
        for name in ("turn.sbatch", "turn.py", "site_command.sbatch"):
            (scripts / name).write_text(name)
        self.config = scripts / "stages.toml"
        self.configure()
        self.jobs = 0
        self.program: Callable[[Path, Path], None] = lambda source, target: None
        self.folder = False

    def configure(self, text: str = "", reuse: str = "../results") -> None:
        self.config.write_text(f'[turn]\nreuse = "{reuse}"\n{text}\n')

    def job(self, script: str, workdir: str, *, job: str, **settings: Any) -> dict[str, Any]:
        self.jobs += 1
        directory = Path(workdir) / job
        directory.mkdir(parents=True, exist_ok=True)
        [target] = map(Path, settings["outputs"])
        source = directory.parent.parent / "raw" / "data"
        made = target / "part" / "one" if self.folder else target
        made.parent.mkdir(exist_ok=True)
        made.write_bytes(source.read_bytes()[::-1])
        self.program(source, made)
        (directory / "stdout").write_text('{"events": 3}\n')
        return {"seconds": 1.5, "directory": str(directory)}

    def run(self, name: str, content: str = "abc") -> StageResult:
        directory = self.root / "scratch" / name
        source = directory / "raw" / "data"
        source.parent.mkdir(parents=True, exist_ok=True)
        if not source.exists():
            source.write_text(content)
        return run_stage(
            self.job,
            read_stage(self.config, "turn"),
            project=self.project,
            directory=directory,
            name="turn-00",
            scripts=["turn.sbatch", "turn.py"],
            arguments=["{input}", "{output}"],
            placeholders={"input": source},
            inputs=[source],
            output="turned/data",
            output_is_directory=self.folder,
        )

    def entries(self) -> list[Path]:
        return sorted(path.parent for path in self.store.glob("??/*/entry.json"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("folder", [False, True])
def test_the_same_input_under_two_directories_is_computed_once(site: Site, folder: bool) -> None:
    site.folder = folder
    first, second = site.run("one"), site.run("two")
    assert site.jobs == 1
    assert (first.redone, second.redone, first.reused_from) == (True, False, "")
    assert second.facts == first.facts == {"seconds": 1.5, "events": 3}
    made = [
        result.output / "part" / "one" if folder else result.output for result in (first, second)
    ]
    assert [path.read_bytes() for path in made] == [b"cba", b"cba"]
    manifests = [
        json.loads((result.output.parent / "data.done.json").read_text())
        for result in (first, second)
    ]
    assert manifests[1].pop("reused_from") == second.reused_from
    assert manifests[0] == manifests[1]
    assert second.reused_from.endswith("Z")
    # It is said as long as the output is there, and no longer looked for in the store.
    assert site.run("two").reused_from == second.reused_from
    assert not (site.root / "scratch" / "two" / "unfinished").exists()


def test_nothing_is_shared_where_it_was_not_asked_for(site: Site) -> None:
    site.config.write_text("[turn]\n")
    site.run("one")
    site.run("two")
    assert (site.jobs, site.store.exists()) == (2, False)


def _other_program(site: Site, patch: pytest.MonkeyPatch) -> None:
    (site.project / "job_scripts" / "turn.py").write_text("new")


def _other_variable(site: Site, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("MODEL", "b")


def _settings(text: str) -> Callable[[Site, pytest.MonkeyPatch], None]:
    return lambda site, patch: site.configure(text)


@pytest.mark.parametrize(
    "change",
    [
        _other_program,
        _other_variable,
        _settings('arguments = ["--more"]'),
        _settings('reuse_version = "6.1"'),
        _settings('[turn.job]\nenvironment = {CONFIG = "x"}'),
        _settings('command = "turn {input} {output}"'),
    ],
)
def test_another_program_environment_or_setting_is_computed_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: Callable[[Site, pytest.MonkeyPatch], None]
) -> None:
    site.configure('reuse_variables = ["MODEL"]')
    monkeypatch.setenv("MODEL", "a")
    site.run("one")
    change(site, monkeypatch)
    assert site.run("two").redone
    assert site.jobs == 2


def test_another_input_is_computed_again_and_other_resources_are_not(site: Site) -> None:
    site.run("one")
    assert site.run("two", "abd").output.read_text() == "dba"
    site.configure('ranks = 4\n[turn.job]\nwalltime = "10"')
    assert not site.run("three").redone


def test_a_command_that_names_its_directory_shares_nothing(site: Site) -> None:
    site.configure('command = "turn {input} {output} {directory}/calibration"')
    site.run("one")
    assert site.run("two").redone


def test_another_upgrade_of_the_package_is_computed_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.run("one")
    monkeypatch.setattr("headrace.compute.stages.result_keys._package_digest", lambda: "other")
    assert site.run("two").redone


def test_a_write_in_place_damages_no_entry(site: Site) -> None:
    first, second = site.run("one"), site.run("two")
    for result in (first, second):
        with result.output.open("r+b") as stream:
            stream.write(b"XXX")
    [entry] = site.entries()
    assert (entry / "output").stat().st_mode & 0o222 == 0
    assert site.run("three").output.read_text() == "cba"
    assert site.jobs == 1


def _change(entry: Path) -> None:
    (entry / "output").chmod(0o644)
    (entry / "output").write_text("cbb")


def _shorten(entry: Path) -> None:
    (entry / "output").chmod(0o644)
    (entry / "output").write_text("")


@pytest.mark.parametrize(
    "damage",
    [
        _change,
        _shorten,
        lambda entry: (entry / "output").unlink(),
        lambda entry: (entry / "entry.json").unlink(),
        lambda entry: (entry / "entry.json").write_text('{"key'),
        lambda entry: (entry / "entry.json").write_text("{}"),
    ],
)
def test_a_damaged_entry_is_set_aside_and_made_anew(
    site: Site, damage: Callable[[Path], None]
) -> None:
    site.run("one")
    [entry] = site.entries()
    damage(entry)
    second = site.run("two")
    assert (second.redone, second.output.read_text()) == (True, "cba")
    assert "damaged; it is set aside" in second.reuse_problem
    assert len([*(site.store / "damaged").iterdir()]) == 1
    third = site.run("three")
    assert (third.redone, third.reuse_problem, third.output.read_text()) == (False, "", "cba")


def test_a_store_that_cannot_be_used_fails_no_stage(site: Site) -> None:
    site.store.parent.mkdir(parents=True)
    site.store.write_text("a file")
    result = site.run("one")
    assert result.output.read_text() == "cba"
    assert "results: cannot be used: " in result.reuse_problem


def test_what_failed_is_not_added(site: Site) -> None:
    def fail(source: Path, target: Path) -> None:
        raise BatchJobError.with_status(CompletionStatus.FAILED, "failed")

    site.program = fail
    with pytest.raises(BatchJobError):
        site.run("one")
    assert site.entries() == []


def test_what_was_made_while_its_input_or_program_changed_is_not_added(site: Site) -> None:
    site.program = lambda source, target: _other_program(site, pytest.MonkeyPatch())
    site.run("one")
    assert site.entries() == []


def test_a_link_is_not_shared(site: Site) -> None:
    site.folder = True
    site.program = lambda source, target: (target.parent / "link").symlink_to("/etc")
    assert "neither a file nor a directory" in site.run("one").reuse_problem
    assert site.entries() == []
    assert [*site.store.glob(".partial-*")] == []


def test_two_at_once_add_one_whole_entry(site: Site) -> None:
    both = Barrier(2)

    def meet(source: Path, target: Path) -> None:
        both.wait()

    site.program = meet
    results: list[StageResult] = []

    def run(name: str) -> None:
        results.append(site.run(name))

    threads = [Thread(target=run, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.jobs == 2
    assert [(each.output.read_text(), each.reuse_problem) for each in results] == [("cba", "")] * 2
    assert len(site.entries()) == 1
    site.program = lambda source, target: None
    assert site.run("three").reused_from


def test_adding_what_is_there_changes_nothing(site: Site, tmp_path: Path) -> None:
    site.run("one")
    [entry] = site.entries()
    before = entry.stat().st_mtime_ns
    (tmp_path / "other").write_text("other")
    store = ResultStore(site.store)
    store.add(entry.name, tmp_path / "other", {})
    assert (entry.stat().st_mtime_ns, store.problem) == (before, "")


def _killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do work in a process that is killed before a step on the file system; return if it was."""
    child = os.fork()
    if child == 0:
        left = [step]

        def count(event: str, arguments: tuple[object, ...]) -> None:
            if event in ("open", "os.mkdir", "os.rename", "os.utime", "os.remove", "os.rmdir"):
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)

        try:
            sys.addaudithook(count)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 9


@pytest.mark.parametrize("ready", [False, True])
def test_killed_at_any_step_the_store_is_whole_and_the_next_call_right(
    site: Site, ready: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It reads the same files each time, which changes nothing that could be left halfway.
    monkeypatch.setattr("headrace.compute.stages.result_keys._package_digest", lambda: "")
    if ready:
        site.run("first")
    step = 0
    # A directory and, where none is ready, an entry of its own at each step.
    while _killed_at(step, partial(site.run, f"at{step}", "abc" if ready else f"input {step}")):
        content = "abc" if ready else f"input {step}"
        source = site.root / "scratch" / f"at{step}" / "raw" / "data"
        if source.exists():
            source.write_text(content)
        for entry in site.entries():
            stored = json.loads((entry / "entry.json").read_text())
            assert stored["key"] == entry.name
        assert site.run(f"at{step}", content).output.read_text() == content[::-1]
        (site.root / "scratch" / f"more{step}" / "raw").mkdir(parents=True)
        more = site.run(f"more{step}", content)
        assert (more.output.read_text(), more.reuse_problem) == (content[::-1], "")
        step += 1
    assert step > 10
    assert not (site.store / "damaged").exists()
