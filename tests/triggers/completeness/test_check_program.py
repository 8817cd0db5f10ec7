"""A trigger that asks a program whether an arrival is complete."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.triggers import (
    Arrival,
    Incomplete,
    Problem,
    Started,
    Trigger,
    TriggerError,
    load_trigger,
)
from headrace.triggers.completeness import Look
from headrace.triggers.completeness.background import BackgroundRules
from headrace.triggers.completeness.program import ProgramRule, run_check
from tests.support.triggers.trigger_watch import MemoryRunClient, make_trigger, watching
from tests.support.waiting import wait_until

PROGRAM = """
import pathlib, sys
place = pathlib.Path(sys.argv[-1])
with pathlib.Path("asked").open("a") as file:
    file.write(place.name + "\\n")
if (place / "broken").exists():
    sys.exit("no such module")
if not (place / "end").exists():
    print("the end")
    sys.exit(1)
"""


@pytest.fixture
def trigger(tmp_path: Path) -> Trigger:
    program = tmp_path / "check.py"
    program.write_text(textwrap.dedent(PROGRAM))
    (tmp_path / "triggers").mkdir()
    return make_trigger(
        tmp_path, file=tmp_path / "triggers" / "new_event.toml", check=("python", "check.py")
    )


def test_a_run_starts_at_the_end_and_only_then(tmp_path: Path, trigger: Trigger) -> None:
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        place = trigger.directory / "event"
        place.mkdir()
        (place / "first").write_text("1")
        count = 1
        while not any(e.missing == "the end" for e in watch.wait_for(Incomplete, count)):
            count += 1
        assert client.runs == {}
        (place / "end").touch()
        watch.wait_for(Started)
    assert client.names == ["event"]
    assert client.files["event"] == 2


def test_a_program_that_fails_is_a_problem_and_asked_again(
    tmp_path: Path, trigger: Trigger
) -> None:
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        place = trigger.directory / "event"
        place.mkdir()
        for name in ("end", "broken"):
            (place / name).touch()
        [problem] = watch.wait_for(Problem)
        assert "watch.check: ended with 1" in problem.message
        assert "no such module" in problem.message
        assert client.runs == {}
        (place / "broken").unlink()
        watch.wait_for(Started)


def test_what_has_not_changed_is_asked_about_once_an_interval(
    tmp_path: Path, trigger: Trigger
) -> None:
    arrival = Arrival("new_event", "workstation", "incoming", "/incoming/", trigger.directory)
    check = BackgroundRules(trigger, {"check": ProgramRule(trigger.check, trigger, arrival)})
    assert check.missing_reason((1, 10), 0.0) is None
    check.store((1, 10), 0.0, check.evaluate(Look(True, lambda: 0.0, print)))
    assert (tmp_path / "asked").read_text().count("\n") == 1
    for now in (0.0, 0.1, 0.19):
        assert check.missing_reason((1, 10), now) == "the end"
    assert check.missing_reason((2, 10), 0.19) is None, "it has grown"
    assert check.missing_reason((1, 10), 0.4) is None, "the interval has passed"


def test_a_mistake_is_never_taken_for_complete(tmp_path: Path, trigger: Trigger) -> None:
    (trigger.directory / "broken").touch()
    for _ in range(2):
        with pytest.raises(TriggerError, match="must end with 0"):
            run_check(trigger, trigger.directory)


def programmed(tmp_path: Path, text: str) -> Trigger:
    (tmp_path / "triggers").mkdir(exist_ok=True)
    (tmp_path / "slow.py").write_text(textwrap.dedent(text))
    file = tmp_path / "triggers" / "slow.toml"
    return make_trigger(tmp_path, name="slow", file=file, check=("python", "slow.py"))


FORKS = """
import os, sys, time
child = os.fork()
if child == 0:
    time.sleep(600)
with open("pids", "a") as file:
    file.write(f"{os.getpid()} {child}\\n")
while True:
    time.sleep(0.1) if "print" not in sys.argv else print("x" * 100_000)
"""


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("why", ["no answer within", "printed", "given up"])
def test_a_program_that_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    trigger = programmed(tmp_path, FORKS)
    pids = tmp_path / "pids"
    if why == "no answer within":
        monkeypatch.setattr("headrace.triggers.completeness.program._TIMEOUT", 3.0)
    if why == "printed":
        trigger = replace(trigger, check=(*trigger.check, "print"))
    with pytest.raises(TriggerError, match=why):
        run_check(trigger, trigger.directory, lambda: why == "given up" and pids.exists())
    for pid in pids.read_text().split():
        wait_until(lambda pid=pid: ended(int(pid)), f"the end of {pid}")


def test_a_slow_program_delays_no_other_trigger_and_no_other_arrival(tmp_path: Path) -> None:
    slow = programmed(
        tmp_path,
        """
        import pathlib, sys, time
        while sys.argv[-1].endswith("/held") and not pathlib.Path("go").exists():
            time.sleep(0.02)
        """,
    )
    other = make_trigger(tmp_path, name="other", path="/other/")
    other.directory.mkdir()
    client = MemoryRunClient()
    with watching([slow, other], tmp_path / "ledger.db", client) as watch:
        for place in (slow.directory / "held", slow.directory / "quick", other.directory / "third"):
            place.mkdir()
            (place / "data").write_text("1")
        watch.wait_for(Started, name="third")
        watch.wait_for(Started, name="quick")
        assert "held" not in client.names
        (tmp_path / "go").touch()
        watch.wait_for(Started, name="held")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "triggers").mkdir()
    file = tmp_path / "triggers" / "new_event.toml"
    trigger = make_trigger(tmp_path, file=file, check=("no-such-program",))
    with pytest.raises(TriggerError, match="no-such-program: No such file"):
        run_check(trigger, trigger.directory)


def test_without_a_check_everything_is_complete(tmp_path: Path) -> None:
    assert BackgroundRules(make_trigger(tmp_path), {}).missing_reason((1, 1), 0.0) == ""


def test_the_file_gives_the_command_as_one_writes_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "one.toml"
    text = '[watch]\ncollection = "c"\npath = "/data/"\ncheck = {check}\n[start]\nflow = "f"\n'
    file.write_text(text.format(check="\"python check.py 'two words'\""))
    assert load_trigger(file, {"c": tmp_path}).check == ("python", "check.py", "two words")
    file.write_text(text.format(check='"python \'"'))
    with pytest.raises(TriggerError, match=r"watch\.check: not a command"):
        load_trigger(file, {"c": tmp_path})


def test_programs_that_hang_delay_neither_other_arrivals_nor_their_starts(
    tmp_path: Path, trigger: Trigger
) -> None:
    """More of them than are called at a time."""
    (tmp_path / "check.py").write_text(
        """
import pathlib, sys, time
place = pathlib.Path(sys.argv[-1])
while "hangs" in place.name and not pathlib.Path("free").exists():
    time.sleep(0.05)
"""
    )
    trigger = replace(trigger, marker="DONE")
    client = MemoryRunClient()

    def arrive(name: str) -> None:
        (trigger.directory / name).mkdir()
        (trigger.directory / name / "DONE").touch()

    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        for number in range(10):
            arrive(f"hangs_{number}")
        arrive("quick")
        watch.wait_for(Started, name="quick")
        assert client.names == ["quick"]
        (tmp_path / "free").touch()
        watch.wait_for(Started, 11)
    assert len(client.names) == 11
