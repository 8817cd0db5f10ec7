"""The log is bounded: its file, its rate, and what one message may do."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.facility.logs import RateLimit

PROGRAM = """
import logging, os, sys
from pathlib import Path
from headrace.facility import logs
path = Path(sys.argv[1])
logs.LogHandler.__init__.__defaults__ = (10_000, 2)
logs.MOST_ALIKE = 10**9
logs.RateLimit.__init__.__defaults__ = (10**9, logs.time.monotonic)
logs.log_to_stderr(path)
for number in range(1000):
    logging.getLogger("some").info("line %d of the log", number)
print("said by print", file=sys.stderr, flush=True)
logging.getLogger("some").error("run \\x1b[2J%s", "two\\nlines")
"""


def test_a_full_log_is_changed_for_another_and_nothing_else_is_written_to_the_old(
    tmp_path: Path,
) -> None:
    log = tmp_path / "facility.log"
    with log.open("ab") as stream:
        subprocess.run([sys.executable, "-c", PROGRAM, str(log)], stderr=stream, check=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "facility.log",
        "facility.log.1",
        "facility.log.2",
    ]
    assert all(p.stat().st_size <= 10_000 + 500 for p in tmp_path.iterdir())
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in [log, tmp_path / "facility.log.1"])
    lines = log.read_text().splitlines()
    assert "said by print" in lines
    assert lines[-1].endswith(r"ERROR some: run \x1b[2Jtwo\nlines")


def test_standard_error_that_goes_elsewhere_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    with other.open("wb") as stream:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "facility.log")]
        subprocess.run(command, stderr=stream, check=True)
    assert [p.name for p in tmp_path.iterdir()] == ["elsewhere"]
    assert "line 999 of the log" in other.read_text()


def test_messages_from_one_place_are_counted_where_they_are_too_many() -> None:
    moment = [0.0]
    limit = RateLimit(3, lambda: moment[0])

    def said(line: int) -> str | None:
        record = logging.LogRecord("some", logging.ERROR, "file.py", line, "no %s", ("room",), None)
        return record.getMessage() if limit.filter(record) else None

    assert [said(1) for _ in range(10)] == ["no room"] * 3 + [None] * 7
    assert said(2) == "no room"
    moment[0] = 61.0
    assert said(1) == "no room (7 more like this were left out)"
    assert said(1) == "no room"


@pytest.mark.parametrize("length", [10, 1_000_000])
def test_a_message_is_bounded(tmp_path: Path, length: int) -> None:
    log = tmp_path / "facility.log"
    program = (
        "import logging, sys; from pathlib import Path; from headrace.facility.logs import *\n"
        "log_to_stderr(Path(sys.argv[1]))\n"
        f"logging.error('a' * {length})\n"
        f"try: raise ValueError('b' * {length})\n"
        "except ValueError: logging.exception('c')\n"
    )
    with log.open("ab") as stream:
        subprocess.run([sys.executable, "-c", program, str(log)], stderr=stream, check=True)
    assert log.stat().st_size < 60_000
    assert "ERROR root: c" in log.read_text()
