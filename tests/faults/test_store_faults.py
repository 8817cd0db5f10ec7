"""What can happen to the store: a second engine, a torn log, a full disk, a hand that meddles."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headrace.facility.errors import FacilityError
from headrace.facility.store.database import Store
from headrace.facility.store.row_keys import row_key
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import replay
from tests.support.facility.scripted_engine import Bench, action_state
from tests.support.repository import SOURCE
from tests.support.waiting import wait_until

LOOP = {
    "Count": {
        "Type": "ExpressionEval",
        "Parameters": {"i.=": "c.i + 1"},
        "ResultPath": "$.c",
        "Next": "Rest",
    },
    "Rest": {"Type": "Wait", "Seconds": 0, "Next": "More"},
    "More": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.c.i", "NumericLessThan": 12, "Next": "Count"}],
        "Default": "Done",
    },
    "Done": {"Type": "Pass", "End": True},
}


def test_a_second_engine_in_this_process_refuses(bench: Bench) -> None:
    with pytest.raises(FacilityError, match="another facility works on this state"):
        Store(bench.path)
    run_id = bench.start({"A": {"Type": "Pass", "End": True}})
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_a_second_engine_in_another_process_refuses_in_one_line(bench: Bench) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from headrace.facility.errors import FacilityError\n"
        "from headrace.facility.store.database import Store\n"
        "try: Store(Path(sys.argv[1]))\n"
        "except FacilityError as error: sys.exit(str(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(bench.path)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert "another facility works on this state; use it, or stop it" in line


def test_an_event_that_somebody_else_has_written_is_never_doubled(bench: Bench) -> None:
    run_id = bench.start({"A": action_state(ResultPath="$.r")})
    bench.action()
    number = bench.run(run_id).number
    other = sqlite3.connect(bench.path)
    other.execute(
        "INSERT INTO events VALUES (?, ?, 3, 0.0, 'canceled', '{}')",
        (row_key(number, 3), number),
    )
    other.commit()
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {})
    events = other.execute("SELECT sequence, kind FROM events WHERE run = ? ORDER BY 1", (number,))
    kinds = [kind for _, kind in events]
    assert kinds == ["started", "called", "canceled"]
    other.close()


def test_a_torn_log_is_the_beginning_of_the_history(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "state" / "facility.db")
    run_id = bench.start(LOOP, {"c": {"i": 0}})
    bench.ended(run_id)
    runs = RunTable(bench.store)
    number = bench.run(run_id).number
    history = [*runs.event_log.events(bench.store.reader(), number)]
    wal = bench.path.with_name("facility.db-wal")
    size = wal.stat().st_size
    assert size > 32 + 24 + 4096
    for name in ("facility.db", "facility.db-wal"):
        shutil.copy(bench.path.with_name(name), tmp_path / name)
    bench.close()
    chosen = random.Random(1).sample(range(32, size), 10)
    frames = [32 + number * (4096 + 24) for number in range(1, (size - 32) // 4120, 6)]
    for cut in sorted({*chosen, *frames, *(frame - 1 for frame in frames)}):
        place = tmp_path / f"cut-{cut}"
        place.mkdir()
        for name in ("facility.db", "facility.db-wal"):
            shutil.copy(tmp_path / name, place / name)
        with (place / "facility.db-wal").open("r+b") as stream:
            stream.truncate(cut)
            stream.seek(max(0, cut - 3))
            stream.write(b"\xff\xff\xff")
        torn = Bench(place / "facility.db")
        try:
            known = (
                RunTable(torn.store).list_open()
                or torn.store.reader().execute("SELECT number, id FROM runs").fetchall()
            )
            if not known:
                continue  # not even its start was durable
            number = torn.run(run_id).number
            stored = [*RunTable(torn.store).event_log.events(torn.store.reader(), number)]
            same = min(len(stored), len(history))
            assert [e.kind for e in stored][:same] == [e.kind for e in history][:same]
            assert torn.payload(run_id) == {"c": {"i": 12}}
            final = [*RunTable(torn.store).event_log.events(torn.store.reader(), number)]
            assert replay(final) == RunTable(torn.store).state(torn.run(run_id))
        finally:
            torn.close()


def test_a_file_that_is_no_store_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "facility.db"
    path.write_bytes(b"this was a store once" * 1000)
    with pytest.raises(FacilityError, match="cannot be opened as the facility's store") as caught:
        Store(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"this was a store once" * 1000


@pytest.fixture
def small_disk(tmp_path: Path):
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("no tmpfs may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Writes a file until there is no room for anything more."""
    filler = place / "filler"
    handle = os.open(filler, os.O_CREAT | os.O_WRONLY)
    with pytest.raises(OSError, match="No space left"):
        write_on(handle)
    os.close(handle)
    return filler


def write_on(handle: int) -> None:
    while os.write(handle, b"x" * 4096):
        continue


def test_a_full_disk_delays_and_loses_nothing(
    small_disk: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.facility.engine import engine

    monkeypatch.setattr(engine, "RETRY_SECONDS", 0.05)
    bench = Bench(small_disk / "facility.db")
    run_id = bench.start({"A": action_state(ResultPath="$.r")})
    action = bench.action()
    filler = fill(small_disk)
    ender = threading.Thread(
        target=bench.engine.finish_action, args=(action.id, "SUCCEEDED", {"text": "y" * 50_000})
    )
    ender.start()
    wait_until(lambda: "the store cannot be written" in caplog.text, "the complaint")
    assert ender.is_alive()
    assert bench.run(run_id).status == "ACTIVE"
    filler.unlink()
    ender.join(120)
    assert bench.payload(run_id)["r"]["details"] == {"text": "y" * 50_000}
    complaints = [r for r in caplog.records if "cannot be written" in r.getMessage()]
    assert len(complaints) == 1
    bench.close()
