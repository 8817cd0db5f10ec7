"""Cross-correlations: the lag and the value of numpy.correlate, without all its sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.seismic.waveforms import correlation
from headrace.seismic.waveforms.correlation import best_lag, correlation_at, full_correlation

KINDS = (
    "smooth",
    "noise",
    "signs",
    "sine",
    "constant",
    "spike",
    "zero",
    "tiny",
    "huge",
    "integers",
)


def trace(kind: str, rng: np.random.Generator, npts: int) -> np.ndarray:
    noise = rng.normal(size=npts)
    return {
        "smooth": np.convolve(rng.normal(size=npts + 60), np.hanning(61), "valid")[:npts],
        "noise": noise,
        "signs": np.sign(noise),
        "sine": np.sin(0.05 * np.arange(npts)),
        "constant": np.ones(npts),
        "spike": np.where(np.arange(npts) == npts // 3, 1.0, 0.0),
        "zero": np.zeros(npts),
        "tiny": noise * 1e-160,
        "huge": noise * 1e160,
        "integers": np.round(3 * noise),
    }[kind].copy()


@settings(max_examples=80, deadline=None)
@given(
    kinds=st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)),
    npts=st.one_of(st.integers(1, 30), st.integers(500, 2500)),
    seed=st.integers(0, 1000),
    same=st.booleans(),
)
def test_lag_and_value_are_those_of_numpy(
    kinds: tuple[str, str], npts: int, seed: int, same: bool
) -> None:
    rng = np.random.default_rng(seed)
    data = trace(kinds[0], rng, npts)
    model = np.roll(data, seed % 50) if same else trace(kinds[1], rng, npts)
    with np.errstate(all="ignore"):
        expected = np.correlate(data, model, mode="full")
        lag = best_lag(data, model)
    assert lag == int(expected.argmax()) - npts + 1
    if not np.isfinite(expected).all():
        return
    for one in {lag, max(lag - 1, 1 - npts), min(lag + 1, npts - 1), 1 - npts, npts - 1}:
        if npts > 11 or one:  # of the shortest traces numpy adds the middle in another order
            assert correlation_at(data, model, one) == expected[one + npts - 1]


@pytest.mark.parametrize("npts", [1, 2, 7, 600, 1999])
def test_the_whole_correlation_is_that_of_numpy_but_for_rounding(npts: int) -> None:
    rng = np.random.default_rng(npts)
    data, model = rng.normal(size=(2, npts))
    found = full_correlation(data, model)
    assert found.shape == (2 * npts - 1,)
    np.testing.assert_allclose(found, np.correlate(data, model, "full"), rtol=0, atol=1e-11)


def test_long_traces_are_not_correlated_at_every_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> np.ndarray:
        raise AssertionError("correlated at every lag")

    rng = np.random.default_rng(1)
    data = trace("smooth", rng, 1500)
    model = np.roll(data, -40)
    monkeypatch.setattr(correlation.np, "correlate", refuse)
    assert best_lag(data, model) == 40
