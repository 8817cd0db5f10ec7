"""Records and logs of services that write for a year are bounded, at times that the test sets."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from headrace.background_services import cron_runner
from headrace.background_services.definition import BackgroundService
from headrace.notifications.phone.signed_commands import Command, SignedCommand
from headrace.phone_answers.command_record import CommandRecord
from tests.support.growth import directory_in_memory

YEAR_DAYS, DAY, START = 365, 86_400.0, 1_800_000_000.0
KEPT_DAYS = 60


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory for a year of transactions."""
    with directory_in_memory(tmp_path) as found:
        yield found


def test_commands_of_a_year_are_kept_for_their_time(place: Path) -> None:
    file, lifetime = place / "commands.db", int(DAY)
    sizes, descriptors = [], []
    with CommandRecord(file) as record:
        for day in range(YEAR_DAYS):
            for number in range(5):
                now = START + day * DAY + number
                command = Command("retry", f"run {day}.{number}", "", "local")
                nonce = f"nonce of {day}.{number}"
                signed = SignedCommand(command, int(now), int(now) + lifetime, nonce)
                assert record.begin(signed, f"m{day}.{number}", "answers", now)
                assert not record.begin(signed, f"m{day}.{number}", "answers", now)
                record.end(nonce, "done", "it is retried")
                record.set_notified(nonce)
                record.add_question(f"question {day}.{number}")
            record.keep_questions([f"question {day}.4"])
            sizes.append(file.stat().st_size)
            descriptors.append(psutil.Process().num_fds())
        kept = sqlite3.connect(file).execute("SELECT count(*) FROM commands").fetchone()[0]
        assert record.find("nonce of 300.0") is None
        assert record.find("nonce of 310.0") is not None
    assert kept <= (KEPT_DAYS + 2) * 5
    assert sizes[-1] <= 1.05 * sizes[KEPT_DAYS + 10]
    assert len(set(descriptors[1:])) == 1


def test_what_a_service_writes_in_a_year_is_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 50_000
    monkeypatch.setattr(cron_runner, "LOG_BYTES", limit)
    monkeypatch.setattr(cron_runner, "_directory", lambda service: tmp_path)

    def lines() -> Iterator[bytes]:
        for number in range(YEAR_DAYS * 96):
            yield f"tick {number:06} of a year\n".encode()

    service = cast(BackgroundService, SimpleNamespace(name="watch", target="local"))
    command: Any = SimpleNamespace(stdout=lines())
    before = psutil.Process().num_fds()
    cron_runner._copy_output(service, cast("subprocess.Popen[bytes]", command))
    assert psutil.Process().num_fds() == before
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + cron_runner.LOG_FILES
    assert all(file.stat().st_size <= limit for file in files)
    kept = [line.split()[3] for file in reversed(files) for line in file.read_text().splitlines()]
    numbers = [int(number) for number in kept]
    assert numbers == list(range(numbers[0], YEAR_DAYS * 96)), "the last lines, and all of them"
