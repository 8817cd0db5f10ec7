"""Optimiser with an ask-and-tell interface; its process may die between the two.

Every answer is on disk, whole, before ``tell`` returns. The vectors of the new state are written
first, under names that follow from the state, then ``state.json`` replaces the old one, then what
no state names any more is removed. A process killed anywhere leaves the old state or the new one,
and reporting the same again makes the same files.
"""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from typing import Literal, Self

from headrace.seismic.errors import ModelNotFinite, OptimiserError
from headrace.seismic.models import FieldReader, Provenance, content_of
from headrace.seismic.optimisation import transitions, vectors
from headrace.seismic.optimisation.line_search import (
    Accept,
    Flat,
    LineSearch,
    Trial,
    TryStep,
)
from headrace.seismic.optimisation.method_lookup import find_method
from headrace.seismic.optimisation.paths import OptimiserPaths
from headrace.seismic.optimisation.settings import Settings
from headrace.seismic.optimisation.state import Answer, Iteration, Pending, Phase, State, load, save
from headrace.seismic.optimisation.task import Task

_TAG = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SAME = 1e-6


class Optimiser:
    """Minimises a misfit by asking for misfits and gradients, through files, across crashes.

    The directory holds ``state.json``, ``models/NNN.h5`` (one per iteration),
    ``models/NNN_trial_KK.h5`` (of the running search) and ``vectors/``. One process at a time may
    report; anybody may read.

    Args:
        directory: where an optimisation was started with ``create``.

    Raises:
        OptimiserError: there is none.
    """

    def __init__(self, directory: Path) -> None:
        self._paths = OptimiserPaths(directory)
        self._state = load(self._paths.state)

    @classmethod
    def create(cls, directory: Path, model: Path, settings: Settings) -> Self:
        """Start an optimisation; with the same arguments again it opens the one that is there.

        Args:
            directory: where to keep it; made if missing.
            model: the first model; it is copied.
            settings: how to go about it.

        Returns:
            The optimiser.

        Raises:
            OptimiserError: another optimisation is in the directory, or the model is outside its
                bounds.
            ModelError: the model cannot be read.
        """
        paths = OptimiserPaths(directory)
        content = content_of(model)
        if paths.state.exists():
            known = content_of(paths.model("000"))
            if known != content or load(paths.state).settings != settings:
                raise OptimiserError(
                    f"{directory}: another optimisation is kept here; give another directory"
                )
            return cls(directory)
        vectors.check_model(model, settings)
        paths.publish(model, paths.model("000"))
        save(State(settings), paths.state)
        return cls(directory)

    @property
    def state(self) -> State:
        """The state as it is on disk; it is never changed in place."""
        return self._state

    @property
    def history(self) -> tuple[Iteration, ...]:
        """One record per iteration and objective, the running one last."""
        return self._state.history

    def model_file(self, name: str) -> Path:
        """Return the file of a model or trial by its name."""
        return self._paths.model(name)

    def ask(self) -> Task:
        """Return what is wanted next; asking changes nothing and may be repeated.

        Returns:
            The task. The trial model's file is there, made again if it was lost.
        """
        state = self._state
        model = self._paths.model(state.model)
        if state.phase in ("finished", "stopped"):
            kind: Literal["finished", "stopped"] = (
                "finished" if state.phase == "finished" else "stopped"
            )
            return Task(kind, state.evaluation, model, state.iteration, reason=state.reason)
        if state.phase == "trial":
            pending = transitions.require(state.pending)
            path = self._paths.model(pending.name)
            if not path.is_file():
                self._write_trial(state, pending.step, pending.name)
            return Task("misfit", pending.name, path, state.iteration, step=pending.step)
        if state.phase == "gradient":
            return Task("gradient", state.evaluation, model, state.iteration, state.forward)
        return Task("misfit_and_gradient", state.evaluation, model, state.iteration)

    def tell(
        self,
        name: str,
        *,
        misfit: float | None = None,
        gradient: Path | None = None,
        preconditioned: Path | None = None,
        problem: str = "",
    ) -> Task:
        """Take an answer and put the state after it on disk.

        An answer that is known already changes nothing. After a ``misfit_and_gradient`` task the
        misfit may be reported first and the gradient later.

        Args:
            name: the task's id.
            misfit: misfit of its model. That of a trial may be infinite or NaN, where its model
                cannot be computed: the step was too long, and a shorter one follows.
            gradient: file with the gradient with respect to the parametrised model: with
                parametrisation ``log`` the derivative with respect to the logarithm.
            preconditioned: file with what preconditioning and smoothing make of that gradient;
                without it the gradient itself gives the direction.
            problem: why a trial has no finite misfit.

        Returns:
            The next task.

        Raises:
            OptimiserError: nobody asked for this, the answer differs from the one before, or the
                misfit of a model that is no trial is not finite.
            ModelError: a gradient's file cannot be used.
        """
        if preconditioned is not None and gradient is None:
            raise OptimiserError(f"{name}: a preconditioned gradient is reported with its gradient")
        if misfit is not None and not math.isfinite(misfit):
            if not self._is_trial(name):
                raise OptimiserError(f"misfit of {name} is {misfit}: look at its simulations")
            problem = problem or f"its misfit is {misfit}"
            misfit = math.inf
        answer = Answer(
            misfit,
            None if gradient is None else content_of(gradient),
            None if preconditioned is None else content_of(preconditioned),
        )
        if not self._is_known(name, answer):
            self._apply_answer(name, misfit, gradient, preconditioned, answer, problem)
        return self.ask()

    def _is_trial(self, name: str) -> bool:
        """Return whether it is the trial that is awaited, or one that was reported already."""
        pending = self._state.pending
        if pending is not None and pending.name == name:
            return True
        return any(trial.name == name for row in self.history for trial in row.trials)

    def restart(self, settings: Settings) -> Task:
        """Start anew from the current model with other settings, or because the gradient changes.

        The misfit function stays, and with it the misfit of the current model; memory and
        direction go, and the gradient is wanted again. It also goes on from a search that has
        finished or stopped.

        Args:
            settings: how to go about it from now on.

        Returns:
            The next task.

        Raises:
            OptimiserError: a line search is under way, or the current model is outside its bounds.
        """
        state = self._state
        if state.phase == "trial":
            raise OptimiserError(
                f"a line search is under way in iteration {state.iteration}: other settings hold "
                "from the next iteration on"
            )
        vectors.check_model(self._paths.model(state.model), settings)
        answers = dict(state.answers)
        if state.evaluation in answers:
            answers[state.evaluation] = Answer(answers[state.evaluation].misfit)
        self._commit(
            State(
                settings=settings,
                phase="evaluate" if state.misfit is None else "gradient",
                iteration=state.iteration,
                objectives=state.objectives,
                evaluation=state.evaluation,
                misfit=state.misfit,
                forward=state.forward,
                trial_count=state.trial_count,
                answers=answers,
                history=state.history,
            )
        )
        return self.ask()

    def keep_model(self) -> Task:
        """Make the current model the next one as well, where no better one was found.

        Only after an optimisation has finished, so that an inversion can go on with what comes
        next; done again it changes nothing.

        Returns:
            The next task: the gradient of the same model.
        """
        if self._state.phase == "finished":
            self._commit(transitions.keep_model(self._state, self._paths))
        return self.ask()

    def begin_objective(self, tag: str) -> Task:
        """Start anew from the current model with another misfit function: band, windows, data.

        The memory is dropped, for its gradients belong to another function, and a running line
        search is given up. The same tag again changes nothing.

        Args:
            tag: name of the new misfit function, for example ``band_2``; it becomes part of ids.

        Returns:
            The next task: misfit and gradient of the current model.

        Raises:
            OptimiserError: the tag cannot be used, or was used before the present one.
        """
        state = self._state
        if not _TAG.fullmatch(tag) or tag.startswith("trial"):
            raise OptimiserError(f"{tag!r} cannot be a tag: use letters a-z, digits, - and _")
        if tag == state.objectives[-1]:
            return self.ask()
        if tag in state.objectives:
            raise OptimiserError(f"{tag} is over already; {state.objectives[-1]} is in force")
        self._commit(
            State(
                settings=state.settings,
                iteration=state.iteration,
                objectives=(*state.objectives, tag),
                evaluation=f"{state.model}_{tag}",
                trial_count=state.trial_count,
                answers=state.answers,
                history=state.history,
            )
        )
        return self.ask()

    def _is_known(self, name: str, answer: Answer) -> bool:
        """Return whether all of an answer was reported before."""
        known = self._state.answers.get(name)
        if known is None:
            return False
        new_values, had = dataclasses.astuple(answer), dataclasses.astuple(known)
        for new, old in zip(new_values, had, strict=True):
            if new is None or old is None or new == old:
                continue
            if isinstance(new, float) and abs(new - old) <= _SAME * abs(old):
                continue
            raise OptimiserError(
                f"{name} was reported before and differs now ({old} then, {new} now); "
                "the first answer stays"
            )
        return all(new is None or old is not None for new, old in zip(new_values, had, strict=True))

    def _apply_answer(
        self,
        name: str,
        misfit: float | None,
        gradient: Path | None,
        preconditioned: Path | None,
        answer: Answer,
        problem: str,
    ) -> None:
        state, task = self._state, self.ask()
        if task.kind in ("finished", "stopped"):
            raise OptimiserError(f"{name}: nothing was asked, it has {task.kind}: {task.reason}")
        if name != task.name:
            raise OptimiserError(f"{name}: not what was asked; {task.kind} of {task.name} is")
        if misfit is None and task.kind in ("misfit", "misfit_and_gradient"):
            raise OptimiserError(f"{name}: its misfit was asked for and is missing")
        if gradient is None and task.kind == "gradient":
            raise OptimiserError(f"{name}: its gradient was asked for and is missing")
        if gradient is not None and task.kind == "misfit":
            raise OptimiserError(f"{name}: only its misfit was asked for")
        before = state.answers.get(name, Answer())
        merged = Answer(
            before.misfit if misfit is None else misfit, answer.gradient, answer.preconditioned
        )
        state = dataclasses.replace(state, answers={**state.answers, name: merged})
        if task.kind == "misfit":
            self._commit(self._after_trial(state, transitions.require(misfit), problem))
            return
        if misfit is not None:
            state = dataclasses.replace(state, misfit=misfit, phase="gradient")
        if gradient is not None:
            state = transitions.keep_gradient(state, self._paths, gradient, preconditioned)
            state = transitions.update_memory(state, self._paths)
            state = self._start_line_search(state)
        self._commit(state)

    def _start_line_search(self, state: State, note: str = "") -> State:
        """Chooses a direction and write its first trial."""
        state = transitions.new_direction(state, self._paths, note)
        if state.phase == "finished" or state.search is None:
            return state
        return self._continue_line_search(state)

    def _after_trial(self, state: State, misfit: float, problem: str) -> State:
        pending = transitions.require(state.pending)
        trial = Trial(pending.name, pending.step, misfit, pending.predicted, problem)
        return self._continue_line_search(transitions.add_trial(state, trial))

    def _continue_line_search(self, state: State) -> State:
        search: LineSearch = transitions.require(state.search)
        decision = find_method(state.settings.method).next_decision(search, state.settings)
        if isinstance(decision, TryStep):
            name = f"{state.model}_trial_{state.trial_count + 1:02d}"
            state = dataclasses.replace(state, trial_count=state.trial_count + 1)
            try:
                predicted = self._write_trial(state, decision.step, name)
            except ModelNotFinite as error:  # so long a step that its model is not finite
                predicted = search.slope * decision.step
                trial = Trial(name, decision.step, math.inf, predicted, str(error))
                return self._continue_line_search(transitions.add_trial(state, trial))
            pending = Pending(name, decision.step, predicted)
            return dataclasses.replace(state, phase="trial", pending=pending)
        if isinstance(decision, Accept):
            return transitions.accept_trial(state, self._paths, decision.trial)
        if state.given_up or not transitions.has_memory(state):
            phase: Phase = "finished" if isinstance(decision, Flat) else "stopped"
            return dataclasses.replace(state, phase=phase, reason=decision.reason)
        state = dataclasses.replace(transitions.drop_memory(state), given_up=True)
        return self._start_line_search(state, note=f"memory dropped: {decision.reason}")

    def _write_trial(self, state: State, step: float, name: str) -> float:
        model = self._paths.model(state.model)
        with FieldReader(model) as reader:
            parent = reader.parent
        return vectors.write_trial(
            model,
            self._paths.vector(transitions.require(state.gradient)),
            self._paths.vector(transitions.require(state.direction)),
            step,
            self._paths.model(name),
            state.settings,
            Provenance(
                "step of the optimiser",
                parents=(parent,),
                settings={
                    "name": name,
                    "step": step,
                    "direction": state.history[-1].direction,
                    "objective": state.objectives[-1],
                },
            ),
        )

    def _commit(self, state: State) -> None:
        save(state, self._paths.state)
        self._state = state
        self._paths.clean(state)
