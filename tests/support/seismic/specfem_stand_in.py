"""Programs that stand in for SPECFEM2D's, to test how its processes are handled.

They read and write the files that SPECFEM2D does and compute no waves: a trace is the mean of vs
times a ramp, a kernel is what its name says. What they do wrong is told by the template's file
``DATA/mischief``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from headrace.seismic.specfem_files import source_file

NOTE = "stands in for SPECFEM2D in a test"

_MESHER = f"""#!{sys.executable}
# {NOTE}
import os
from pathlib import Path

mischief = Path("DATA/mischief").read_text()
tasks, rank = os.environ.get("TASKS", "-"), os.environ.get("PMI_RANK", "-")
print("the mesher {NOTE}", "tasks", tasks, "rank", rank)
if mischief != "no database":
    Path("OUTPUT_FILES/Database00000.bin").write_bytes(b"mesh")
"""

_SOLVER = f"""#!{sys.executable}
# {NOTE}
import os
import signal
import sys
from pathlib import Path

import numpy as np

POINTS = np.array([-1.0, -np.sqrt(3 / 7), 0.0, np.sqrt(3 / 7), 1.0])
data, output = Path("DATA"), Path("OUTPUT_FILES")
mischief = (data / "mischief").read_text()
keys = dict(
    (line.split("=")[0].strip(), line.split("=")[1].split("#")[0].strip())
    for line in (data / "Par_file").read_text().splitlines()
    if "=" in line and not line.startswith("#")
)
tasks, steps, dt = int(keys["NPROC"]), int(keys["NSTEP"]), float(keys["DT"].replace("d", "e"))
probing = keys["SAVE_MODEL"] == "gll"


def write(path, numbers):
    numbers = np.asarray(numbers, "<f4")
    length = np.array([numbers.nbytes], "<i4").tobytes()
    path.write_bytes(length + numbers.tobytes() + length)


def read(name):
    parts = [
        np.frombuffer((data / f"proc{{task:06d}}_{{name}}.bin").read_bytes()[4:-4], "<f4")
        for task in range(tasks)
    ]
    return np.concatenate(parts)


print("the solver {NOTE}", flush=True)
if probing:
    # one row of three elements of 100 m by 50 m for every task
    for task in range(tasks):
        x = [50 + 100 * e + 50 * POINTS[None, :] + 0 * POINTS[:, None] for e in range(3)]
        z = [50 * task + 25 + 25 * POINTS[:, None] + 0 * POINTS[None, :] for e in range(3)]
        fields = dict(x=np.ravel(x), z=np.ravel(z))
        for name, value in (("rho", 2000.0), ("vp", 3000.0), ("vs", float(keys["VS"]))):
            fields[name] = np.full(75, value)
        for name, values in fields.items():
            write(data / f"proc{{task:06d}}_{{name}}.bin", values)
    sys.exit()
if mischief == "exit code":
    print("Reading mesh")
    print("Error: NPROC is not the number of tasks")
    print("ERROR STOP 30")
    print("-----------------")
    sys.exit(3)
if mischief == "killed":
    print("time step 200 of 5000")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
if mischief == "gave up":
    print("code became unstable and blew up in solid (elastic)")
    print("Error detected, aborting MPI... proc 0")
    print("STOP Error, program ended in exit_MPI", file=sys.stderr)
if mischief == "hang":
    (output / "pid").write_text(f"{{os.getpid()}} ")
    signal.pause()
if mischief == "silent":
    sys.exit()
stations = [line.split() for line in (data / "STATIONS").read_text().splitlines()]
if keys["SIMULATION_TYPE"] == "1":
    height = float(read("vs").mean())
    for station in stations[mischief == "no trace":]:
        values = height * np.arange(steps)
        if mischief == "nan":
            values[7] = np.nan
        rows = np.column_stack([-1.0 + dt * np.arange(steps), values])
        if mischief == "short":
            rows = rows[: steps // 2]
        codes, suffix = ("BXX", "BXZ") if keys["P_SV"] == ".true." else ("BXY",), "semd"
        if keys["seismotype"] == "4":
            codes, suffix = ("PRE",), "semp"
        for code in codes:
            np.savetxt(output / f"{{station[1]}}.{{station[0]}}.{{code}}.{{suffix}}", rows)
    if keys["SAVE_FORWARD"] == ".true.":
        for task in range(tasks):
            (output / f"lastframe_elastic{{task:06d}}.bin").write_bytes(b"frame")
            (output / f"absorb_elastic_left{{task:06d}}.bin").write_bytes(b"edge")
else:
    for task in range(tasks):
        assert (output / f"lastframe_elastic{{task:06d}}.bin").read_bytes() == b"frame"
    found = sorted(Path("SEM").glob("*.adj"))
    total = sum(np.abs(np.loadtxt(path)[:, 1]).sum() for path in found)
    print("adjoint sources:", [path.name for path in found])
    mu = read("rho").astype(float) * read("vs").astype(float) ** 2
    for task in range(tasks):
        kernels = dict(kappa=total + task, beta=2 * total + task, rho=3 * total + task)
        kernels.update(mu=-2 * total, Hessian1=4 * total + task)
        kernels["alpha"] = 2 * kernels["kappa"] + 8 / 3 * mu[0] * total
        if not mu.any():
            kernels = dict(c_acoustic=total, rhop_acoustic=2 * total, Hessian1_acoustic=3 * total)
        if mischief == "no kernel":
            del kernels["beta"]
        for name, value in kernels.items():
            values = np.full(75, value)
            if mischief == "kernel nan":
                values[3] = np.nan
            write(output / f"proc{{task:06d}}_{{name}}_kernel.bin", values)
"""

_PAR_FILE = """\
# {note}
SIMULATION_TYPE                 = 1   # 1 forward, 3 adjoint
SAVE_FORWARD                    = .false.
NPROC                           = {tasks}
NSTEP                           = 40
DT                              = 1.0d-3
P_SV                            = {p_sv}
MODEL                           = default
SAVE_MODEL                      = default
seismotype                      = 1  # displacement
use_existing_STATIONS           = .false.
save_ASCII_seismograms          = .true.
save_ASCII_kernels              = .true.
APPROXIMATE_HESS_KL             = .false.
output_color_image              = .true.
VS                              = 1500
"""


def write_programs(directory: Path) -> Path:
    """Writes the two programs and returns their directory."""
    directory.mkdir()
    for name, text in (("xmeshfem2D", _MESHER), ("xspecfem2D", _SOLVER)):
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    return directory


def write_template(
    directory: Path, *, tasks: int = 1, p_sv: bool = False, mischief: str = ""
) -> Path:
    """Writes a template of which the programs make a model of 300 m by 50 m per task."""
    data = directory / "DATA"
    data.mkdir(parents=True)
    told = _PAR_FILE.format(note=NOTE, tasks=tasks, p_sv=".true." if p_sv else ".false.")
    (data / "Par_file").write_text(told)
    (data / "mischief").write_text(mischief)
    (data / "interfaces.dat").write_text("2\n")
    source_file({"xs": 100.0, "zs": 10.0}).write(data / "SOURCE")
    return directory


def ramp(steps: int) -> np.ndarray:
    """What a trace is, divided by the mean of vs."""
    return np.arange(steps, dtype=float)
