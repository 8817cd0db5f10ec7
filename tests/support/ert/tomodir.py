"""Directories in CRTomo's layout: a grid of rectangles, electrodes on top, data or a model.

The files are written as CRTomo's documentation has them, and CRMod and CRTomo themselves read them.
"""

from __future__ import annotations

import math
from pathlib import Path

ELECTRODES = 12
_PADDING = (1.0, 1.5, 2.5, 4.0, 7.0, 12.0, 20.0)
_DEPTHS = (0.0, 0.5, 1.0, 1.6, 2.4, 3.4, 5.0, 8.0, 13.0, 20.0)


class Grid:
    """A grid of rectangles, with electrodes at a distance of 1 m."""

    def __init__(self) -> None:
        middle = [0.5 * number for number in range(2 * ELECTRODES - 1)]
        left, right = [], []
        for width in _PADDING:
            left.insert(0, (left[0] if left else middle[0]) - width)
            right.append((right[-1] if right else middle[-1]) + width)
        self.xs = [*left, *middle, *right]
        self.zs = [-depth for depth in _DEPTHS]
        self.first = len(left)

    @property
    def cells(self) -> int:
        return (len(self.xs) - 1) * (len(self.zs) - 1)

    def node(self, column: int, row: int) -> int:
        """Return the number of a node, from 1: down the columns."""
        return column * len(self.zs) + row + 1

    def elem_dat(self) -> str:
        columns, rows = len(self.xs) - 1, len(self.zs) - 1
        cells = {(i, j): n for n, (i, j) in enumerate(_pairs(columns, rows), start=1)}
        inside = [
            [
                self.node(i, j + 1),
                self.node(i + 1, j + 1),
                self.node(i + 1, j),
                self.node(i, j),
            ]
            for i, j in cells
        ]
        # Mixed boundaries go down the left side, along the bottom, and up the right one.
        mixed = [(self.node(0, j), self.node(0, j + 1), cells[0, j]) for j in range(rows)]
        mixed += [
            (self.node(i, rows), self.node(i + 1, rows), cells[i, rows - 1]) for i in range(columns)
        ]
        mixed += [
            (self.node(columns, j + 1), self.node(columns, j), cells[columns - 1, j])
            for j in reversed(range(rows))
        ]
        top = [
            (self.node(i + 1, 0), self.node(i, 0), cells[i, 0]) for i in reversed(range(columns))
        ]
        bandwidth = len(self.zs) + 1
        lines = [
            _row(len(self.xs) * len(self.zs), 3, bandwidth),
            _row(8, len(inside), 4),
            _row(12, len(mixed), 2),
            _row(11, len(top), 2),
        ]
        lines += [
            f"{self.node(i, j):8d}{x:12.3f}{z:12.3f}"
            for i, x in enumerate(self.xs)
            for j, z in enumerate(self.zs)
        ]
        lines += [_row(*nodes) for nodes in inside]
        lines += [_row(*edge[:2]) for edge in (*mixed, *top)]
        lines += [_row(edge[2]) for edge in (*mixed, *top)]
        return "\n".join(lines) + "\n"

    def elec_dat(self) -> str:
        nodes = [self.node(self.first + 2 * number, 0) for number in range(ELECTRODES)]
        return "\n".join(map(str, [ELECTRODES, *nodes])) + "\n"


def configurations() -> list[tuple[int, int, int, int]]:
    """Return a dipole-dipole line, in the order of electrodes that makes resistances positive."""
    return [
        (a, a + 1, a + 2 + gap, a + 1 + gap)
        for gap in range(1, 7)
        for a in range(1, ELECTRODES - 1 - gap)
    ]


def half_space(configuration: tuple[int, int, int, int], resistivity: float) -> float:
    """Return the resistance that a half space has between four electrodes."""
    a, b, m, n = configuration
    factor = 1 / abs(a - m) - 1 / abs(a - n) - 1 / abs(b - m) + 1 / abs(b - n)
    return abs(resistivity * factor / (2 * math.pi))


def _pairs(columns: int, rows: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(columns) for j in range(rows)]


def _row(*numbers: int) -> str:
    return "".join(f"{number:12d}" for number in numbers)


def _electrodes(one: tuple[int, int, int, int]) -> str:
    a, b, m, n = one
    return f"{10000 * a + b} {10000 * m + n}"


CRMOD_CFG = """***FILES***
../grid/elem.dat
../grid/elec.dat
../rho/rho.dat
../config/config.dat
F                ! potentials ?
../mod/pot/pot.dat
T                ! measurements ?
../mod/volt.dat
F                ! sensitivities ?
../mod/sens/sens.dat
F                ! another dataset ?
1                ! 2D (=0) or 2.5D (=1)
F                ! fictitious sink ?
1660             ! fictitious sink node number
F                ! boundary values ?
boundary.dat
"""

CRTOMO_CFG = """0
../grid/elem.dat
../grid/elec.dat
../mod/volt.dat
../inv
F                ! difference inversion ?



***PARAMETERS***
0                ! # cells in x-direction
-1               ! # cells in z-direction
1.0000           ! smoothing parameter in x-direction
1.0000           ! smoothing parameter in z-direction
{iterations}               ! max. # inversion iterations
T                ! DC inversion ?
F                ! robust inversion ?
F                ! final phase improvement ?
3.0000           ! rel. resistance error level (%)
0.1000E-03       ! min. abs. resistance error (ohm)
0.0000           ! phase error model parameter A1
0.0000           ! phase error model parameter B
0.0000           ! phase error model parameter p
0.1000           ! phase error model parameter C
F                ! homogeneous background resistivity ?
100.00           ! background magnitude (ohm*m)
0.0000           ! background phase (mrad)
F                ! Another dataset?
1                ! 2D (=0) or 2.5D (=1)
F                ! fictitious sink ?
1660             ! fictitious sink node number
F                ! boundary values ?
boundary.dat
1
"""


def _make(directory: Path, iterations: int) -> Grid:
    grid = Grid()
    for name in ("exe", "grid", "mod", "config", "rho", "inv"):
        (directory / name).mkdir(parents=True)
    (directory / "grid/elem.dat").write_text(grid.elem_dat())
    (directory / "grid/elec.dat").write_text(grid.elec_dat())
    (directory / "exe/crtomo.cfg").write_text(CRTOMO_CFG.format(iterations=iterations))
    (directory / "exe/crt.lamnull").write_text("   0.0000000000000000     \n" * 2)
    return grid


def make_inversion(directory: Path, iterations: int = 20, resistivity: float = 100.0) -> Path:
    """Make a directory with data of a half space, with 2 % more in every third one."""
    _make(directory, iterations)
    chosen = configurations()
    rows = [
        f"{_electrodes(one)} {half_space(one, resistivity) * (1.02 if n % 3 == 0 else 1.0):.6f} 0.0"
        for n, one in enumerate(chosen)
    ]
    (directory / "mod/volt.dat").write_text("\n".join([str(len(chosen)), *rows]) + "\n")
    return directory


def make_modelling(directory: Path, resistivity: float = 100.0, invert: bool = False) -> Path:
    """Make a directory with a model of one resistivity, and no data yet."""
    grid = _make(directory, 20)
    if not invert:
        (directory / "exe/crtomo.cfg").unlink()
    chosen = configurations()
    rows = [_electrodes(one) for one in chosen]
    (directory / "config/config.dat").write_text("\n".join([str(len(chosen)), *rows]) + "\n")
    cells = [f"{resistivity:f} 0.000000"] * grid.cells
    (directory / "rho/rho.dat").write_text("\n".join([str(grid.cells), *cells]) + "\n")
    (directory / "exe/crmod.cfg").write_text(CRMOD_CFG)
    return directory
