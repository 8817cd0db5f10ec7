"""Names of the optimiser's files, and removal of those that nobody needs any more."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from headrace._internal.atomic import atomic_replacement
from headrace.seismic.optimisation.state import State

_TRIAL = re.compile(r"\d+_trial_\d+")


class OptimiserPaths:
    """The files in an optimiser's directory.

    Args:
        directory: the directory; it need not be there yet.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "state.json"

    def model(self, name: str) -> Path:
        """File of a model or trial."""
        return self.directory / "models" / f"{name}.h5"

    def vector(self, name: str) -> Path:
        """File of a gradient, direction, or part of a pair."""
        return self.directory / "vectors" / f"{name}.h5"

    def publish(self, source: Path, target: Path) -> None:
        """Give a finished file another name as well, whole or not at all.

        Args:
            source: the file; it stays.
            target: its other name, replaced if it is there.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_replacement(target) as temporary:
            # Else a copy, not a link: whoever gave the file may change it later.
            if source.parent == target.parent:
                temporary.unlink()
                try:
                    os.link(source, temporary)
                except OSError:  # a file system without hard links
                    shutil.copyfile(source, temporary)
            else:
                shutil.copyfile(source, temporary)

    def clean(self, state: State) -> None:
        """Remove vectors and trial models that the state does not name, and torn files.

        Args:
            state: the state that is on disk.
        """
        needed = state.vectors()
        for path in self._files("vectors"):
            if path.stem not in needed:
                path.unlink(missing_ok=True)
        trials = state.trial_models()
        for path in self._files("models"):
            torn = path.name.startswith(".")
            if torn or (_TRIAL.fullmatch(path.stem) and path.stem not in trials):
                path.unlink(missing_ok=True)

    def _files(self, folder: str) -> list[Path]:
        place = self.directory / folder
        return sorted(place.iterdir()) if place.is_dir() else []
