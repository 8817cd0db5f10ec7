"""One evaluation of the misfit: which simulations, windows and kernels are there already."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace._internal.files import write_whole
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.event_checks import event_problems
from headrace.seismic.inversion.objectives import Objective, observed_of
from headrace.seismic.inversion.paths import Evaluation
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.models import content_of
from headrace.seismic.solvers import SYNTHETICS, AdjointRun, ForwardRun, is_finished, run_key

_SUMMARY = "summary.json"
_WINDOWS = "windows.json"


@dataclass(frozen=True)
class MisfitEvaluation:
    """An evaluation, and what belongs to it.

    Attributes:
        inversion: settings and files.
        name: the evaluation, as the optimiser names it.
        model: file of its model.
        objective: the misfit function.
    """

    inversion: Inversion
    name: str
    model: Path
    objective: Objective

    @functools.cached_property
    def content(self) -> str:
        """Hash of the model's content."""
        return content_of(self.model)

    @property
    def files(self) -> Evaluation:
        """Its files."""
        return self.inversion.paths.evaluation(self.name)

    def prepare_directory(self) -> None:
        """Make the evaluation's directory, without anything of another model or objective."""
        about = {"model": self.content, "objective": self.objective.tag}
        if _read(self.files.record) != about:
            shutil.rmtree(self.files.root, ignore_errors=True)
            self.files.root.mkdir(parents=True)
            write_whole(self.files.record, json.dumps(about) + "\n")

    # Forward runs -----------------------------------------------------------------------------

    def forward_run(self, event: str) -> ForwardRun:
        """Return the forward run of an event."""
        paths = self.inversion.paths
        return ForwardRun(
            self.model,
            paths.event(event),
            paths.simulations(self.content) / event,
            save_wavefield=True,
        )

    def unfinished_forward_events(self) -> list[str]:
        """Events whose forward run is not finished."""
        return [
            event
            for event in self.objective.events
            if not self._is_finished(self.forward_run(event))
        ]

    # Windows ----------------------------------------------------------------------------------

    def windows_key(self, event: str) -> dict[str, Any]:
        """Return all that the windows of an event are made from."""
        paths = self.inversion.paths
        run = self.forward_run(event)
        observed = observed_of(paths, self.objective, event)
        earlier = self.reference_windows(event)
        return {
            "forward": self._key(run),
            "windows": _hash(earlier / _WINDOWS) if earlier else None,
            "settings": _hash(paths.waveform_settings(self.objective.tag)),
            "observed": sorted(
                [path.name, path.stat().st_size, path.stat().st_mtime_ns]
                for path in observed.iterdir()
                if path.is_file()
            ),
        }

    def reference_windows(self, event: str) -> Path | None:
        """Return where the windows of an event come from; None where they are selected anew."""
        if self.name == self.objective.reference:
            return None
        return self.inversion.paths.evaluation(self.objective.reference).windows(event)

    def unfinished_window_events(self) -> list[str]:
        """Events whose windows are not finished."""
        return [event for event in self.objective.events if not self._has_windows(event)]

    def prepare_windows(self, event: str) -> bool:
        """Remove windows that were made from something else, before new ones are made.

        Returns:
            Whether the windows are there already.
        """
        if self._has_windows(event):
            return True
        shutil.rmtree(self.files.windows(event), ignore_errors=True)
        key = self.files.windows_key(event)
        key.parent.mkdir(parents=True, exist_ok=True)
        write_whole(key, json.dumps(self.windows_key(event)) + "\n")
        return False

    def synthetics(self, event: str) -> Path:
        """Directory of the synthetic seismograms of an event."""
        return self.forward_run(event).output / SYNTHETICS

    def summary(self, event: str) -> dict[str, Any]:
        """Return what the waveform program says of an event."""
        return _read(self.files.windows(event) / _SUMMARY)

    def _has_windows(self, event: str) -> bool:
        # The program puts its results in place all at once, and the key is written before.
        there = (self.files.windows(event) / _SUMMARY).is_file()
        return there and _read(self.files.windows_key(event)) == self.windows_key(event)

    # Adjoint runs -----------------------------------------------------------------------------

    def adjoint_run(self, event: str, source: MisfitEvaluation) -> AdjointRun:
        """Return the adjoint run of an event.

        Args:
            event: the event.
            source: the evaluation whose adjoint sources are used.
        """
        forward = self.forward_run(event)
        return AdjointRun(
            self.model,
            forward.event,
            forward.output,
            source.files.windows(event),
            self.files.adjoint(event),
        )

    def unfinished_adjoint_events(self, source: MisfitEvaluation) -> list[str]:
        """Events whose adjoint run is not finished."""
        return [
            event
            for event in self.objective.events
            if not self._is_finished(self.adjoint_run(event, source))
        ]

    def adjoint_keys(self, source: MisfitEvaluation) -> dict[str, str]:
        """Return what the kernels of each event were made from."""
        return {
            event: self._key(self.adjoint_run(event, source)) for event in self.objective.events
        }

    # Misfit -----------------------------------------------------------------------------------

    def record_refusal(self, reason: str) -> None:
        """Keep why this trial has no misfit."""
        write_whole(self.files.refusal, json.dumps({"reason": reason}) + "\n")

    def is_caused_by_model(self, kind: str, events: Iterable[str]) -> bool:
        """Return whether it lies in the model that events could not be measured.

        Args:
            kind: what was asked for; only the model of a trial, a ``misfit``, may be to blame.
            events: the events; their data were measured in another model before.
        """
        return kind == "misfit" and not any(
            list(event_problems(self.inversion, (), event)) for event in events
        )

    def refusal(self) -> str:
        """Reason that this trial has no misfit; empty if none is known."""
        if _read(self.files.record) != {"model": self.content, "objective": self.objective.tag}:
            return ""
        return str(_read(self.files.refusal).get("reason", ""))

    def known_misfit(self) -> float | None:
        """Return the misfit, if it was computed for this model and objective."""
        if _read(self.files.record) != {"model": self.content, "objective": self.objective.tag}:
            return None
        value = _read(self.files.misfit).get("misfit")
        return value if isinstance(value, float) else None

    def _key(self, run: ForwardRun | AdjointRun) -> str:
        known = self.inversion.run_keys
        # Adjoint sources are made while a process runs; what a forward run reads stays as it is.
        name = (self.content, run.event.name) if isinstance(run, ForwardRun) else None
        if name in known:
            return known[name]
        inversion = self.inversion
        key = run_key(inversion.settings.solver, run, inversion.solver_settings, self.content)
        if name is not None:
            known[name] = key
        return key

    def _is_finished(self, run: ForwardRun | AdjointRun) -> bool:
        return run.output.is_dir() and is_finished(run.output, self._key(run))


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise InversionError(
            f"{path}: is gone; `headrace inversion back-to` an earlier iteration makes it again"
        ) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
