"""Numba's extensions, which the fits do without, and other functions of the process have."""

from __future__ import annotations

import subprocess
import sys

_AFTERWARDS = """
import sys
import numpy as np
from numba import njit
from headrace.datarun.fit.numba_extensions import without_numba_extensions

with without_numba_extensions():
    assert njit(lambda x: x.sum())(np.ones(3)) == 3.0
    assert not {"awkward", "scipy.linalg"} & set(sys.modules), "an extension was imported"

import awkward
assert njit(lambda x, y: np.dot(x, y))(np.ones((2, 2)), np.ones(2)).tolist() == [2.0, 2.0]
assert njit(lambda x: x[0])(awkward.Array([7, 8])) == 7
"""


def test_extensions_are_not_imported_meanwhile_and_work_afterwards() -> None:
    command = [sys.executable, "-c", _AFTERWARDS]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
