"""Fits of traces: known answers, ranges, saturation, degenerate input, the same bytes always."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.datarun.extension import COMPLETE
from headrace.datarun.fit import CONVERGED, FAILED, NOT_ATTEMPTED, fit_traces, fitted_model
from tests.support.datarun.pulses import (
    SAMPLES,
    double_parameters,
    model,
    pulse,
    single_parameters,
    synthetic,
)
from tests.support.examples import examples

X = np.arange(SAMPLES, dtype=float)


def rounded(parameters: list[float], noise: float, seed: int = 1) -> np.ndarray:
    """A trace as a digitiser gives it, shape (1, samples)."""
    values = model(X, np.array(parameters))
    values += np.random.default_rng(seed).normal(0, noise, len(X))
    return np.clip(np.rint(values), 0, 16383).astype(np.uint16)[None]


@examples(60)
@given(
    position=st.floats(40, 160),
    amplitude=st.floats(500, 8000),
    steepness=st.floats(0.1, 1.0),
    decay=st.floats(0.005, 0.05),
    offset=st.floats(50, 1000),
)
def test_a_pulse_is_found_within_its_errors(
    position: float, amplitude: float, steepness: float, decay: float, offset: float
) -> None:
    truth = np.array([position, amplitude, steepness, decay, offset])
    fits = fit_traces(rounded(truth.tolist(), noise=2), covariance=True)
    assert fits.records["single"]["status"] == CONVERGED
    found = single_parameters(fits.records)[0]
    assert np.all(np.abs(found - truth) < 6 * fits.single_errors[0])
    assert np.all(fits.single_errors[0] < [1, 100, 0.3, 0.01, 30])


def test_two_pulses_thirty_samples_apart_are_found_in_order_of_position() -> None:
    # The later one is the larger.
    truth = [80.0, 1000.0, 0.3, 0.02, 110.0, 2500.0, 0.4, 0.025, 200.0]
    record = fit_traces(rounded(truth, noise=5)).records[0]
    found = double_parameters(np.array([record]))[0]
    np.testing.assert_allclose(found, truth, rtol=0.05, atol=0.5)
    assert record["p_double"] > 0.999
    assert record["p_single"] + record["p_double"] == 1


def test_chi_square_is_neymans_over_the_samples_that_are_not_zero() -> None:
    traces = rounded([100.0, 900.0, 0.4, 0.03, 3.0], noise=4)
    assert (traces == 0).any()
    for fit in ("single", "double"):
        record = fit_traces(traces).records[0][fit]
        rest = traces[0] - fitted_model(X, record)
        used = traces[0] > 0
        expected = np.sum(rest[used] ** 2 / traces[0][used])
        assert record["chi_square"] == pytest.approx(expected, rel=1e-9)


def test_saturated_samples_are_left_out() -> None:
    truth = [90.3, 3000.0, 0.35, 0.015, 400.0]
    cut = np.minimum(rounded(truth, noise=3), 1800).astype(np.uint16)
    fits = fit_traces(cut, saturation=1800, double="never", covariance=True)
    found = single_parameters(fits.records)[0]
    assert np.all(np.abs(found - truth) < 5 * fits.single_errors[0])
    blind = single_parameters(fit_traces(cut, double="never").records)[0]
    assert abs(blind[1] - truth[1]) > 500
    used = cut[0] < 1800
    rest = (cut[0] - model(X, found))[used]
    expected = np.sum(rest**2 / cut[0][used])
    assert fits.records["single"]["chi_square"][0] == pytest.approx(expected, rel=1e-9)


def test_only_the_range_counts_and_both_its_ends_belong_to_it() -> None:
    traces, _ = synthetic(20, double=True)
    spoilt = traces.copy()
    spoilt[:, :30] = 9999
    spoilt[:, 231:] = 0
    range_ = {"low": 30, "high": 230}
    same = fit_traces(traces, **range_).records  # type: ignore[arg-type]
    assert fit_traces(spoilt, **range_).records.tobytes() == same.tobytes()  # type: ignore[arg-type]
    cut = fit_traces(np.ascontiguousarray(traces[:, 30:231])).records
    np.testing.assert_allclose(cut["single"]["position"] + 30, same["single"]["position"])
    for end in (30, 230):
        spoilt = traces.copy()
        spoilt[:, end] = 9999
        assert fit_traces(spoilt, **range_).records.tobytes() != same.tobytes()  # type: ignore[arg-type]


def test_a_trace_has_the_same_fit_in_any_company() -> None:
    traces = np.concatenate([synthetic(30, double=True)[0], synthetic(30, double=False)[0]])
    whole = fit_traces(traces).records
    for part in (slice(0, 7), slice(7, 31), slice(31, 60)):
        assert fit_traces(traces[part]).records.tobytes() == whole[part].tobytes()
    start = np.cumsum([0, 0, 4, *[SAMPLES] * 60])
    flat = np.concatenate([np.zeros(4, np.uint16), traces.reshape(-1)])
    assert fit_traces(flat, start).records[2:].tobytes() == whole.tobytes()
    backwards = fit_traces(traces[::-1]).records
    assert backwards[::-1].tobytes() == whole.tobytes()
    # Beside shorter traces, cut off and not, and those that no pulse fits.
    rng = np.random.default_rng(3)
    strange = rng.integers(0, 60000, (60, 90), np.uint16)
    mixed = [row for pair in zip(traces, strange, strict=True) for row in pair]
    ends = np.cumsum([0, *[len(row) for row in mixed]])
    found = fit_traces(np.concatenate(mixed), ends, saturation=50000).records
    assert found[::2].tobytes() == whole.tobytes()


def test_what_cannot_be_fitted_gives_zeros_and_says_so() -> None:
    flat = np.zeros(300, np.uint16)
    start = np.array([0, 0, 5, 50])
    records = fit_traces(flat, start, low=2, high=40).records
    assert records["size"].tolist() == [COMPLETE] * 3
    assert records["single"]["status"].tolist()[:2] == [CONVERGED, FAILED]
    for k in (0, 1):
        blank = records[k : k + 1].copy()
        blank["size"], blank["single"]["status"], blank["double"]["status"] = 0, 0, 0
        assert not blank.view(np.uint8).any()
    saturated = fit_traces(np.full((1, 80), 500, np.uint16), saturation=500).records
    assert saturated["single"]["status"] == FAILED
    # A flat line has no pulse, and nothing is infinite or not a number.
    line = fit_traces(np.full((1, 80), 500, np.uint16)).records
    assert fitted_model(np.arange(80), line["single"][0]) == pytest.approx(500)


@examples(80)
@given(st.integers(0, 2**32 - 1), st.integers(1, 120), st.sampled_from([1, 30, 16383, 65535]))
def test_no_trace_is_too_strange(seed: int, samples: int, highest: int) -> None:
    rng = np.random.default_rng(seed)
    traces = rng.integers(0, highest, (3, samples), np.uint16, endpoint=True)
    traces[1] = np.sort(traces[1])
    traces[2, samples // 2 :] = highest
    records = fit_traces(traces).records
    values = records.view(np.float64).reshape(3, 21)
    words = records.view(np.uint32).reshape(3, 42)
    values[:, [6, 17, 20]] = 0.0  # counts, not floats
    assert np.all(np.isfinite(values))
    assert set(words[:, [13, 35]].ravel().tolist()) <= {0, 5, 11, 27}
    assert np.all(records["double"]["pulses"]["position"][:, 0] <= values[:, 11])


def test_the_double_fit_can_be_left_out() -> None:
    one, _ = synthetic(200, double=False)
    two, _ = synthetic(200, double=True)
    records = fit_traces(one, double="if-needed").records
    out = records["double"]["status"] == NOT_ATTEMPTED
    assert out.mean() > 0.9
    assert np.all(records["p_single"][out] == 1)
    always = fit_traces(one).records
    assert records["single"].tobytes() == always["single"].tobytes()
    assert records[~out].tobytes() == always[~out].tobytes()
    assert (
        fit_traces(two, double="if-needed").records.tobytes() == fit_traces(two).records.tobytes()
    )
    assert np.all(fit_traces(two, double="never").records["double"]["status"] == NOT_ATTEMPTED)


def test_covariances_come_when_they_are_asked_for() -> None:
    traces, _ = synthetic(5, double=True)
    plain = fit_traces(traces)
    assert len(plain.single_covariance) == len(plain.double_covariance) == 0
    fits = fit_traces(traces, covariance=True)
    assert fits.records.tobytes() == plain.records.tobytes()
    assert fits.single_errors.shape == (5, 5)
    assert fits.double_errors.shape == (5, 9)
    symmetric = np.swapaxes(fits.double_covariance, 1, 2)
    np.testing.assert_allclose(fits.double_covariance, symmetric, rtol=1e-6)


def test_wrong_input_is_refused() -> None:
    flat = np.zeros(10, np.uint16)
    with pytest.raises(ValueError, match="must be a matrix"):
        fit_traces(flat)
    with pytest.raises(ValueError, match="the 10 samples"):
        fit_traces(flat, np.array([0, 11]))
    with pytest.raises(ValueError, match="low <= high"):
        fit_traces(flat, np.array([0, 10]), low=5, high=4)


def test_the_pulse_is_the_references() -> None:
    # A = 1000, k1 = 0.5, k2 = 0.02, x1 = 50, C = 100
    values = 100 + pulse(np.array([40.0, 50, 60, 100]), 1000, 50, 0.5, 0.02)
    np.testing.assert_allclose(values, [108.174667, 600, 913.25111, 467.879441], rtol=1e-8)
