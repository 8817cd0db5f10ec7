"""Damaged copies of event files: refused or skipped at a place, never a crash or a hang."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from headrace.datarun.errors import EventFileError
from headrace.datarun.events import EventFile

COPIES = 1000
SIZES = (0, 1, 4, 7, 8, 20, 28, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A copy with up to eight of: a byte changed, a word made a size, a piece cut out or put in."""
    copy = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(max(1, len(copy) - 4))
        match chance.randrange(5):
            case 0:
                copy[at] = chance.randrange(256)
            case 1:
                copy[at : at + 4] = chance.choice(SIZES).to_bytes(4, "little")
            case 2:
                del copy[at : at + chance.randint(1, 400)]
            case 3:
                copy[at:at] = chance.randbytes(chance.randint(1, 400))
            case 4:
                del copy[at:]
    return bytes(copy)


def read_or_refuse(data: bytes, tmp_path: Path, copies: int) -> None:
    chance, path = random.Random(20261121), tmp_path / "copy.evt"
    refusals: list[EventFileError] = []
    skipped = 0
    for _ in range(copies):
        path.write_bytes(damaged(data, chance))
        size = path.stat().st_size
        try:
            EventFile(path).read()
        except EventFileError as error:
            refusals.append(error)
        file = EventFile(path, "skip")
        batch = file.read()
        skipped += bool(file.problems)
        assert int(batch.hits["trace_length"].sum()) == len(batch.traces)
        assert all(0 <= split.start <= split.end <= size for split in file.splits(3))
    assert all(len(str(error).splitlines()) == 1 for error in refusals)
    assert min(len(refusals), skipped) > copies // 2


@pytest.mark.timeout(120)
def test_a_thousand_damaged_copies_of_a_real_run(reference_run: Path, tmp_path: Path) -> None:
    read_or_refuse(reference_run.read_bytes(), tmp_path, COPIES)


@pytest.mark.timeout(120)
def test_damaged_copies_of_a_run_with_hits_and_traces(segment: Path, tmp_path: Path) -> None:
    read_or_refuse(segment.read_bytes(), tmp_path, COPIES // 2)
