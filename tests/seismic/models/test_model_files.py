"""Files of fields: what goes in comes out, whole or not at all."""

from __future__ import annotations

import itertools
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.seismic import ModelError
from headrace.seismic.models import (
    Axis,
    FieldReader,
    FieldSpec,
    FieldWriter,
    Layout,
    Parent,
    Provenance,
    extremes,
    read_model,
    write_model,
)
from tests.support.examples import examples

GRID = (Axis.even("z", "m", 0.0, 10.0, 7), Axis.even("x", "km", -1.0, 0.5, 5))
FIELDS = (FieldSpec("vp", "m/s"), FieldSpec("rho", "kg/m3"))
LAYOUT = Layout(GRID, FIELDS, "float64")


def some(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(3000.0, 100.0, LAYOUT.shape) for name in LAYOUT.names}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    fields = some()
    made = Provenance("start", (Parent("a.h5", "0" * 64),), {"step": 0.5}, {"devito": "4.8"})
    content = write_model(tmp_path / "m.h5", LAYOUT, fields, made)
    with FieldReader(tmp_path / "m.h5") as reader:
        assert reader.layout == LAYOUT
        assert reader.provenance == made
        assert reader.content == content
        assert reader.kind == "model"
        reader.verify()
    for name, values in read_model(tmp_path / "m.h5").fields.items():
        np.testing.assert_array_equal(values, fields[name])


def test_same_content_same_bytes(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        write_model(tmp_path / name, LAYOUT, some(), Provenance("test"))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_every_number_and_axis_is_in_the_content_hash(tmp_path: Path) -> None:
    fields = some()
    first = write_model(tmp_path / "a.h5", LAYOUT, fields, Provenance("test"))
    fields["rho"][6, 4] = np.nextafter(fields["rho"][6, 4], np.inf)
    assert write_model(tmp_path / "b.h5", LAYOUT, fields, Provenance("test")) != first
    moved = Layout((GRID[0], Axis.even("x", "km", -1.0, 0.6, 5)), FIELDS, "float64")
    assert write_model(tmp_path / "c.h5", moved, some(), Provenance("test")) != first


@examples(25)
@given(
    shape=st.lists(st.integers(1, 300), min_size=1, max_size=3),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_slabs_cover_each_row_once(shape: list[int], dtype: str) -> None:
    axes = tuple(Axis.even(f"a{i}", "m", 0, 1, n) for i, n in enumerate(shape))
    layout = Layout(axes, FIELDS, dtype)
    slabs = list(layout.slabs())
    assert slabs[0].first == 0
    assert slabs[-1].end == shape[0]
    assert all(left.end == right.first for left, right in itertools.pairwise(slabs))
    assert len(layout.chunks()) == len(shape)
    assert all(1 <= chunk <= n for chunk, n in zip(layout.chunks(), shape, strict=True))


def test_a_changed_number_is_found(tmp_path: Path) -> None:
    write_model(tmp_path / "m.h5", LAYOUT, some(), Provenance("test"))
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        file["fields/vp"][3, 3] += 1.0
    with FieldReader(tmp_path / "m.h5") as reader, pytest.raises(ModelError, match="damaged"):
        reader.verify()


def test_a_file_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(ModelError, match="rho was not written to its end"),
        FieldWriter(tmp_path / "m.h5", LAYOUT, "model", Provenance("test")) as writer,
    ):
        writer.append("vp", some()["vp"])
    with (
        pytest.raises(KeyError),
        FieldWriter(tmp_path / "m.h5", LAYOUT, "model", Provenance("test")) as writer,
    ):
        writer.append("vs", some()["vp"])
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_is_not_finite_is_named(tmp_path: Path) -> None:
    fields = some()
    fields["rho"][5, 2] = np.nan
    with pytest.raises(ModelError, match=r"rho is not finite at \(5, 2\)"):
        write_model(tmp_path / "m.h5", LAYOUT, fields, Provenance("test"))


@pytest.mark.parametrize("keep", [0, 100, 3000])
def test_a_torn_file_is_told_in_one_line(tmp_path: Path, keep: int) -> None:
    write_model(tmp_path / "m.h5", LAYOUT, some(), Provenance("test"))
    data = (tmp_path / "m.h5").read_bytes()
    (tmp_path / "m.h5").write_bytes(data[:keep])
    with pytest.raises(ModelError, match="incomplete") as caught:
        FieldReader(tmp_path / "m.h5")
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        FieldReader(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["a"] = 1
    with pytest.raises(ModelError, match="not a file of fields"):
        FieldReader(tmp_path / "m.h5")


def test_lengths_are_converted_to_the_units_of_an_axis() -> None:
    assert Axis.even("x", "m", 0, 1, 3).convert(2.5, "km") == 2500.0
    assert Axis.even("x", "degree", 0, 1, 3).convert(np.pi, "radian") == pytest.approx(180.0)
    with pytest.raises(ModelError, match="radian cannot be used"):
        Axis.even("x", "m", 0, 1, 3).convert(0.1, "radian")


def test_cell_of_an_uneven_grid_is_refused() -> None:
    assert LAYOUT.cell == pytest.approx(10.0 * 500.0)
    with pytest.raises(ModelError, match="not evenly spaced"):
        _ = Axis("z", "m", (0.0, 1.0, 3.0)).step
    with pytest.raises(ModelError, match="rise"):
        Axis("z", "m", (0.0, 2.0, 1.0))


def test_extremes_of_each_field(tmp_path: Path) -> None:
    fields = some()
    write_model(tmp_path / "m.h5", LAYOUT, fields, Provenance("test"))
    found = extremes(tmp_path / "m.h5")
    assert found == {name: (v.min(), v.max()) for name, v in fields.items()}
