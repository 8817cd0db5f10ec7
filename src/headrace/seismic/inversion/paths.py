"""Paths of an inversion's files; no other module names one.

The same directory exists twice: where people look at it and triggers watch (the home), and where
it is computed (the staging). Either has the files that its side needs::

    inversion.toml  steering.json  history.jsonl
    events/EVENT/  observed/EVENT/  solver/  models/NNN.h5
    iterations/NNN/iteration.json  READY  results/
    superseded/  parent.json
                                                     only where it is computed:
    optimiser/
    objectives/TAG.json
    simulations/CONTENT/EVENT/
    evaluations/NAME/{evaluation.json, windows/EVENT/, adjoint/EVENT/, misfit.json, kernels/}
    iterations/NNN/{started.json, start/, records/}
    outbox/NNN/{results/, models/, iterations/}
    jobs/
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SETTINGS = "inversion.toml"
STEERING = "steering.json"
MARKER = "READY"
ITERATION = "iteration.json"
SUMMARY = "summary.json"


def number_text(iteration: int) -> str:
    """Return an iteration's number as files have it, for example ``007``."""
    return f"{iteration:03d}"


@dataclass(frozen=True)
class Paths:
    """The files of an inversion.

    Attributes:
        root: its directory.
    """

    root: Path

    @property
    def settings(self) -> Path:
        """The settings that a person writes."""
        return self.root / SETTINGS

    @property
    def steering(self) -> Path:
        """Requests of a person while it runs."""
        return self.root / STEERING

    @property
    def history(self) -> Path:
        """History: who did what, when, and why."""
        return self.root / "history.jsonl"

    @property
    def events(self) -> Path:
        """One directory per event: source and stations."""
        return self.root / "events"

    @property
    def observed(self) -> Path:
        """One directory per event: observed seismograms."""
        return self.root / "observed"

    @property
    def solver(self) -> Path:
        """Files that the solver needs beside models and events, such as a template."""
        return self.root / "solver"

    def event(self, name: str) -> Path:
        """Source and stations of an event."""
        return self.events / name

    def observed_event(self, name: str) -> Path:
        """Observed seismograms of an event."""
        return self.observed / name

    @property
    def models(self) -> Path:
        """The models, one per iteration."""
        return self.root / "models"

    def model(self, iteration: int) -> Path:
        """Return the model that an iteration starts from."""
        return self.models / f"{number_text(iteration)}.h5"

    @property
    def true_model(self) -> Path:
        """The model that the observed seismograms of an example were computed in."""
        return self.models / "true.h5"

    @property
    def iterations(self) -> Path:
        """The directory that a trigger watches."""
        return self.root / "iterations"

    def iteration(self, number: int) -> Path:
        """Return the directory of an iteration."""
        return self.iterations / number_text(number)

    def request(self, number: int) -> Path:
        """Return what an iteration shall do."""
        return self.iteration(number) / ITERATION

    def start(self, number: int) -> Path:
        """Return the optimiser as the iteration found it."""
        return self.iteration(number) / "start"

    def applied(self, number: int) -> Path:
        """Return which request of an iteration was acted on last."""
        return self.iteration(number) / "applied.json"

    def start_record(self, number: int) -> Path:
        """Return which band an iteration has.

        And what its gradients are made with, since it started.
        """
        return self.iteration(number) / "started.json"

    def records(self, number: int) -> Path:
        """Return one file of records per stage."""
        return self.iteration(number) / "records"

    def results(self, number: int) -> Path:
        """Return where the results of an iteration come back to."""
        return self.iteration(number) / "results"

    def summary(self, number: int) -> Path:
        """Return the iteration in numbers."""
        return self.results(number) / SUMMARY

    def settings_of(self, number: int) -> Path:
        """Return the settings that an iteration had, as it ended."""
        return self.results(number) / "settings.json"

    def marker(self, number: int) -> Path:
        """Comes last: with it the iteration is complete and its run starts."""
        return self.iteration(number) / MARKER

    @property
    def superseded(self) -> Path:
        """Iterations that were done again or gone back from."""
        return self.root / "superseded"

    @property
    def parent(self) -> Path:
        """Record of the inversion that this one was branched from."""
        return self.root / "parent.json"

    @property
    def optimiser(self) -> Path:
        """The optimiser's own directory."""
        return self.root / "optimiser"

    @property
    def objectives(self) -> Path:
        """Meanings of the optimiser's objectives, in their order."""
        return self.root / "objectives.json"

    def waveform_settings(self, objective: str) -> Path:
        """Return settings of the waveform program for an objective."""
        return self.root / "objectives" / f"{objective}.toml"

    def selected_observed(self, objective: str, event: str) -> Path:
        """Observed seismograms without the stations that are left out."""
        return self.root / "objectives" / objective / event

    @property
    def checked(self) -> Path:
        """Record of what was checked already."""
        return self.root / "checked.json"

    def simulations(self, content: str) -> Path:
        """Forward runs in a model, by the hash of its content."""
        return self.root / "simulations" / content[:16]

    @property
    def evaluations(self) -> Path:
        """All evaluations."""
        return self.root / "evaluations"

    def evaluation(self, name: str) -> Evaluation:
        """Return the files of one evaluation."""
        return Evaluation(self.evaluations / name)

    @property
    def outbox(self) -> Path:
        """Files that go back to the home."""
        return self.root / "outbox"

    @property
    def jobs(self) -> Path:
        """Batch jobs: commands, output, exit codes."""
        return self.root / "jobs"


@dataclass(frozen=True)
class Evaluation:
    """The files of one evaluation of the misfit.

    Attributes:
        root: its directory, named as the optimiser names it.
    """

    root: Path

    @property
    def record(self) -> Path:
        """Record of its model and objective."""
        return self.root / "evaluation.json"

    def windows(self, event: str) -> Path:
        """Windows, misfit and adjoint sources of an event."""
        return self.root / "windows" / event

    def windows_key(self, event: str) -> Path:
        """Return what the windows of an event were made from."""
        return self.root / "windows" / f"{event}.key"

    def adjoint(self, event: str) -> Path:
        """Kernels of an event."""
        return self.root / "adjoint" / event

    @property
    def refusal(self) -> Path:
        """Reason that a trial has no misfit; not there if it has one."""
        return self.root / "refused.json"

    @property
    def adjoints(self) -> Path:
        """Kernels of all events."""
        return self.root / "adjoint"

    @property
    def misfit(self) -> Path:
        """The misfit and its parts."""
        return self.root / "misfit.json"

    @property
    def kernels(self) -> Path:
        """Products of the events' kernels."""
        return self.root / "kernels"

    def kernel(self, step: str) -> Path:
        """Return the file of a step from the kernels to the gradient, such as ``sum``."""
        return self.kernels / f"{step}.h5"
