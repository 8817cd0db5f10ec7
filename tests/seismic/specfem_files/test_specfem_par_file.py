"""Par_file and SOURCE, edited in place."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from headrace.seismic.errors import SolverError
from headrace.seismic.specfem_files import ParFile, source_file, stations_text

TEXT = """\
# simulation
SIMULATION_TYPE                 = 1   # or 3
SAVE_FORWARD  = .false.
NSTEP=5000
DT                              = 6.0d-2              # s

1 1 2600.d0 5800.d0 3500.0d0 0 0 10.d0 10.d0 0 0 0 0 0 0
title           = two words   # of text
empty           =
twice = 1
twice = 2
"""


@pytest.fixture
def par_file(tmp_path: Path) -> ParFile:
    path = tmp_path / "Par_file"
    path.write_text(TEXT)
    return ParFile.read(path)


def test_values_are_read_as_fortran_reads_them(par_file):
    assert par_file.get("title") == "two words"
    assert par_file.number("DT") == 0.06
    assert par_file.number("NSTEP") == 5000
    assert par_file.flag("SAVE_FORWARD") is False
    assert par_file.has("NSTEP")
    assert not par_file.has("nstep")


def test_entries_are_what_counts(par_file):
    assert par_file.entries[0] == ("SIMULATION_TYPE", "1")
    assert ("title", "two words") in par_file.entries
    assert ("", "1 1 2600.d0 5800.d0 3500.0d0 0 0 10.d0 10.d0 0 0 0 0 0 0") in par_file.entries
    assert ("empty", "") in par_file.entries
    crowded = ParFile(par_file.path, ("a=1#x", "# b"))
    twice = crowded.with_values({"a": 1000}).with_values({"a": 1})
    assert twice.entries == crowded.entries == (("a", "1"),)


def test_only_what_is_set_changes(par_file, tmp_path):
    changed = par_file.with_values(
        {"SIMULATION_TYPE": 3, "SAVE_FORWARD": True, "NSTEP": 20, "DT": 0.001, "title": "x"}
    )
    changed.write(tmp_path / "new")
    assert (tmp_path / "new").read_text() == (
        TEXT.replace("= 1   # or 3", "= 3   # or 3")
        .replace("SAVE_FORWARD  = .false.", "SAVE_FORWARD  = .true.")
        .replace("NSTEP=5000", "NSTEP= 20")
        .replace("= 6.0d-2              # s", "= 0.001d0             # s")
        .replace("= two words   # of text", "= x           # of text")
    )


@hypothesis.given(
    st.one_of(
        st.booleans(),
        st.integers(-(10**9), 10**9),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_what_is_set_is_what_is_read(value):
    before = ParFile(Path("Par_file"), ("a = 1  # first", "b=2"))
    after = before.with_values({"a": value})
    assert after.lines[1] == "b=2"
    assert after.lines[0].endswith("# first")
    found = after.flag("a") if isinstance(value, bool) else after.number("a")
    assert found == value


def test_bytes_of_comments_stay(tmp_path):
    path = tmp_path / "Par_file"
    path.write_bytes(b"# \xe9t\xe9 \x85\r\nNSTEP = 1 # \xff\r\n")
    ParFile.read(path).with_values({"NSTEP": 2}).write(path)
    assert path.read_bytes() == b"# \xe9t\xe9 \x85\r\nNSTEP = 2 # \xff\r\n"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("NSTEPS", r"Par_file: no key NSTEPS; there is NSTEP$"),
        ("qqq", r"Par_file: no key qqq$"),
        ("twice", r"Par_file: twice is there more than once: lines 10, 11$"),
    ],
)
def test_a_key_that_is_not_there_or_twice(par_file, key, told):
    for attempt in (lambda: par_file.get(key), lambda: par_file.with_values({key: 1})):
        with pytest.raises(SolverError, match=told) as error:
            attempt()
        assert "\n" not in str(error.value)


def test_values_of_the_wrong_kind(par_file):
    with pytest.raises(SolverError, match="empty has no value"):
        par_file.get("empty")
    with pytest.raises(SolverError, match="title: two is not a number"):
        par_file.number("title")
    with pytest.raises(SolverError, match=r"DT: 6.0d-2 is not .true. or .false."):
        par_file.flag("DT")
    with pytest.raises(SolverError, match="none: cannot be read"):
        ParFile.read(par_file.path.parent / "none")


def test_a_source_and_stations(tmp_path):
    source_file({"xs": 12.5, "f0": 8.0, "source_surf": False}).write(tmp_path / "SOURCE")
    read = ParFile.read(tmp_path / "SOURCE")
    assert read.number("xs") == 12.5
    assert read.number("f0") == 8.0
    # SPECFEM2D reads the values by their order
    keys = [line.split("=")[0].strip() for line in read.lines]
    assert keys[:3] == ["source_surf", "xs", "zs"]
    assert keys[-2:] == ["vx", "vz"]
    with pytest.raises(SolverError, match="no key facto; there is factor"):
        source_file({"facto": 1.0})
    assert stations_text([("S1", "AA", 1.5, 2e5)]) == "S1 AA 1.5 200000.0 0.0 0.0\n"
