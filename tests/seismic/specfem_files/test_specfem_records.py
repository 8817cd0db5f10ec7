"""Fortran records and the fields made of them."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as numbers

from headrace.seismic.errors import ModelError
from headrace.seismic.models import (
    Axis,
    FieldReader,
    FieldSpec,
    Layout,
    Model,
    Provenance,
    read_model,
    write_model,
)
from headrace.seismic.specfem_files import (
    byte_order_of,
    field_file,
    field_names,
    field_points,
    fields_from_model,
    gll_layout,
    is_gll,
    model_from_fields,
    read_field,
    read_record,
    record_length,
    write_field,
    write_record,
)

SINGLES = numbers.arrays(
    np.float32,
    st.integers(0, 60),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


@hypothesis.given(values=SINGLES, order=st.sampled_from(["little", "big"]))
def test_what_is_written_is_read_back(tmp_path_factory, values, order):
    path = tmp_path_factory.mktemp("record") / "a.bin"
    write_record(path, values, order)
    assert path.stat().st_size == 4 * len(values) + 8
    assert record_length(path) == len(values)
    found = read_record(path)
    assert found.dtype == np.float32
    assert found.tobytes() == values.tobytes()
    if len(values):
        assert byte_order_of(path) == order


def test_the_bytes_are_those_of_a_fortran_compiler(tmp_path):
    path = tmp_path / "a.bin"
    # gfortran on this kind of machine: write(1) [1.0, -2.5]
    path.write_bytes(bytes.fromhex("08000000 0000803f 000020c0 08000000"))
    assert read_record(path).tolist() == [1.0, -2.5]
    # the same from a big-endian machine
    path.write_bytes(bytes.fromhex("00000008 3f800000 c0200000 00000008"))
    assert read_record(path).tolist() == [1.0, -2.5]


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("cut", [1, 4, 11, 20])
def test_a_torn_record_is_told(tmp_path, order, cut):
    path = tmp_path / "proc000000_vp.bin"
    write_record(path, np.arange(5.0), order)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ModelError, match=r"proc000000_vp\.bin: torn") as told:
        read_record(path)
    assert "\n" not in str(told.value)


def test_an_empty_file_and_one_of_two_records_are_told(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="torn"):
        read_record(path)
    write_record(path, np.ones(3))
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(ModelError, match="not one Fortran record"):
        read_record(path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_record(tmp_path / "none.bin")


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_what_single_precision_cannot_hold_is_not_written(tmp_path, bad):
    with pytest.raises(ModelError, match="number 2 is not finite"):
        write_record(tmp_path / "a.bin", np.array([1.0, 2.0, bad]))
    assert not (tmp_path / "a.bin").exists()


def test_fields_of_several_processes(tmp_path):
    values = np.arange(75.0)
    write_field(tmp_path, "vp", values, (25, 50))
    write_field(tmp_path, "alpha_kernel", -values, (25, 50), "big")
    assert field_names(tmp_path) == ["alpha_kernel", "vp"]
    assert field_points(tmp_path, "vp") == (25, 50)
    assert read_record(field_file(tmp_path, "vp", 1))[0] == 25.0
    assert read_field(tmp_path, "alpha_kernel", (25, 50)).tolist() == (-values).tolist()


def test_fields_of_the_globe_have_a_region(tmp_path):
    write_field(tmp_path, "reg1_vpv", np.ones(4), (4,))
    write_field(tmp_path, "reg2_vpv", np.zeros(3), (3,))
    assert read_field(tmp_path, "reg1_vpv").tolist() == [1.0] * 4
    with pytest.raises(ModelError, match=r"no field vpv .* it has: reg1_vpv, reg2_vpv"):
        read_field(tmp_path, "vpv")


def test_a_process_left_out_and_other_lengths_are_told(tmp_path):
    write_field(tmp_path, "vp", np.ones(6), (2, 2, 2))
    field_file(tmp_path, "vp", 1).unlink()
    with pytest.raises(ModelError, match=r"proc000001_vp\.bin: this process' is missing"):
        read_field(tmp_path, "vp")
    write_field(tmp_path, "vs", np.ones(4), (2, 2))
    with pytest.raises(ModelError, match="of 2 processes, the mesh of 1"):
        read_field(tmp_path, "vs", (4,))
    with pytest.raises(ModelError, match="2 points, the mesh has 1: SPECFEM built in double"):
        read_field(tmp_path, "vs", (1, 1))
    with pytest.raises(ModelError, match="has 3 points, not 4"):
        write_field(tmp_path, "vs", np.ones(3), (2, 2))


def test_a_model_goes_to_hdf5_and_back_bit_by_bit(tmp_path):
    there, back = tmp_path / "there", tmp_path / "back"
    there.mkdir()
    back.mkdir()
    random = np.random.default_rng(4)
    for name in ("x", "z", "vp", "rho"):
        write_field(there, name, random.normal(3000.0, 10.0, 100), (75, 25), "big")
    points = model_from_fields(there, tmp_path / "000.h5", ["x", "z", "vp", "rho"])
    assert points == (75, 25)
    model = read_model(tmp_path / "000.h5")
    assert is_gll(model.layout)
    assert [spec.units for spec in model.layout.fields] == ["m", "m", "m/s", "kg/m^3"]
    fields_from_model(tmp_path / "000.h5", back, ["rho", "vp"], points, byte_order="big")
    for name in ("rho", "vp"):
        for process in (0, 1):
            same = field_file(there, name, process).read_bytes()
            assert field_file(back, name, process).read_bytes() == same


def test_kernels_get_the_names_of_the_parameters(tmp_path):
    write_field(tmp_path, "beta_kernel", np.array([1.0, 2.0]), (2,))
    made = tmp_path / "kernels.h5"
    model_from_fields(tmp_path, made, ["beta_kernel"], rename={"beta_kernel": "vs"}, kind="kernel")
    with FieldReader(made) as reader:
        assert reader.kind == "kernel"
        assert reader.read_field("vs").tolist() == [1.0, 2.0]


def test_a_model_that_does_not_fit_the_mesh_is_told(tmp_path):
    made = tmp_path / "000.h5"
    values = Model(gll_layout(4, ["vp"]), {"vp": np.ones(4)})
    write_model(made, values.layout, values.fields, Provenance("start"))
    with pytest.raises(ModelError, match="4 GLL points, the mesh has 5"):
        fields_from_model(made, tmp_path, ["vp"], (5,))
    with pytest.raises(ModelError, match="no field vs"):
        fields_from_model(made, tmp_path, ["vs"], (4,))
    grid = Layout((Axis.even("x", "m", 0.0, 1.0, 4),), (FieldSpec("vp", "m/s"),))
    write_model(made, grid, values.fields, Provenance("start"))
    with pytest.raises(ModelError, match="its axes are x, not gll_point"):
        fields_from_model(made, tmp_path, ["vp"], (4,))


def test_an_axis_that_counts_is_kept_as_a_number(tmp_path):
    import h5py

    layout = gll_layout(3, ["vp"])
    content = write_model(
        tmp_path / "a.h5", layout, {"vp": np.arange(3.0)}, Provenance("start"), "kernel"
    )
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["axes/gll_point"].shape == (0,)
    with FieldReader(tmp_path / "a.h5") as reader:
        assert reader.layout == layout
        assert reader.layout.cell == 1.0
        assert reader.content == content
        reader.verify()
    given = Layout((Axis.even("gll_point", "1", 0.0, 1.0, 3),), layout.fields)
    other = write_model(tmp_path / "b.h5", given, {"vp": np.arange(3.0)}, Provenance("start"))
    assert other != content
    for values in (range(0), range(1, 4), range(0, 6, 2)):
        with pytest.raises(ModelError, match="axis n: points are counted from 0"):
            Axis("n", "1", values)
