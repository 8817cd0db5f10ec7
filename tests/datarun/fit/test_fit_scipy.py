"""The fits beside SciPy's least squares on the same model and the same synthetic traces."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.datarun.fit import CONVERGED, fit_traces
from tests.support.datarun.pulses import (
    by_scipy,
    double_parameters,
    jacobian,
    model,
    single_parameters,
    squares,
    synthetic,
    truth_parameters,
)

pytest.importorskip("scipy", reason="no SciPy; pip install scipy")

COUNT = 2000


def test_single_fits_of_single_pulses_are_those_of_scipy() -> None:
    traces, truth = synthetic(COUNT, double=False)
    fits = fit_traces(traces, double="never", covariance=True)
    ours = single_parameters(fits.records)
    starts = truth_parameters(truth, 1)
    theirs = np.array([by_scipy(t, s)[0] for t, s in zip(traces, starts, strict=True)])
    apart = np.abs(ours - theirs) / fits.single_errors
    assert np.mean((apart < 1e-3).all(axis=1)) >= 0.995
    assert np.mean(fits.records["single"]["status"] == CONVERGED) >= 0.995


def test_double_fits_of_double_pulses_are_the_best_of_scipy() -> None:
    traces, truth = synthetic(COUNT, double=True)
    records = fit_traces(traces).records
    ours = double_parameters(records)
    known = truth_parameters(truth, 2)
    guess = known.copy()  # from the single fit twice, the second time at the largest residual
    single = single_parameters(records)
    x = np.arange(traces.shape[1], dtype=float)
    for k, (trace, p) in enumerate(zip(traces, single, strict=True)):
        residual = trace - model(x, p)
        guess[k] = [*p[:4], residual.argmax(), *p[1:]]
    best = np.array(
        [
            min(by_scipy(t, a)[1], by_scipy(t, b)[1])
            for t, a, b in zip(traces, known, guess, strict=True)
        ]
    )
    assert np.mean(squares(traces, ours) <= best * (1 + 1e-6)) >= 0.97
    off = np.abs(records["double"]["pulses"]["position"] - truth["pulses"]["position"])
    assert np.mean((off < 1).all(axis=1)) >= 0.95


def test_two_pulses_fitted_to_one_are_no_worse_than_one() -> None:
    # The double model is degenerate there: only its sum of squares means anything.
    traces, _ = synthetic(150, double=False, seed=2)
    records = fit_traces(traces).records
    one = squares(traces, single_parameters(records))
    two = squares(traces, double_parameters(records))
    assert np.all(two <= one * (1 + 1e-6))
    assert np.mean(records["p_double"] < 0.5) > 0.98


def test_two_pulses_fitted_to_one_are_no_worse_than_scipys_from_the_single_fit() -> None:
    traces, _ = synthetic(120, double=False, seed=3)
    records = fit_traces(traces).records
    ones = single_parameters(records)
    x = np.arange(traces.shape[1], dtype=float)
    theirs = np.empty((len(traces), 2))
    for k, (trace, p) in enumerate(zip(traces, ones, strict=True)):
        rest = trace - model(x, p)
        where = [*p[:4], rest.argmax(), rest.max()]
        like = [*where, *p[2:]]  # as DDASToys starts
        fast = [*where, 1.0, 0.3, p[4]]
        theirs[k] = [by_scipy(trace, np.array(start))[1] for start in (like, fast)]
    found = squares(traces, double_parameters(records))
    assert np.mean(found <= theirs[:, 0] * 1.001) >= 0.95
    assert np.mean(found <= theirs.min(axis=1) * 1.001) >= 0.8
    assert found.mean() < theirs.min(axis=1).mean()


def test_errors_are_those_of_scipys_jacobian_and_of_the_scatter() -> None:
    traces, truth = synthetic(400, double=True, seed=4)
    fits = fit_traces(traces, covariance=True)
    ours = double_parameters(fits.records)
    x = np.arange(traces.shape[1], dtype=float)
    for k in range(20):
        j = jacobian(x, ours[k])
        variance = squares(traces[k : k + 1], ours[k : k + 1])[0] / (len(x) - 9)
        expected = variance * np.linalg.inv(j.T @ j)
        found = fits.double_covariance[k]
        errors = np.sqrt(np.diag(expected))
        np.testing.assert_allclose(
            found / np.outer(errors, errors), expected / np.outer(errors, errors), atol=1e-3
        )
    pulls = (ours - truth_parameters(truth, 2)) / fits.double_errors
    inside = np.mean(np.abs(pulls) < 1, axis=0)
    assert np.all((inside > 0.60) & (inside < 0.76))  # 0.683 for Gaussian noise
