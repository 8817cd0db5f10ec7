"""How fast traces are fitted on one core, beside SciPy, and how two ranks do beside one.

Synthetic traces of 250 samples, 14 bit, noise 5: single pulses, and double pulses. Every figure
is the best of the repetitions, by wall clock and, as ``..._by_cpu``, by processor time, which
other work on the machine does not touch as much. ``agreement`` says how the results compare with
SciPy's on the first traces: the share of single fits within 1e-3 of the parameter errors, and of
double fits whose sum of squares is no worse (1e-6) than that of SciPy started at the truth.

SciPy is ``least_squares`` with ``method="lm"`` and the model's derivatives, started where our
single fit starts to look for a pulse; for two pulses, at the truth, which is generous.

If the environment's ``DDASTOYS_BENCH`` names a program, it is run in turn with ours as ``PROGRAM
SINGLES DOUBLES SAMPLES``: two files of 16-bit traces without a header, and the length of a trace.
The last line that it prints must be a JSON object with the same three figures.
``benchmarks/fit_peers/ddastoys_main.cpp`` is such a program of DDASToys' fitter, and says how it
is built. Given a fourth word, it writes its fits there, and ``double_no_worse_than_ddastoys`` is
the share of double fits of single pulses whose sum of squares is no more than 0.1 % above its.

``ranks``: the program ``data_run_fit_traces.py`` on a segment under mpiexec with one rank and two,
and ``benchmarks/fit_peers/reader_writer.py``, where one rank reads and writes and the other fits.

With ``--classification`` nothing is timed: it prints the share of traces that are taken for two
pulses, at thresholds of P(double). DDASToys' fits by formula give no probability: its sums of
squares are put into our criterion.

The last line is a JSON object.

    python benchmarks/fit.py [--traces 4000] [--events 100000] [--repeat 5] [--classification]
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from headrace.datarun.fit import Fits, fit_traces
from headrace.datarun.synthetic import SyntheticRun, synthetic_events, write_segment

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAM = REPOSITORY / "job_scripts" / "data_run_fit_traces.py"
PEER = REPOSITORY / "benchmarks" / "fit_peers" / "reader_writer.py"
SAMPLES = 250
X = np.arange(SAMPLES, dtype=float)


def make_traces(count: int, double: bool) -> tuple[np.ndarray, np.ndarray]:
    """Traces as rows, and position, amplitude, steepness, decay of their pulses, then offset."""
    run = SyntheticRun(hits=1.0, samples=SAMPLES, noise=5.0, pile_up=float(double), seed=1)
    made = synthetic_events(run, count, np.random.default_rng(1))
    pulses = made.truth["pulses"].view("<f8").reshape(count, 8)[:, : 8 if double else 4]
    return made.traces.reshape(count, SAMPLES), np.column_stack([pulses, made.truth["offset"]])


def clock(repeat: int, count: int, work: Callable[[], Any]) -> tuple[int, int]:
    """Return how many traces a second, by wall clock and by processor time."""
    wall, cpu = [], []
    for _ in range(repeat):
        before = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - before[0])
        cpu.append(time.process_time() - before[1])
    return round(count / min(wall)), round(count / min(cpu))


def evaluate(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the model and its derivatives, shapes (samples,) and (samples, parameters)."""
    total, columns = np.full(SAMPLES, p[-1]), []
    for at in range(0, len(p) - 1, 4):
        position, amplitude, rise, decay = p[at : at + 4]
        after = X - position
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            shape = np.exp(-np.logaddexp(0, -rise * after) - decay * after)
            left = np.exp(-np.logaddexp(0, rise * after))
            value = amplitude * shape
            columns += [value * (decay - rise * left), shape, value * after * left, -value * after]
        total = total + value
    return total, np.nan_to_num(np.stack([*columns, np.ones(SAMPLES)], axis=1))


def by_scipy(trace: np.ndarray, start: np.ndarray, tolerance: float = 1e-8) -> Any:
    """SciPy's fit of one trace."""
    return least_squares(
        lambda p: np.nan_to_num(evaluate(p)[0] - trace, nan=1e9),
        start,
        jac=lambda p: evaluate(p)[1],
        method="lm",
        x_scale="jac",
        ftol=tolerance,
        xtol=tolerance,
        max_nfev=250,
    )


def plain_guess(trace: np.ndarray) -> np.ndarray:
    """Return a first guess by the maximum of a trace."""
    offset = float(min(trace[0], trace[-1]))
    return np.array([trace.argmax() - 3.0, 1.2 * (trace.max() - offset), 0.3, 0.03, offset])


def both_by_scipy(traces: np.ndarray, starts: np.ndarray) -> None:
    """Both fits of traces."""
    for trace, start in zip(traces, starts, strict=True):
        by_scipy(trace, plain_guess(trace))
        by_scipy(trace, start)


def parameters(fits: Fits, double: bool) -> np.ndarray:
    """Our results in the order of `evaluate`."""
    if double:
        pulses = np.ascontiguousarray(fits.records["double"]["pulses"]).view("<f8").reshape(-1, 8)
        return np.column_stack([pulses, fits.records["double"]["offset"]])
    names = ("position", "amplitude", "steepness", "decay", "offset")
    return np.stack([fits.records["single"][name] for name in names], axis=1)


def agreement(
    ones: np.ndarray, one_truth: np.ndarray, twos: np.ndarray, two_truth: np.ndarray
) -> dict[str, float]:
    """Return how our results compare with SciPy's."""
    fits = fit_traces(ones, covariance=True)
    theirs = np.array([by_scipy(t, s, 1e-14).x for t, s in zip(ones, one_truth, strict=True)])
    apart = np.abs(parameters(fits, False) - theirs) / fits.single_errors
    fits = fit_traces(twos)
    ours = np.array(
        [
            np.sum((evaluate(p)[0] - t) ** 2)
            for p, t in zip(parameters(fits, True), twos, strict=True)
        ]
    )
    best = np.array([2 * by_scipy(t, s, 1e-14).cost for t, s in zip(twos, two_truth, strict=True)])
    off = np.abs(fits.records["double"]["pulses"]["position"] - two_truth[:, [0, 4]])
    return {
        "single_within_1e-3_errors": float(np.mean((apart < 1e-3).all(axis=1))),
        "double_no_worse": float(np.mean(ours <= best * (1 + 1e-6))),
        "double_positions_within_1_sample": float(np.mean((off < 1).all(axis=1))),
    }


def on_ranks(place: Path, events: int, repeat: int) -> dict[str, Any]:
    """Hits a second of the program with one rank and two, and of a reader with a worker."""
    mpiexec = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if mpiexec is None:
        return {"left_out": "no mpiexec in PATH"}
    source = write_segment(place, SyntheticRun(segments=1, events=events, pile_up=0.2), 0)
    channels = place / "channels.txt"
    channels.write_text("".join(f"0 2 {c} 250 0 249 16383 none none\n" for c in range(8)))
    target = place / "out.evt"

    def last_line(ranks: int, *words: str | Path) -> dict[str, Any]:
        command = [mpiexec, "-n", str(ranks), sys.executable, *words]
        before = time.perf_counter()
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=True
        )
        whole = time.perf_counter() - before
        fact: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return fact | {"whole": whole}

    found: dict[int, dict[str, Any]] = {}
    bytes_: set[bytes] = set()
    peer = float("inf")
    ratios, peer_ratios = [], []
    for _ in range(repeat):  # in turn, so that other work on the machine meets all of them
        taken = {}
        for ranks in (1, 2):
            fact = last_line(ranks, PROGRAM, source, target, "--channels", channels)
            taken[ranks] = fact["whole"]
            bytes_.add(target.read_bytes())
            if ranks not in found or fact["whole"] < found[ranks]["whole"]:
                found[ranks] = fact
        seconds = last_line(2, PEER, source, target, channels)["whole"]
        peer = min(peer, seconds)
        ratios.append(round(taken[1] / taken[2], 3))
        peer_ratios.append(round(taken[1] / seconds, 3))
        bytes_.add(target.read_bytes())
    hits = found[1]["hits"]
    one, two = (found[ranks]["whole"] for ranks in (1, 2))
    return {
        "hits": hits,
        "ratios": ratios,
        "reader_and_worker_ratios": peer_ratios,
        "same_bytes": len(bytes_) == 1,
        "one_hits_per_s": round(hits / one),
        "two_hits_per_s": round(hits / two),
        "two_over_one": round(one / two, 2),
        # What two ranks that wait for nobody and no core would reach.
        "two_over_one_by_cpu": round(2 * found[1]["fit_seconds"] / found[2]["fit_seconds"], 2),
        "reader_and_worker_hits_per_s": round(hits / peer),
    }


NAMES = (
    ("single_fits_per_s", "single fits of 250 samples, one core"),
    ("both_fits_per_s_single_pulse", "both fits of single pulses"),
    ("both_fits_per_s_double_pulse", "both fits of double pulses"),
)


def sums_of_squares(traces: np.ndarray, fits: np.ndarray) -> np.ndarray:
    """Return sums of squared residuals; infinite where they are no number."""
    with np.errstate(all="ignore"):
        found = [np.sum((evaluate(p)[0] - t) ** 2) for p, t in zip(fits, traces, strict=True)]
    return np.nan_to_num(np.array(found), nan=np.inf)


def beside_peer(
    place: Path, ones: np.ndarray, twos: np.ndarray, rounds: int
) -> tuple[dict[str, list[float]], dict[str, Any] | None]:
    """Return our three figures and those of the program ``DDASTOYS_BENCH`` names, round by round.

    The program's are None without one.
    """
    program = os.environ.get("DDASTOYS_BENCH")
    ours: dict[str, list[float]] = {name: [] for name, _ in NAMES}
    theirs: dict[str, list[float]] = {name: [] for name, _ in NAMES}
    paths = [place / "singles.u16", place / "doubles.u16"]
    for path, traces in zip(paths, (ones, twos), strict=True):
        path.write_bytes(traces.tobytes())
    results = place / "results.f64"
    for _ in range(rounds):
        for (name, _), (traces, when) in zip(
            NAMES, ((ones, "never"), (ones, "always"), (twos, "always")), strict=True
        ):
            work = functools.partial(fit_traces, traces, double=when)
            ours[name].append(clock(1, len(traces), work)[0])
        if program:
            done = subprocess.run(
                [program, *map(str, paths), str(SAMPLES), str(results)],
                capture_output=True,
                text=True,
                check=True,
            )
            figures = json.loads(done.stdout.splitlines()[-1])
            for name, values in theirs.items():
                values.append(figures[name])
    if not program:
        return ours, None
    fact: dict[str, Any] = dict(theirs)
    if results.is_file():
        fits = np.fromfile(results).reshape(-1, 18)[: len(ones), 6:15]
        own = sums_of_squares(ones, parameters(fit_traces(ones), True))
        no_worse = own <= sums_of_squares(ones, fits) * 1.001
        fact["double_no_worse_than_ddastoys"] = float(no_worse.mean())
    return ours, fact


def classification(place: Path, ones: np.ndarray, twos: np.ndarray) -> dict[str, Any]:
    """Return the share of single and of double pulses whose P(double) is above 0.5 and 0.9."""
    found = {"headrace": [fit_traces(traces).records["p_double"] for traces in (ones, twos)]}
    if program := os.environ.get("DDASTOYS_BENCH"):
        paths = [place / "singles.u16", place / "doubles.u16"]
        for path, traces in zip(paths, (ones, twos), strict=True):
            path.write_bytes(traces.tobytes())
        results = place / "results.f64"
        command = [program, *map(str, paths), str(SAMPLES), str(results)]
        subprocess.run(command, capture_output=True, check=True)
        fits = np.split(np.fromfile(results).reshape(-1, 18), [len(ones)])
        found["ddastoys"] = []
        for traces, part in zip((ones, twos), fits, strict=True):
            single, double = (sums_of_squares(traces, part[:, k]) for k in (np.s_[:5], np.s_[6:15]))
            with np.errstate(all="ignore"):
                gain = 0.5 * SAMPLES * np.log(single / double) - 2.0 * np.log(SAMPLES)
                found["ddastoys"].append(np.nan_to_num(1.0 / (1.0 + np.exp(-gain))))
    return {
        f"{name}_{kind}_above_{threshold}": float(np.mean(values > threshold))
        for name, both in found.items()
        for kind, values in zip(("single_pulses", "double_pulses"), both, strict=True)
        for threshold in (0.5, 0.9)
    }


def rows(
    ours: dict[str, list[float]], peer: dict[str, Any] | None, scipy: list[float], traces: int
) -> list[dict[str, Any]]:
    """Return the rows of the README's table."""
    settings = f"{traces} traces of 250 samples, noise 5, all samples below saturation"
    found = []
    for (name, what), value in zip(NAMES, scipy, strict=True):
        peers: list[dict[str, Any]] = [
            {"name": "SciPy least_squares", "values": [value], "settings": "lm, derivatives"}
        ]
        if peer is None:
            peers.append({"name": "DDASToys", "values": [], "settings": "not there"})
        else:
            fitter = "serial GSL fitter, g++ -O2"
            peers.append({"name": "DDASToys", "values": peer[name], "settings": fitter})
        row = {"id": f"fit_{name}", "what": what, "unit": "/s", "ours": ours[name]}
        found.append(row | {"better": "more", "peers": peers, "settings": settings})
    return found


def ranks_row(fact: dict[str, Any]) -> dict[str, Any]:
    """Return the row of two ranks over one."""
    return {
        "id": "fit_two_ranks_over_one",
        "what": "two ranks of data_run_fit_traces.py over one, with start and files",
        "unit": "x",
        "ours": fact["ratios"],
        "better": "more",
        "peers": [
            {
                "name": "a rank that reads and writes, and one that fits",
                "values": fact["reader_and_worker_ratios"],
                "settings": "2000 items a message",
            }
        ],
        "settings": f"{fact['hits']} hits, whole program, mpiexec's start to its end",
    }


def measure(place: Path, traces: int, events: int, repeat: int) -> dict[str, Any]:
    """Return all figures."""
    ones, one_truth = make_traces(traces, double=False)
    twos, two_truth = make_traces(traces, double=True)
    fit_traces(ones[:10])  # compiles
    fit_traces(twos[:10])
    ours, peer = beside_peer(place, ones, twos, repeat)
    single = clock(repeat, traces, lambda: fit_traces(ones, double="never"))
    both_one = clock(repeat, traces, lambda: fit_traces(ones))
    both_two = clock(repeat, traces, lambda: fit_traces(twos))
    needed_one = clock(repeat, traces, lambda: fit_traces(ones, double="if-needed"))
    needed_two = clock(repeat, traces, lambda: fit_traces(twos, double="if-needed"))
    few = min(traces, 200)
    wide = np.column_stack([one_truth[:few, :4], one_truth[:few]])
    wide[:, 4] += 20
    scipy_single = clock(
        min(repeat, 3), few, lambda: [by_scipy(t, plain_guess(t)) for t in ones[:few]]
    )
    scipy_one = clock(1, few, lambda: both_by_scipy(ones[:few], wide))
    scipy_two = clock(1, few, lambda: both_by_scipy(twos[:few], two_truth[:few]))
    ranks = on_ranks(place, events, max(repeat // 2, 1))
    by_scipy_ = [scipy_single[0], scipy_one[0], scipy_two[0]]
    table = rows(ours, peer, by_scipy_, traces)
    if "ratios" in ranks:
        table.append(ranks_row(ranks))
    return {
        "rows": table,
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "scipy": {
            "single_fits_per_s": scipy_single[0],
            "both_fits_per_s_single_pulse": scipy_one[0],
            "both_fits_per_s_double_pulse": scipy_two[0],
            "single_fits_per_s_by_cpu": scipy_single[1],
            "both_fits_per_s_single_pulse_by_cpu": scipy_one[1],
            "both_fits_per_s_double_pulse_by_cpu": scipy_two[1],
        },
        "ddastoys": peer or "not there",
        "agreement": agreement(ones[:1000], one_truth[:1000], twos[:1000], two_truth[:1000]),
        "if_needed": {
            "both_fits_per_s_single_pulse": needed_one[0],
            "both_fits_per_s_double_pulse": needed_two[0],
        },
        "ranks": ranks,
        "single_fits_per_s_by_cpu": single[1],
        "both_fits_per_s_single_pulse_by_cpu": both_one[1],
        "both_fits_per_s_double_pulse_by_cpu": both_two[1],
        "single_fits_per_s": single[0],
        "both_fits_per_s_single_pulse": both_one[0],
        "both_fits_per_s_double_pulse": both_two[0],
    }


def main() -> int:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--traces", type=int, default=4000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--classification", action="store_true", help="no times")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fit-") as place:
        if options.classification:
            singles, doubles = (make_traces(options.traces, double)[0] for double in (False, True))
            figures = {"traces": options.traces} | classification(Path(place), singles, doubles)
        else:
            figures = measure(Path(place), options.traces, options.events, options.repeat)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
