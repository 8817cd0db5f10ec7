"""Traces of known pulses, and SciPy's fits of them, for the tests of the fits."""

from __future__ import annotations

import numpy as np

from headrace.datarun.synthetic import SyntheticRun, synthetic_events

SAMPLES = 250


def pulse(
    x: np.ndarray, amplitude: float, position: float, rise: float, decay: float
) -> np.ndarray:
    """The model's pulse, written out."""
    after = x - position
    # A / (1 + e^(-rise x)) e^(-decay x), with one exponential so that nothing is infinite.
    return amplitude * np.exp(-np.logaddexp(0, -rise * after) - decay * after)


def synthetic(count: int, double: bool, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Traces of one pulse or two, 14 bit, noise 5, as rows; and what they were made of."""
    run = SyntheticRun(hits=1.0, samples=SAMPLES, noise=5.0, pile_up=float(double), seed=seed)
    made = synthetic_events(run, count, np.random.default_rng(seed))
    return made.traces.reshape(count, SAMPLES), made.truth


def model(x: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Pulses of (position, amplitude, steepness, decay) each, then the offset."""
    total = np.full(len(x), parameters[-1])
    for at in range(0, len(parameters) - 1, 4):
        position, amplitude, rise, decay = parameters[at : at + 4]
        total += pulse(x, amplitude, position, rise, decay)
    return total


def jacobian(x: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """The model's derivatives by its parameters, shape (samples, parameters)."""
    columns = []
    for at in range(0, len(parameters) - 1, 4):
        position, amplitude, rise, decay = parameters[at : at + 4]
        after = x - position
        shape = pulse(x, 1.0, position, rise, decay)
        left = np.exp(-np.logaddexp(0, rise * after))
        value = amplitude * shape
        columns += [value * (decay - rise * left), shape, value * after * left, -value * after]
    return np.stack([*columns, np.ones(len(x))], axis=1)


def by_scipy(trace: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, float]:
    """SciPy's best parameters from a start, and their sum of squared residuals."""
    from scipy.optimize import least_squares

    x = np.arange(len(trace), dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        found = least_squares(
            lambda p: np.nan_to_num(model(x, p) - trace, nan=1e9, posinf=1e9, neginf=-1e9),
            start,
            jac=lambda p: np.nan_to_num(jacobian(x, p)),
            method="lm",
            x_scale="jac",
            xtol=1e-12,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=400,
        )
    return found.x, 2 * found.cost


def truth_parameters(truth: np.ndarray, pulses: int) -> np.ndarray:
    """What traces were made of in the order of `model`, shape (traces, 4 * pulses + 1)."""
    flat = truth["pulses"].view("<f8").reshape(len(truth), 8)[:, : 4 * pulses]
    return np.column_stack([flat, truth["offset"]])


def single_parameters(records: np.ndarray) -> np.ndarray:
    """The single fits of extensions in the order of `model`, shape (traces, 5)."""
    names = ("position", "amplitude", "steepness", "decay", "offset")
    return np.stack([records["single"][name] for name in names], axis=1)


def double_parameters(records: np.ndarray) -> np.ndarray:
    """The double fits of extensions in the order of `model`, shape (traces, 9)."""
    pulses = np.ascontiguousarray(records["double"]["pulses"]).view("<f8").reshape(-1, 8)
    return np.column_stack([pulses, records["double"]["offset"]])


def squares(traces: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Sums of squared residuals, one a trace."""
    x = np.arange(traces.shape[1], dtype=float)
    return np.array(
        [np.sum((t - model(x, p)) ** 2) for t, p in zip(traces, parameters, strict=True)]
    )
