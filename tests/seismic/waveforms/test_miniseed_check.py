"""Records of miniSEED are looked at before a library in C reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from obspy import read

from headrace.seismic.waveforms.miniseed_check import damaged_record
from tests.support.seismic.recorded_event import TIMES, record


def write(path: Path, **settings: object) -> bytes:
    trace = record(TIMES, "HHZ")
    if settings.get("encoding") not in ("FLOAT32", "FLOAT64"):
        trace.data = np.round(1e9 * trace.data).astype(np.int32)
    elif settings["encoding"] == "FLOAT32":
        trace.data = trace.data.astype(np.float32)
    trace.write(str(path), format="MSEED", **settings)
    return path.read_bytes()


@pytest.mark.parametrize("encoding", ["STEIM1", "STEIM2", "INT32", "FLOAT32", "FLOAT64"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("reclen", [256, 512, 4096])
def test_what_obspy_writes_is_whole(
    encoding: str, byteorder: str, reclen: int, tmp_path: Path
) -> None:
    write(tmp_path / "a", encoding=encoding, byteorder=byteorder, reclen=reclen)
    assert damaged_record(tmp_path / "a") is None


def test_records_of_several_lengths_are_whole(tmp_path: Path) -> None:
    parts = [write(tmp_path / "part", encoding="STEIM2", reclen=n) for n in (512, 4096, 512)]
    (tmp_path / "a").write_bytes(b"".join(parts))
    assert len(read(str(tmp_path / "a"))) >= 1
    assert damaged_record(tmp_path / "a") is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (6, b"x"),  # quality
        (8, b"\xd8"),  # station code
        (30, b"\xff\xff"),  # number of samples
        (44, b"\xff\xff"),  # where they begin
        (46, b"\x00\x07"),  # first blockette
        (50, b"\xff\xf0"),  # next blockette
        (54, b"\x1f"),  # length of the record
    ],
)
def test_a_damaged_record_is_found_by_its_byte(place: int, value: bytes, tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "a", encoding="STEIM2", reclen=512))
    assert len(data) >= 1024
    data[512 + place : 512 + place + len(value)] = value
    (tmp_path / "a").write_bytes(data)
    assert damaged_record(tmp_path / "a") == 512


def test_a_chain_of_blockettes_that_leads_beyond_the_record_is_found(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "a", encoding="STEIM2", byteorder=">", reclen=512))
    for place in range(48, 48 + 40 * 8, 8):
        data[place + 2 : place + 4] = (place + 8).to_bytes(2, "big")
    data[place + 2 : place + 4] = b"\xff\xf0"
    (tmp_path / "a").write_bytes(data)
    assert damaged_record(tmp_path / "a") == 0


def test_a_record_that_is_cut_off_is_found(tmp_path: Path) -> None:
    data = write(tmp_path / "a", encoding="FLOAT64", reclen=512)
    (tmp_path / "a").write_bytes(data[:-100])
    assert damaged_record(tmp_path / "a") == len(data) - 512


def test_other_files_are_not_judged(tmp_path: Path) -> None:
    for text in (b"", b"0.0 1.0\n" * 99, b"123456D", b"000001X " + bytes(99)):
        (tmp_path / "a").write_bytes(text)
        assert damaged_record(tmp_path / "a") is None
