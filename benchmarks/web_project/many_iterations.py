"""An inversion of many iterations and events, whose pages are measured.

Its records, states and results are written by the pipeline's own writers, and its optimiser is the
real one. Only what a solver would compute is made up: the misfit is that of the model's logarithm
against a wavy one, and the fits of traces are those of a small inversion by straight rays that is
computed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # straight rays are in tests/support

from headrace._internal.files import write_whole
from headrace.seismic.inversion import Paths, Steering, commands, optimisation_stages
from headrace.seismic.inversion.evaluations import MisfitEvaluation
from headrace.seismic.inversion.iteration import begin_iteration
from headrace.seismic.inversion.next_work import requested_evaluations, split_events
from headrace.seismic.inversion.pictures import draw_pictures
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.records import append_history, record_stage
from headrace.seismic.inversion.results import gather_results
from headrace.seismic.inversion.steering import read_request, write_steering
from headrace.seismic.measurement.results import MISFIT_TABLE
from headrace.seismic.measurement.station_fits import fit_documents, read_fit_sums, total_fit_sums
from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, read_model, write_model
from headrace.seismic.solvers import Receiver, Source, write_simulation_event
from tests.support.seismic.ray_inversion import SETTINGS, HomeAndStaging

NAME: Final = "inversion"
COMPUTED_EVENTS: Final = 4
"""Events of the inversion that is computed."""

_SHAPE: Final = (21, 31)
_BANDS: Final = 'name = "long"\nperiods = [0.3, 2.0]\niterations = 2'
_EVENTS_OF_TASK: Final = 20


class ManyIterations:
    """An inversion at home in a project's ``data``, and computed in its ``scratch``.

    Args:
        root: the project.
        iterations: how many have ended.
        events: events of each.
        stations: stations of each event.
    """

    def __init__(self, root: Path, iterations: int, events: int, stations: int = 60) -> None:
        self.home = Paths(root / "data" / NAME)
        self.staging = Paths(root / "scratch" / NAME)
        sample = HomeAndStaging(root.parent / "computed", COMPUTED_EVENTS, stations)
        commands.start(sample.home.root)
        sample.run(0)
        draw_pictures(sample.staging.root, 0)
        self._sample = sample.staging
        self._make(iterations, events, stations)
        for number in range(iterations):
            self._iterate(number)
            self._bring_home(number)
        shutil.rmtree(root.parent / "computed")

    def _make(self, iterations: int, events: int, stations: int) -> None:
        paths = self.home
        for place in (paths.models, paths.iterations, paths.solver, self.staging.root):
            place.mkdir(parents=True)
        z, x = (Axis.even(name, "m", 0.0, 100.0, n) for name, n in zip("zx", _SHAPE, strict=True))
        layout = Layout((z, x), (FieldSpec("vp", "m/s"),), "float64")
        write_model(paths.model(0), layout, {"vp": np.full(_SHAPE, 2000.0)}, Provenance("start"))
        text = SETTINGS.format(events=events)
        text = text.replace(_BANDS, _BANDS.replace("= 2", f"= {iterations + 50}"))
        text = text.replace("[optimiser]", '[optimiser]\nmethod = "steepest_descent"')
        paths.settings.write_text(
            text.replace("events_per_task = 2", f"events_per_task = {_EVENTS_OF_TASK}")
        )
        write_steering(paths, Steering())
        for number in range(events):
            source = Source(200.0 + 2600.0 * number / events, 100.0, frequency=2.0)
            receivers = [
                Receiver("AA", f"S{one:02d}", 150.0 + 2700.0 * one / stations, 1900.0)
                for one in range(stations)
            ]
            write_simulation_event(paths.event(f"{number + 1:03d}"), source, receivers)
        append_history(paths.history, "start")
        commands.publish(paths, commands.first_request(paths.root))

    def _iterate(self, number: int) -> None:
        home, staging = self.home, self.staging
        if not number:
            shutil.copytree(home.events, staging.events)
        for path in (home.settings, home.steering, home.model(0), home.request(number)):
            target = staging.root / path.relative_to(home.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        inversion = open_inversion(staging.root)
        with record_stage(staging.records(number) / "check.jsonl", "check"):
            begin_iteration(inversion, read_request(staging, number))
        while True:
            task, work, source = requested_evaluations(inversion, inversion.optimiser())
            if task.iteration > number:
                break
            if task.kind in ("finished", "stopped"):
                raise SystemExit(f"iteration {number}: {task.reason}")
            source.prepare_directory()
            if task.kind == "gradient":
                self._report_gradient(inversion, number, work, source)
            else:
                self._evaluate(inversion, number, work)
                optimisation_stages.decide(staging.root, number)
        gather_results(staging.root, number)

    def _evaluate(self, inversion: Inversion, number: int, work: MisfitEvaluation) -> None:
        self._record_events(inversion, number, "forward", work.name)
        self._record_events(inversion, number, "windows", work.name)
        places = sorted(self._sample.evaluations.glob("000*"))
        fits = self._sample.evaluation(places[-1].name)
        tables = []
        for place, event in enumerate(inversion.events):
            target = work.files.windows(event)
            target.mkdir(parents=True, exist_ok=True)
            for file in fits.windows(f"{place % COMPUTED_EVENTS + 1:03d}").iterdir():
                if file.suffix in (".csv", ".json"):
                    os.link(file, target / file.name)
            tables.append(read_fit_sums(target / MISFIT_TABLE))
        difference, weights = _difference(work.model)
        misfit = 0.5 * float(np.sum(weights * difference**2))
        shares = np.random.default_rng(1).dirichlet(np.ones(len(inversion.events)))
        parts = dict(zip(inversion.events, (misfit * shares).tolist(), strict=True))
        document = {
            **{"misfit": sum(parts.values()), "windows": len(parts), "problems": []},
            **{"events": parts, "stations": fit_documents(total_fit_sums(tables))},
        }
        write_whole(work.files.misfit, json.dumps(document, indent=1) + "\n")

    def _report_gradient(
        self, inversion: Inversion, number: int, work: MisfitEvaluation, source: MisfitEvaluation
    ) -> None:
        work.prepare_directory()
        self._record_events(inversion, number, "adjoint", work.name)
        difference, weights = _difference(work.model)
        model = read_model(source.model)
        work.files.kernels.mkdir(exist_ok=True)
        files = [work.files.kernel(name) for name in ("sum", "preconditioned")]
        record = self.staging.records(number) / "update.jsonl"
        with record_stage(record, "update", work.name):
            for file in files:
                values = {"vp": weights * difference}
                write_model(file, model.layout, values, Provenance("kernel"), "kernel")
            inversion.optimiser().tell(work.name, gradient=files[0], preconditioned=files[1])

    def _record_events(
        self, inversion: Inversion, number: int, stage: str, evaluation: str
    ) -> None:
        for events in split_events(inversion, stage, inversion.events):
            path = self.staging.records(number) / f"{stage}.{evaluation}.{events[0]}.jsonl"
            cores = inversion.settings.resources[stage].cores
            with record_stage(path, stage, evaluation, cores) as record:
                record.computed.extend(events)
                if stage != "windows":
                    record.about["seconds_of_events"] = [0.0] * len(events)

    def _bring_home(self, number: int) -> None:
        home, box = self.home, self.staging.outbox / f"{number:03d}"
        pictures = self._sample.outbox / "000" / "results" / "pictures"
        with record_stage(self.staging.records(number) / "pictures.jsonl", "pictures"):
            shutil.copytree(pictures, box / "results" / "pictures")
        shutil.copytree(box / "results", home.results(number), dirs_exist_ok=True)
        shutil.copytree(box / "models", home.models, dirs_exist_ok=True)
        place = home.iteration(number + 1)
        place.mkdir(exist_ok=True)
        shutil.copyfile(box / "next" / "iteration.json", home.request(number + 1))
        home.marker(number + 1).touch()


def _difference(model: Path) -> tuple[Any, Any]:
    """Return the logarithm of a model less that of a wavy one, and the weight of each point."""
    values = np.asarray(read_model(model).fields["vp"])
    x = np.arange(_SHAPE[1])
    wavy = np.log(2000.0 * (1.0 + 0.1 * np.sin(x / 3.0)))
    # A long valley: many steps are taken before its end.
    weights = np.logspace(0.0, 3.0, _SHAPE[0])[:, np.newaxis] * np.ones(_SHAPE)
    return np.log(values) - wavy, weights
