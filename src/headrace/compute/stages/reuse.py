"""Reuse of a stage's result in other directories: one stage and the store of results."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import StageError
from .result_store import ResultStore, StoredResult, remove

_KEY = ".reuse-key"


class StageReuse:
    """The store of results as one stage uses it.

    Args:
        store: the directory of results; None where the stage shares none.
        workspace: where the stage's output is made.
        key: returns the key of the result, by the inputs of the manifest.
    """

    def __init__(
        self, store: Path | None, workspace: Path, key: Callable[[Mapping[str, Any]], str]
    ) -> None:
        self._store = None if store is None else ResultStore(store)
        self._workspace = workspace
        self._compute_key = key
        self._key = ""

    @property
    def problem(self) -> str:
        """Reason why the store could not be used; "" where nothing was the matter."""
        return self._store.problem if self._store else ""

    def copy_out(self, name: str, inputs: Mapping[str, Any]) -> tuple[Path, StoredResult] | None:
        """Copy the result of an equal stage beside the workspace; None where there is none.

        Args:
            name: of the output.
            inputs: of the manifest.

        Raises:
            StageError: nothing can be written beside the workspace.
        """
        # Where a workspace is left, the job of an earlier attempt may still be writing there.
        if self._store is None or self._workspace.exists():
            return None
        self._key = self._compute_key(inputs)
        parent = self._workspace.parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            prefix = f"{self._workspace.name}.reused-"
            place = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        except OSError as error:
            raise StageError(f"{parent}: cannot be written to: {error.strerror}") from error
        found = self._store.copy_out(self._key, place / name)
        if found is None:
            remove(place)
            return None
        return place / name, found

    def record_key(self) -> None:
        """Note the key of the job that begins: what it makes is added under no other one."""
        if self._key:
            with contextlib.suppress(OSError):  # then the result is not added
                (self._workspace / _KEY).write_text(self._key)

    def add(
        self, made: Path, facts: Mapping[str, Any], read_inputs: Callable[[], Mapping[str, Any]]
    ) -> None:
        """Add what the job has made, unless inputs or programs were changed meanwhile.

        Args:
            made: the output, complete.
            facts: what is known of it.
            read_inputs: returns the inputs as they are now.
        """
        if self._store is None:
            return
        try:
            recorded = (self._workspace / _KEY).read_text()
            now = self._compute_key(read_inputs())
        except (OSError, StageError):
            return
        if recorded == now:
            self._store.add(recorded, made, facts)
