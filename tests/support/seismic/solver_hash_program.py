"""Program: one shot by several solver objects of a process, as hashes of the files they write.

    python solver_bits.py PLACE STEP...

``PLACE`` has ``model.h5``, ``other.h5``, ``wide.h5``, the events ``shot`` and ``near`` and their
adjoint sources ``adj_shot`` and ``adj_near``. Steps: ``new`` takes a new solver object, ``threads``
one that uses two threads, ``order`` one of another order in space; ``fast`` loads a library that
was compiled with ``-ffast-math`` in the main thread; ``shot``, ``near``, ``other`` and ``wide``
compute: an event in the model, the event ``shot`` in another model and on another grid. One JSON
line: for each step that computes, its name (``threads shot`` by such an object) and the hashes.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from headrace.seismic.models import read_model
from headrace.seismic.solvers import HESSIAN, KERNELS, SYNTHETICS, AdjointRun, ForwardRun
from headrace.seismic.solvers.backends.devito import make
from tests.support.seismic.small_models import SMALL

SETTINGS = {**SMALL, "precision": "float32"}
SOLVERS = {
    "new": SETTINGS,
    "threads": {**SETTINGS, "threads": 2},
    "order": {**SETTINGS, "space_order": 8},
}
MODELS = {"shot": "model", "near": "model", "other": "other", "wide": "wide"}


def load_fast_library(place: Path) -> None:
    """Load a library that flushes denormals of this thread to zero, as many of others do."""
    (place / "fast.c").write_text("int fast(void) { return 1; }\n", encoding="utf-8")
    command = ["gcc", "-O2", "-ffast-math", "-shared", "-fPIC", "fast.c", "-o", "fast.so"]
    subprocess.run(command, cwd=place, check=True)
    ctypes.CDLL(str(place / "fast.so"))


def main(place: Path, steps: list[str]) -> None:
    answers = []
    with tempfile.TemporaryDirectory() as scratch:
        solver, kind = make(SOLVERS["new"]), ""
        for number, step in enumerate(steps):
            if step in SOLVERS:
                solver, kind = make(SOLVERS[step]), "" if step == "new" else f"{step} "
            elif step == "fast":
                load_fast_library(Path(scratch))
            else:
                event = "near" if step == "near" else "shot"
                model, shot = place / f"{MODELS[step]}.h5", place / event
                output = Path(scratch) / str(number)
                solver.forward(ForwardRun(model, shot, output))
                solver.adjoint(AdjointRun(model, shot, output, place / f"adj_{event}", output))
                answers.append([kind + step, hashes(output)])
    print(json.dumps(answers))


def hashes(output: Path) -> dict[str, str]:
    """Of all traces, and of each field of the kernels and of the pseudo-Hessian."""
    traces = b"".join(path.read_bytes() for path in sorted((output / SYNTHETICS).iterdir()))
    found = {"traces": traces}
    for name in (KERNELS, HESSIAN):
        for field, values in read_model(output / name).fields.items():
            found[f"{name} {field}"] = values.tobytes()
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
