#!/usr/bin/env python3
"""A stand-in for CRTomo and CRMod: it reads, writes and ends as they do, and inverts nothing.

It was written beside the real ones, version 1.8.0 of geophysics-ubonn/crtomo_stable on GitHub:
names and forms of files, texts of errors, that a process file stays after an error and an old
error.dat after a success, that the exit code is 0 after errors, and that a word among the numbers
ends an inversion of complex values as finished, without a reason, and one of magnitudes by a
signal. Its model is one resistivity; as CRMod, it models a half space. Where HEADRACE_CRTOMO names
a directory with the real programs, tests run with those, too.
"""

import math
import os
import signal
import sys
from pathlib import Path

INV = Path("../inv")
PID = Path("crtomo.pid")
ERROR = "{text:<80}{number:3d}2\n {message:<256}\n"
RULE = "*" * 109 + " \n"


class Abnormal(Exception):
    """An error that the program tells in error.dat.

    Args:
        number: of the error.
        text: what it is about.
        message: what error.dat says at its end.
    """

    def __init__(self, number, text, message):
        super().__init__(message)
        self.document = ERROR.format(text=text, number=number, message=message)


def main():
    """Be CRTomo, or CRMod, by the name of this file."""
    name = "CRMod" if "mod" in Path(sys.argv[0]).name.lower() else "CRTomo"
    print(f"######### {name} ############\n Process_ID :: {os.getpid():11d}")
    Path(f"{name.lower()}.pid").write_text(f"{os.getpid():12d}\n")
    try:
        (model if name == "CRMod" else invert)()
    except Abnormal as error:
        head = f" {name} PID {os.getpid():11d}  exited abnormally\n"
        Path("error.dat").write_text(head + error.document)
        print("STOP -1", file=sys.stderr)
        return
    print("STOP 0", file=sys.stderr)


def opened(name):
    """Return the words of each line of a file."""
    try:
        return [line.split() for line in Path(name).read_text().splitlines()]
    except OSError:
        raise Abnormal(1, name, f"Error opening {name}") from None


def electrode_positions():
    """Return where the electrodes are, by their numbers."""
    lines = opened("../grid/elem.dat")
    nodes, kinds = int(lines[0][0]), int(lines[0][1])
    listed = lines[1 + kinds : 1 + kinds + nodes]
    numbers = opened("../grid/elec.dat")
    return {n: float(listed[int(one[0]) - 1][1]) for n, one in enumerate(numbers[1:], start=1)}


def factor(positions, current, voltage):
    """Return the resistance of a half space of 1 ohm m."""
    total = 0.0
    for one, sign in ((current // 10000, 1), (current % 10000, -1)):
        for other, against in ((voltage // 10000, 1), (voltage % 10000, -1)):
            total += sign * against / abs(positions[one] - positions[other])
    return abs(total) / (2 * math.pi)


def model():
    """Write the data of a half space that has the mean of the model's resistivities."""
    opened("crmod.cfg")
    positions = electrode_positions()
    cells = [float(words[0]) for words in opened("../rho/rho.dat")[1:]]
    chosen = opened("../config/config.dat")
    mean = sum(cells) / len(cells)
    rows = []
    for current, voltage in chosen[1:]:
        value = mean * factor(positions, int(current), int(voltage))
        rows.append(f"{current:>12}{voltage:>12}{value:13.8f}{0.0:17.8f}    \n")
    volt = Path("../mod/volt.dat")
    volt.write_text(f"{len(rows):12d}\n" + "".join(rows))
    print(" Modelling completed")


def read_data(positions):
    """Return the data; the resistance of one that is no number is None."""
    name = "../mod/volt.dat"
    lines = opened(name)
    if len(lines) - 1 < int(lines[0][0]):
        raise Abnormal(2, name, f"End of File encountered {name}")
    data = []
    for number, words in enumerate(lines[1:], start=1):
        try:
            current, voltage, resistance = int(words[0]), int(words[1]), float(words[2])
        except ValueError:
            data.append((words[0], words[1], None, 1.0))
            continue
        used = {current // 10000, current % 10000, voltage // 10000, voltage % 10000}
        if not used <= set(positions):
            text = f"Electrode pair {number:5d}not correct"
            raise Abnormal(46, text, f"Inadmissible electrode denotation {text}")
        if resistance <= 0.0:
            text = "Error memory allocation data space"
            raise Abnormal(94, text, f"Magnitude <= 0 {text}")
        data.append((words[0], words[1], resistance, factor(positions, current, voltage)))
    return data


def invert():
    """Fit one resistivity, in iterations that are written as CRTomo writes them."""
    settings = [line.split("!")[0].strip() for line in Path("crtomo.cfg").read_text().splitlines()]
    limit, magnitudes = int(settings[14]), settings[15] == "T"
    positions = electrode_positions()
    cells = next(int(words[1]) for words in opened("../grid/elem.dat")[1:] if words[0] == "8")
    data = read_data(positions)
    INV.mkdir(exist_ok=True)
    (INV / "inv.ctr").write_text(HEADER.format(cells=cells, data=len(data)))
    run = [" Iteration   0,   0 : Calculating Potentials\n"]
    (INV / "run.ctr").write_text("".join(run))
    if "nan" in Path("crt.lamnull").read_text().lower():
        while True:  # as it iterates on values that are no numbers
            signal.pause()
    good = [one for one in data if one[2] is not None]
    wanted = sum(value / k for _, _, value, k in good) / len(good)
    estimates = [1.2 * wanted, wanted, wanted]
    broken = len(good) < len(data)
    if broken and magnitudes:
        os.kill(os.getpid(), signal.SIGSEGV)
    if broken:
        estimates = estimates[:1]
    estimates = estimates[: limit + 1]
    for number, estimate in enumerate(estimates):
        misfits = [(value - estimate * k) / (0.03 * value) for _, _, value, k in good]
        rms = math.sqrt(sum(one**2 for one in misfits) / len(misfits))
        write_iteration(number, estimate, rms, cells, data)
    if broken:
        # As after an exception in its model: finished, and no word about why.
        print("bvolti exception::           4\nMODEL ESTIMATE AFTER      0      ITERATIONS")
    else:
        reason = "Max. # iterations." if len(estimates) == limit + 1 else "Min. rel. CHI decrease."
        run.append(f" Iteration terminated: {reason}\n")
        print(f" Iteration terminated: {reason}")
    (INV / "run.ctr").write_text("".join([*run, " CPU time:  0d/  0h/  0m/  0s/   1ms\n"]))
    with (INV / "run.ctr").open("a") as stream:
        stream.write("***finished***\n")
    PID.unlink()
    with (INV / "inv.ctr").open("a") as stream:
        stream.write("***finished***\n")
    print(" ***finished***")


def write_iteration(number, estimate, rms, cells, data):
    """Write the model and the response of an iteration, and its line of inv.ctr."""
    head = f"{cells:12d} \t{rms:22.16f}     \n"
    name = f"../inv/rho{number:02d}.mag"
    row = f"{1.0:14.8f}{-0.25:16.9f}{math.log10(estimate):16.9f}    \n"
    Path(name).write_text(head + row * cells)
    Path(name).with_suffix(".modl").write_text(
        f"{cells:7d}\n" + f" {estimate:10.4g}  0.000\n" * cells
    )
    Path("inv.lastmod").write_text(f" {name}\n")
    volt = [f"{a:>12}{b:>12}{estimate * k:13.8f}{1:16d}\n" for a, b, _, k in data]
    (INV / f"volt{number:02d}.dat").write_text(f"{len(volt):12d}\n" + "".join(volt))
    line = f" IT {number:3d}   {rms:<10.4g}"
    if number:
        line += f"  {0.1:<10.4g} {7178.0:<10.4g}  {0.4e-3:<10.4g}  {32:6d}     "
        line += f"{rms:<10.4g}  {0.0:<10.4g}  {0:4d}        {1.0:5.3f}"
    else:
        line += " " * 48 + f"{rms:<10.4g}  {0.0:<10.4g}  {0:4d}"
    with (INV / "inv.ctr").open("a") as stream:
        stream.write((RULE if not number else "") + f"{line}\n{RULE}")


HEADER = """##
## Complex Resistivity Tomography (CRTomo)
##
## Git-Branch a stand-in, no CRTomo
##

***FILES***
../grid/elem.dat # FEM grid
../grid/elec.dat # Electrodes
../mod/volt.dat # Measurements
../inv # Inversion results

***Model stats***
# Model parameters       {cells:12d}
# Data points            {data:12d}

***FIXED***
 Min. rel. decrease of data RMS :                0.20000E-01

 ID it.   data RMS    stepsize    lambda      roughn.    CG-steps    mag RMS     pha RMS    - # data

"""

if __name__ == "__main__":
    main()
