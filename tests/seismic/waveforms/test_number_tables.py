"""Numbers of text files: the bits of numpy.loadtxt and of float(), whatever the text."""

from __future__ import annotations

import io
import math
import os
import struct
import tarfile
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.seismic.waveforms import number_tables
from headrace.seismic.waveforms.number_tables import load_two_columns


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables") / "HR.S00.BXY.semd"


def loaded(path: Path, text: bytes) -> np.ndarray:
    path.write_bytes(text)
    return load_two_columns(path)


def bits(table: np.ndarray) -> tuple[tuple[int, ...], bytes]:
    return table.shape, np.ascontiguousarray(table).tobytes()


def refuse_loadtxt(*_: object, **__: object) -> np.ndarray:
    raise AssertionError("read by numpy.loadtxt")


def exactly(value: Fraction) -> str:
    """All decimal digits of a fraction whose denominator is a power of two."""
    places = value.denominator.bit_length() - 1
    digits = str(abs(value.numerator) * 5**places).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[: len(digits) - places]}.{digits[len(digits) - places :] or '0'}"


def scientific(digits: str, exponent: int) -> str:
    return f"{digits[0]}.{digits[1:] or '0'}E{exponent:+04d}"


def is_finite(text: str) -> bool:
    return math.isfinite(float(text))


finite = st.floats(allow_nan=False, allow_infinity=False)
long_numbers = st.builds(
    scientific, st.text("0123456789", min_size=1, max_size=40), st.integers(-345, 308)
).filter(is_finite)


@st.composite
def halfway(draw: st.DrawFn) -> str:
    """Return a number exactly halfway between two doubles, or the least bit off it."""
    value = abs(draw(st.floats(max_value=1e300, min_value=0.0)))
    middle = (Fraction(value) + Fraction(math.nextafter(value, math.inf))) / 2
    text = exactly(middle)
    return text + draw(st.sampled_from(["", "0", "00000000001", "9"]))


numbers = st.one_of(
    finite.map(lambda value: f"{value:.16E}"),
    finite.map(lambda value: f"{value:.9e}").filter(is_finite),
    finite.map(lambda value: f"{value:.25E}"),
    st.floats(-1e16, 1e16).map(lambda value: f"{value:.15f}"),
    long_numbers,
    halfway().filter(lambda text: len(text) < 200),
    st.sampled_from(
        [
            "0.0000000000000000",
            "-0.0",
            "4.9406564584124654E-324",
            "2.4703282292062327E-324",
            "2.4703282292062328E-324",
            "2.2250738585072011e-308",
            "1.7976931348623157E+308",
            "1.7976931348623158E+308",
            "179769313486231580793728971405301000000.0E+270",
            "9007199254740993.0",
            "9007199254740992.99999999999999999999999999999999999",
            "0.1E-999",
            "0.500000000000000166533453693773481063544750213623046875",
            "6.1234567890123456789E-005",
        ]
    ),
)


@settings(max_examples=150, deadline=None)
@given(values=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30))
def test_plain_numbers_are_rounded_as_float_does(path: Path, values: list[tuple[str, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_tables.np, "loadtxt", refuse_loadtxt)
        found = loaded(path, "".join(f"  {a}   {b}  \n" for a, b in values).encode())
    expected = b"".join(struct.pack("2d", float(a), float(b)) for a, b in values)
    assert bits(found) == ((len(values), 2), expected)


ODD = """
1 -1 +1.5 .5 -.5 5. 1e5 1E+05 -0 00.5 0x1p3 1_0.0 NaN nan inf -Infinity 1.0D+00 0.1234-103 7.5+100
1.0d0 true null "1.0" [1.0] {} 1.0,2.0 1.0, ,2.0 ***** 1.0e400 -1.0E+999 # #1.0 1.0#2 abc 1.0.0
1..0 . - 0,5 1.0e 18446744073709551616 1.0E-1000 ٣.٠ １.０ µ é
"""
odd_tokens = st.one_of(
    numbers,
    halfway(),
    st.sampled_from(ODD.split()),
)
separators = st.sampled_from([" ", "  ", "\t", " \t ", ",", "\x0b", "\x0c", "\x1c", "\xa0", "\x00"])
line_ends = st.sampled_from(
    ["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n \n", " \n", "\x0c\n", "\x85"]
)


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Return a text that is nearly a table of two columns."""
    usual = st.sampled_from(["0.0", "1.5", "-2.25E-003"])
    token = st.one_of(usual, usual, usual, odd_tokens) if draw(st.booleans()) else odd_tokens
    separator = st.just(" ") if draw(st.booleans()) else separators
    end = st.just(draw(line_ends)) if draw(st.booleans()) else line_ends
    text = draw(st.sampled_from(["", "", " ", "\ufeff", "# time value\n", "\n"]))
    for _ in range(draw(st.integers(1, 6))):
        columns = draw(st.sampled_from([2, 2, 2, 2, 1, 3]))
        text += draw(st.sampled_from(["", "  "]))
        text += draw(separator).join(draw(token) for _ in range(columns)) + draw(end)
    return text if draw(st.booleans()) else text.rstrip()


def outcome(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of texts without data
            return bits(load_two_columns(path))
    except ValueError as error:
        return type(error), str(error)


@settings(max_examples=500, deadline=None)
@given(text=tables())
def test_any_text_is_read_or_refused_as_loadtxt_does(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_tables, "_plain_table", lambda text: None)
        expected = outcome(path)
    assert outcome(path) == expected


@pytest.mark.parametrize(
    "text", ["", " \n", "0.0 1.0\n0.1 1", "0.0 1.0\n0.1\n0.2 1.0\n0.3 1.0 1.0\n"]
)
def test_texts_cut_short_are_read_or_refused_as_loadtxt_does(path: Path, text: str) -> None:
    test_any_text_is_read_or_refused_as_loadtxt_does.hypothesis.inner_test(path, text)


@pytest.mark.parametrize(
    "line",
    [
        "  {time:.15f}          {value:.16E}     \n",  # SPECFEM2D: write(*,*) of real(8)
        "  {time:.7f}       {value:.8E}    \n",  # SPECFEM3D: write(*,*) of real(4)
        "{time:.9f}  {value:.9e}\r\n",
        "{time:14.4f}\t{value:.20f}\n",
    ],
)
def test_what_solvers_write_is_not_left_to_loadtxt(
    path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(-48.0 + 0.06 * i, math.sin(i) * 1e-3) for i in range(200)]
    text = "".join(line.format(time=time, value=value) for time, value in rows)
    expected = np.loadtxt(io.StringIO(text))
    monkeypatch.setattr(number_tables.np, "loadtxt", refuse_loadtxt)
    assert bits(loaded(path, text.encode())) == bits(expected)


def test_a_number_halfway_between_doubles_with_a_zero_too_many_is_rounded_to_even(
    path: Path,
) -> None:
    least = 2.0**-1022
    text = exactly((Fraction(least) + Fraction(math.nextafter(least, 1.0))) / 2) + "0"
    assert len(text.replace(".", "").lstrip("0")) == 769
    assert loaded(path, f"0.0 {text}\n1.0 1.5\n".encode())[0, 1] == least


def test_fortran_exponents_are_read(path: Path) -> None:
    text = b" -1.0  0.5000D+00\n  0.0  0.1234-103\n  1.0 -0.25E+01\n"
    assert loaded(path, text).tolist() == [[-1.0, 0.5], [0.0, 0.1234e-103], [1.0, -2.5]]


def test_seismograms_of_specfem2d_have_the_bits_of_loadtxt(path: Path) -> None:
    archive = Path(os.environ.get("HEADRACE_TEST_DATA", "-"), "seismograms", "waveforms.tar.gz")
    if not archive.is_file():
        pytest.skip("HEADRACE_TEST_DATA has no seismograms/waveforms.tar.gz")
    with tarfile.open(archive) as tar:
        texts = [tar.extractfile(m).read() for m in tar if m.name.endswith(".semd")]  # type: ignore[union-attr]
    assert texts
    for text in texts:
        assert bits(loaded(path, text)) == bits(np.loadtxt(io.BytesIO(text)))
