"""Kernels: sums, masks, preconditioning, smoothing, clipping."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

import headrace.seismic.models.layout as layouts
from headrace.seismic import ModelError
from headrace.seismic.kernels import (
    KernelProcessing,
    Mask,
    Mute,
    Scaling,
    Smoothing,
    Taper,
    apply_masks,
    clip,
    gradient_of,
    precondition,
    process_kernel,
    smooth,
    sum_kernels,
)
from headrace.seismic.kernels.smoothing import _gaussian
from headrace.seismic.models import (
    Axis,
    FieldReader,
    FieldSpec,
    Layout,
    Provenance,
    Slab,
    Values,
    read_model,
    write_model,
)
from tests.support.examples import examples

GRID = (Axis.even("z", "m", 0.0, 100.0, 31), Axis.even("x", "km", 0.0, 0.1, 41))
LAYOUT = Layout(GRID, (FieldSpec("vp", "1"), FieldSpec("rho", "1")), "float64")


def some(seed: int = 0) -> dict[str, Values]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=LAYOUT.shape) for name in LAYOUT.names}


def write(path: Path, fields: dict[str, Values], layout: Layout = LAYOUT) -> Path:
    write_model(path, layout, fields, Provenance("test"), "kernel")
    return path


def ones(path: Path, layout: Layout = LAYOUT) -> Path:
    return write(path, {name: np.ones(layout.shape) for name in layout.names}, layout)


@pytest.fixture
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the memory held a hundred numbers only: two rows of the grid."""
    monkeypatch.setattr(layouts, "SLAB_SIZE", 100)


def test_a_sum_does_not_depend_on_the_order_of_its_events(tmp_path: Path) -> None:
    events = {}
    for number, scale in enumerate([1e16, 1.0, -1e16, 3.0]):
        fields = {name: scale * np.ones(LAYOUT.shape) for name in LAYOUT.names}
        (tmp_path / f"{number}").mkdir()
        events[f"event{number}"] = write(tmp_path / f"{number}" / "kernels.h5", fields)
    written = []
    for number, order in enumerate(itertools.permutations(events)):
        sum_kernels({name: events[name] for name in order}, tmp_path / f"sum{number}.h5")
        written.append((tmp_path / f"sum{number}.h5").read_bytes())
    assert len(set(written)) == 1
    with FieldReader(tmp_path / "sum0.h5") as reader:
        assert [p.name for p in reader.provenance.parents] == [f"{e}/kernels.h5" for e in events]


def test_a_kernel_is_opened_once_for_each_part_of_a_sum(tmp_path: Path, monkeypatch) -> None:
    events = {name: ones(tmp_path / f"{name}.h5") for name in "abc"}
    opened = Counter[str]()
    begin = FieldReader.__init__

    def counted(reader: FieldReader, path: Path) -> None:
        opened[path.stem] += 1
        begin(reader, path)

    monkeypatch.setattr(FieldReader, "__init__", counted)
    sum_kernels(events, tmp_path / "sum.h5")
    # Two fields of one slab each; the grid is taken from the first.
    assert opened == {"a": 3, "b": 2, "c": 2}


def test_a_sum_is_made_in_double_precision(tmp_path: Path) -> None:
    single = LAYOUT.with_fields(LAYOUT.fields, "float32")
    events = {}
    for number, value in enumerate([2.0**24, 1.0, 1.0]):
        fields = {name: np.full(LAYOUT.shape, value) for name in LAYOUT.names}
        events[str(number)] = write(tmp_path / f"{number}.h5", fields, single)
    sum_kernels(events, tmp_path / "sum.h5", weights={"2": 0.5})
    assert np.all(read_model(tmp_path / "sum.h5").fields["vp"] == 2.0**24 + 1.5)


def test_a_missing_or_odd_event_is_named(tmp_path: Path) -> None:
    events = {"a": ones(tmp_path / "a.h5"), "b": ones(tmp_path / "b.h5")}
    with pytest.raises(ModelError, match="kernels of 2 events; there must be 3"):
        sum_kernels(events, tmp_path / "sum.h5", expected=3)
    other = Layout(GRID[:1], LAYOUT.fields)
    events["c"] = ones(tmp_path / "c.h5", other)
    with pytest.raises(ModelError, match=r"c.h5: kernel of c is not on the grid of a"):
        sum_kernels(events, tmp_path / "sum.h5")
    with pytest.raises(ModelError, match="event d"):
        sum_kernels(events, tmp_path / "sum.h5", weights={"d": 1.0})
    with pytest.raises(ModelError, match="no kernels"):
        sum_kernels({}, tmp_path / "sum.h5")
    assert not (tmp_path / "sum.h5").exists()


def test_tapers_are_zero_within_the_offset_and_one_beyond_the_width(tmp_path: Path) -> None:
    taper = Taper("x", "last", offset=1.0, width=1.0, units="km")
    deep = Taper("z", "first", offset=0.3, width=0.0, units="km")
    apply_masks(ones(tmp_path / "a.h5"), tmp_path / "b.h5", [taper, deep])
    found = read_model(tmp_path / "b.h5").fields["rho"]
    along = found[-1]
    assert np.all(along[31:] == 0.0)
    assert np.all(along[:20] == 1.0)
    assert along[25] == pytest.approx(0.5)
    assert np.all(np.diff(along[20:31]) < 0.0)
    assert np.all(found[:3] == 0.0)
    assert np.all(found[3:, 0] == 1.0)


@pytest.mark.usefixtures("small_slabs")
def test_mutes_are_zero_about_their_points(tmp_path: Path) -> None:
    mute = Mute(("z", "x"), ((1000.0, 2.0), (2500.0, 3.5)), radius=300.0, width=400.0, units="m")
    apply_masks(ones(tmp_path / "a.h5"), tmp_path / "b.h5", [mute])
    found = read_model(tmp_path / "b.h5").fields["vp"]
    z, x = np.meshgrid(GRID[0].values, 1000.0 * np.asarray(GRID[1].values), indexing="ij")
    nearest = np.minimum(np.hypot(z - 1000.0, x - 2000.0), np.hypot(z - 2500.0, x - 3500.0))
    assert np.all(found[nearest < 299.9] == 0.0)
    assert np.all(found[nearest > 700.1] == 1.0)
    between = (nearest > 300.1) & (nearest < 699.9)
    expected = 0.5 - 0.5 * np.cos(np.pi * (nearest[between] - 300.0) / 400.0)
    np.testing.assert_allclose(found[between], expected, atol=1e-9)


def test_scaling_is_linear_between_its_depths(tmp_path: Path) -> None:
    scaling = Scaling("z", (0.0, 1000.0), (0.0, 2.0))
    apply_masks(ones(tmp_path / "a.h5"), tmp_path / "b.h5", [scaling])
    found = read_model(tmp_path / "b.h5").fields["vp"][:, 7]
    np.testing.assert_allclose(found, np.minimum(np.asarray(GRID[0].values) / 500.0, 2.0))


def test_masks_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = ones(tmp_path / "a.h5")
    with pytest.raises(ModelError, match="no axis y"):
        apply_masks(path, tmp_path / "b.h5", [Taper("y", "first", 1.0, 1.0, "m")])
    with pytest.raises(ModelError, match="radian cannot be used"):
        apply_masks(path, tmp_path / "b.h5", [Taper("x", "first", 1.0, 1.0, "radian")])
    with pytest.raises(ModelError, match="2 coordinates"):
        Mute(("z", "x"), ((1.0,),), 1.0, 1.0, "m")


def test_smoothing_is_a_gaussian_filter(tmp_path: Path) -> None:
    fields = some()
    smooth(
        write(tmp_path / "a.h5", fields),
        tmp_path / "b.h5",
        [Smoothing("z", "m", sigma=250.0), Smoothing("x", "m", sigma=150.0)],
    )
    found = read_model(tmp_path / "b.h5").fields
    for name, values in fields.items():
        expected = gaussian_filter1d(values, 2.5, axis=0, mode="constant", truncate=4.0)
        expected /= gaussian_filter1d(np.ones(31), 2.5, mode="constant", truncate=4.0)[:, None]
        expected = gaussian_filter1d(expected, 1.5, axis=1, mode="constant", truncate=4.0)
        expected /= gaussian_filter1d(np.ones(41), 1.5, mode="constant", truncate=4.0)
        np.testing.assert_allclose(found[name], expected, atol=1e-12)


@examples(40)
@given(
    steps=st.lists(st.floats(0.1, 3.0), min_size=1, max_size=20),
    sigma=st.floats(0.0, 5.0),
    constant=st.floats(-1e3, 1e3),
)
def test_a_constant_stays_what_it_is_on_any_axis(steps, sigma, constant) -> None:
    at = np.cumsum(steps)
    values = np.full((len(at), 3), constant)
    smoothed = _gaussian(values, at, np.full((1, 1), sigma), slice(None), len(at) - 1)
    np.testing.assert_allclose(smoothed, constant, rtol=1e-12)


WIDTHS = [
    Smoothing("z", "km", sigma=0.25),
    Smoothing("z", "m", table=("z", (0.0, 3000.0), (0.0, 400.0))),
    Smoothing("z", "m", table=("x", (0.0, 4.0), (100.0, 500.0))),
    Smoothing("x", "m", table=("z", (0.0, 3000.0), (100.0, 500.0))),
]


@pytest.mark.parametrize("smoothing", WIDTHS)
def test_slabs_do_not_show_in_what_is_smoothed(tmp_path, monkeypatch, smoothing) -> None:
    path = write(tmp_path / "a.h5", some())
    smooth(path, tmp_path / "whole.h5", [smoothing])
    monkeypatch.setattr(layouts, "SLAB_SIZE", 100)
    smooth(path, tmp_path / "slabs.h5", [smoothing])
    with FieldReader(tmp_path / "whole.h5") as whole, FieldReader(tmp_path / "slabs.h5") as slabs:
        for name in LAYOUT.names:
            np.testing.assert_allclose(slabs.read_field(name), whole.read_field(name), atol=1e-14)


def test_a_width_may_be_given_for_every_point(tmp_path: Path) -> None:
    widths = np.where(np.arange(41) < 20, 0.0, 300.0) * np.ones(LAYOUT.shape)
    layout = LAYOUT.with_fields([FieldSpec("sigma", "m")])
    path = write(tmp_path / "sigma.h5", {"sigma": widths}, layout)
    fields = some()
    smooth(
        write(tmp_path / "a.h5", fields),
        tmp_path / "b.h5",
        [Smoothing("x", "m", field=(path, "sigma"))],
    )
    smooth(tmp_path / "a.h5", tmp_path / "c.h5", [Smoothing("x", "m", sigma=300.0)])
    found, everywhere = (read_model(tmp_path / name).fields["vp"] for name in ("b.h5", "c.h5"))
    np.testing.assert_allclose(found[:, :20], fields["vp"][:, :20], atol=1e-12)
    np.testing.assert_allclose(found[:, 20:], everywhere[:, 20:], atol=1e-12)
    with pytest.raises(ModelError, match="no such field"):
        smooth(tmp_path / "a.h5", tmp_path / "d.h5", [Smoothing("x", "m", field=(path, "s"))])


def test_preconditioning_evens_out_what_the_pseudo_hessian_shows(tmp_path: Path) -> None:
    illumination = np.linspace(5.0, 50.0, 31)[:, None] * np.ones(LAYOUT.shape)
    hessian = write(tmp_path / "h.h5", dict.fromkeys(LAYOUT.names, illumination))
    path = write(tmp_path / "a.h5", dict.fromkeys(LAYOUT.names, 3.0 * illumination))
    precondition(path, hessian, tmp_path / "b.h5", water_level=1e-6)
    found = read_model(tmp_path / "b.h5").fields["vp"]
    np.testing.assert_allclose(found, 150.0, rtol=1e-4)
    zero = write(tmp_path / "z.h5", {name: np.zeros(LAYOUT.shape) for name in LAYOUT.names})
    with pytest.raises(ModelError, match="must be above 0"):
        precondition(path, zero, tmp_path / "c.h5")
    with pytest.raises(ModelError, match="water level"):
        precondition(path, hessian, tmp_path / "c.h5", water_level=0.0)


@pytest.mark.usefixtures("small_slabs")
def test_clipping_leaves_the_share_asked_for(tmp_path: Path) -> None:
    fields = some()
    limits = clip(write(tmp_path / "a.h5", fields), tmp_path / "b.h5", quantile=0.9)
    found = read_model(tmp_path / "b.h5").fields
    for name, values in fields.items():
        same = found[name] == values
        assert 0.9 <= same.mean() <= 0.9 + 3 / values.size
        np.testing.assert_allclose(np.abs(found[name][~same]), limits[name])
        exact = np.quantile(np.abs(values), 0.9)
        assert limits[name] == pytest.approx(exact, rel=0.02)


def test_gradients_of_both_parametrisations_predict_the_same_change(tmp_path: Path) -> None:
    kernel = write(tmp_path / "k.h5", some())
    values = {name: 3000.0 + 100.0 * part for name, part in some(1).items()}
    model = write(tmp_path / "m.h5", values)
    gradient_of(kernel, tmp_path / "log.h5")
    gradient_of(kernel, tmp_path / "linear.h5", parametrisation="linear", model=model)
    log, linear = (read_model(tmp_path / f"{n}.h5").fields["vp"] for n in ("log", "linear"))
    np.testing.assert_allclose(log, some()["vp"] * 100.0 * 100.0)
    np.testing.assert_allclose(linear * values["vp"], log)
    with pytest.raises(ModelError, match="needs the model"):
        gradient_of(kernel, tmp_path / "linear.h5", parametrisation="linear")


@pytest.mark.usefixtures("small_slabs")
def test_all_steps_in_one_call(tmp_path: Path) -> None:
    source = write(tmp_path / "a.h5", some())
    hessian = write(tmp_path / "h.h5", {n: 1.0 + np.abs(v) for n, v in some(1).items()})
    side = Taper("z", "last", 500.0, 500.0, "m")
    processing = KernelProcessing(
        masks=(Mute(("z", "x"), ((0.0, 2.0),), 200.0, 200.0, "m"), side),
        water_level=0.1,
        smoothing=(Smoothing("x", "km", sigma=0.2), Smoothing("z", "km", sigma=0.2)),
        clip_quantile=0.99,
    )
    process_kernel(source, tmp_path / "out" / "b.h5", processing, hessian=hessian)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.h5"]
    found = read_model(tmp_path / "out" / "b.h5").fields["vp"]
    assert np.all(found[26:] == 0.0)
    assert np.abs(found).max() < np.abs(some()["vp"]).max()
    first = (tmp_path / "out" / "b.h5").read_bytes()
    process_kernel(source, tmp_path / "out" / "b.h5", processing, hessian=hessian)
    assert (tmp_path / "out" / "b.h5").read_bytes() == first
    with pytest.raises(ModelError, match="needs a pseudo-Hessian"):
        process_kernel(source, tmp_path / "c.h5", processing)


MASKS = (
    Mute(("z", "x"), ((1500.0, 2.0), (800.0, 3.1)), 250.0, 300.0, "m"),
    Taper("z", "first", 200.0, 400.0, "m"),
    Taper("x", "last", 0.3, 0.5, "km"),
)
SMOOTHINGS = (Smoothing("z", "m", sigma=300.0), Smoothing("x", "km", sigma=0.4))


def factor_of(masks: tuple[Mask, ...]) -> Values:
    """The product of masks on the whole grid."""
    found = np.ones(LAYOUT.shape)
    for mask in masks:
        found = found * mask.factor(LAYOUT, Slab(0, LAYOUT.shape[0]))
    return found


def processed(tmp_path: Path, fields: dict[str, Values], processing: KernelProcessing) -> Values:
    hessian = write(tmp_path / "h.h5", {n: 1.0 + np.abs(v) for n, v in some(1).items()})
    process_kernel(write(tmp_path / "a.h5", fields), tmp_path / "b.h5", processing, hessian=hessian)
    return read_model(tmp_path / "b.h5").fields["vp"]


def test_a_mask_counts_once_where_nothing_is_smoothed(tmp_path: Path) -> None:
    found = processed(tmp_path, some(), KernelProcessing(masks=MASKS))
    np.testing.assert_allclose(found, factor_of(MASKS) * some()["vp"], rtol=1e-14, atol=0.0)
    # Nor does it where the smoothing is too narrow to change anything.
    narrow = tuple(Smoothing(axis, "m", sigma=1.0) for axis in "zx")
    found = processed(tmp_path, some(), KernelProcessing(masks=MASKS, smoothing=narrow))
    np.testing.assert_allclose(found, factor_of(MASKS) * some()["vp"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("water_level", [None, 0.1])
@pytest.mark.parametrize("clip_quantile", [None, 0.9])
def test_a_smoothed_kernel_is_zero_where_its_masks_are(
    water_level: float | None, clip_quantile: float | None, tmp_path: Path
) -> None:
    processing = KernelProcessing(MASKS, water_level, SMOOTHINGS, clip_quantile)
    masked = factor_of(MASKS) == 0.0
    # The source and the station themselves are at points of the grid: row 15 and 8.
    assert masked[15, 20]
    assert masked[8, 31]
    assert masked[:3].all()
    assert masked[:, -3:].all()
    found = processed(tmp_path, some(), processing)
    assert np.all(found[masked] == 0.0)
    assert np.all(found[~masked] != 0.0)
    # What is there does not reach the rest, however large it is.
    spoilt = {name: np.where(masked, 1e9, values) for name, values in some().items()}
    np.testing.assert_array_equal(processed(tmp_path, spoilt, processing), found)


def test_masks_leave_the_smoothing_as_symmetric_as_it_was(tmp_path: Path) -> None:
    processing = KernelProcessing(masks=MASKS, smoothing=SMOOTHINGS)
    # Far from the sides of the grid, where means are of fewer neighbours.
    inside = np.zeros(LAYOUT.shape)
    inside[13:18, 16:25] = 1.0
    one, other = ({n: inside * v for n, v in some(seed).items()} for seed in (3, 4))
    forth = float(np.sum(one["vp"] * processed(tmp_path, other, processing)))
    back = float(np.sum(other["vp"] * processed(tmp_path, one, processing)))
    assert forth == pytest.approx(back, rel=1e-12)


def test_a_scaling_below_zero_is_refused() -> None:
    with pytest.raises(ModelError, match="factors cannot be below 0"):
        Scaling("z", (0.0, 1000.0), (1.0, -1.0))
