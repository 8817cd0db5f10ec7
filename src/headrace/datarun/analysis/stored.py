"""Histograms read back from the ROOT file of an analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import uproot

from headrace.datarun.errors import DataRunError


def read_histograms(path: Path) -> dict[str, Any]:
    """Read the histograms of a file.

    Args:
        path: a ROOT file, such as ``run-NNNN-sorted.root``.

    Returns:
        Name, with its directories, to histogram; in order of names.

    Raises:
        DataRunError: the file cannot be read.
    """
    found: dict[str, Any] = {}
    try:
        with uproot.open(path) as file:
            for name in file.keys(cycle=False):
                kind = file.classname_of(name)
                if kind is not None and kind.startswith(("TH1", "TH2", "TH3")):
                    found[name] = file[name].to_hist()
    except (OSError, ValueError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise DataRunError(f"{path}: no ROOT file of histograms ({reason})") from error
    return dict(sorted(found.items()))
