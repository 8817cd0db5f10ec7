"""Tapers of windows: pyadjoint's, without importing it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from pyadjoint.utils.signal import window_taper as peer

from headrace.seismic.misfits.tapers import _window_taper, window_taper


@pytest.mark.parametrize("kind", ["hann", "hamming", "cos", "cos_p10"])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1 / 3, 0.999, 1.0])
def test_a_taper_has_the_bits_of_pyadjoint(kind: str, share: float) -> None:
    for npts in (*range(12), 63, 64, 65, 100, 1000, 4097):
        taper = window_taper(npts, {"taper_type": kind, "taper_percentage": share})
        expected = peer(np.ones(npts), taper_percentage=share, taper_type=kind)
        assert taper.tobytes() == expected.tobytes(), (npts, share)


def test_no_other_package_is_imported_for_a_taper(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its main module imports matplotlib.pyplot.
    monkeypatch.setitem(sys.modules, "pyadjoint", None)
    monkeypatch.setitem(sys.modules, "pyadjoint.utils", None)
    _window_taper.cache_clear()
    assert len(window_taper(100, {})) == 100
