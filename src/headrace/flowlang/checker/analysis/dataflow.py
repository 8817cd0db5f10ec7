"""All situations in which a run can come to each state of a flow."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from headrace.flowlang.action_urls import AWAIT_WEB_INPUT
from headrace.flowlang.checker.analysis.abstract_state import Loss, Situation, Trail, added
from headrace.flowlang.checker.analysis.choice_conditions import refined
from headrace.flowlang.checker.analysis.json_types import (
    ANY,
    OBJECT,
    Shape,
    array,
    bounded,
    closed,
    exactly,
    from_value,
)
from headrace.flowlang.checker.analysis.lookup import assure, look, put
from headrace.flowlang.checker.analysis.provider_results import (
    CONTEXT,
    STATUS_MEMBERS,
    details_of,
    failure_of,
    status_documents,
)
from headrace.flowlang.checker.analysis.uses import Inferences, is_certain, readings, state_loc
from headrace.flowlang.checker.analysis.web_inputs import response_of
from headrace.flowlang.model import (
    ActionState,
    ChoiceState,
    ExpressionEvalState,
    Flow,
    PassState,
    State,
)
from headrace.flowlang.parameters import (
    ArrayTemplate,
    Computed,
    Constant,
    ObjectTemplate,
    Reference,
)
from headrace.flowlang.paths import CONTEXT_NAME, Path
from headrace.flowlang.providers import provider_of

# Situations of one state that are told apart: fewer in large flows, to answer in seconds.
_MOST: Final = 12
_MOST_IN_LARGE: Final = 3
_LARGE: Final = 150
# After so many situations the last ones of a state are joined, after so many nothing is claimed.
_JOIN_AFTER: Final = 60
_FORGET_AFTER: Final = 160


class DataFlow:
    """The situations of every state of a flow.

    Args:
        flow: the checked flow.
        inputs: what the run's input can be; each input is of one of the shapes.
        doubtful: states that the service refuses: of their results nothing is claimed.
    """

    def __init__(self, flow: Flow, inputs: Iterable[Shape], doubtful: Collection[str] = ()) -> None:
        self.flow = flow
        self._doubtful = doubtful
        self.inferences = Inferences()
        self._known: dict[str, list[Situation]] = {}
        self._most = _MOST if len(flow.states) <= _LARGE else _MOST_IN_LARGE
        self._settle([Situation(shape) for shape in inputs])

    def situations(self, name: str) -> list[Situation]:
        """Return the ways in which a run can come to a state; none if it cannot."""
        return self._known.get(name, [])

    def _settle(self, starts: list[Situation]) -> None:
        waiting: deque[tuple[str, Situation]] = deque()
        arrivals: dict[str, int] = {}

        def arrive(name: str, situation: Situation) -> None:
            arrivals[name] = arrivals.get(name, 0) + 1
            most = 1 if arrivals[name] > _JOIN_AFTER else self._most
            if arrivals[name] > _FORGET_AFTER:
                situation = Situation(bounded(Shape(situation.shape.kinds)), trail=situation.trail)
            known = added(self._known.get(name, []), situation, most)
            if known is None:
                return
            before = {id(s) for s in self._known.get(name, [])}
            self._known[name] = known
            waiting.extend((name, s) for s in known if id(s) not in before)

        for start in starts:
            arrive(self.flow.start_at, start)
        while waiting:
            name, situation = waiting.popleft()
            if not any(situation is known for known in self._known[name]):
                continue  # joined with another since
            for target, after in self.ways_out(self.flow.states[name], situation):
                arrive(target, replace(after, trail=Trail(name, (situation,))))

    def ways_out(self, state: State, before: Situation) -> Iterator[tuple[str, Situation]]:
        """Yield the states that can follow, and what is known there."""
        if isinstance(state, ChoiceState):
            left: Situation | None = before
            for rule, target in state.rules:
                taken = None if left is None else refined(rule, left, True)
                if taken is not None:
                    yield target, taken
                left = None if left is None else refined(rule, left, False)
            if state.default is not None and left is not None:
                yield state.default, left
            return
        for number, catcher in enumerate(getattr(state, "catch", ())):
            url = state.url if isinstance(state, ActionState) else ""
            failure, place = failure_of(url, catcher.errors), catcher.result_path.steps
            after = before.writes(put(before.shape, place, failure), place)
            if not place:
                loc = (*state_loc(state.name), "Catch", number)
                after = replace(after, loss=Loss(loc, before.shape, frozenset(failure.members)))
            yield catcher.next, after
        if state.next is not None:
            for after in self._after(state, before):
                yield state.next, after

    def _after(self, state: State, entered: Situation) -> Iterator[Situation]:
        before = self._went_well(state, entered)
        result_path = getattr(state, "result_path", None)
        results = self.results(state, before) if isinstance(result_path, Path) else None
        if results is None or not isinstance(result_path, Path):
            yield before
            return
        raw = self.flow.definition["States"][state.name]
        for result in results:
            placed = put(before.shape, result_path.steps, result).only(OBJECT)
            if placed is None:
                continue  # a payload is an object: the state fails
            after = before.writes(placed, result_path.steps)
            if isinstance(state, ActionState) and "ResultPath" not in raw:
                documented = self._documented(state, result)
                if documented is not None:
                    loss = Loss(state_loc(state.name), before.shape, documented)
                    after = replace(after, loss=loss)
            yield after

    def _documented(self, state: ActionState, result: Shape) -> frozenset[str] | None:
        """Return the members that an action's result is known to have, or None."""
        if not state.bare:
            return STATUS_MEMBERS
        return frozenset(result.members) if result.named else None

    def _went_well(self, state: State, before: Situation) -> Situation:
        """Return what is known once the state has read all that it reads."""
        shape = before.shape
        for reading in readings(state, before, self.inferences):
            if reading.steps and reading.steps[0] != CONTEXT_NAME and is_certain(reading):
                shape = assure(shape, reading.steps) or shape
        return before.learns(shape)

    def results(self, state: State, before: Situation) -> list[Shape] | None:
        """Return what a state can put at its ResultPath; None where it leaves the payload alone.

        Args:
            state: the state.
            before: how a run comes to it.
        """
        if state.name in self._doubtful:
            return [ANY]
        if isinstance(state, ActionState):
            return self._answers(state, before)
        result = self._result(state, before)
        return None if result is None else [result]

    def _answers(self, state: ActionState, before: Situation) -> list[Shape]:
        provider = provider_of(state.url)
        if state.url == AWAIT_WEB_INPUT:
            return [response_of(self.flow, state)]
        if state.bare:
            return details_of(provider)
        number = None
        if provider is not None and provider.results_per is not None:
            asked = look(self.body(state, before), (provider.results_per,)).shape
            number = asked.least if asked.least == asked.most else None
        return status_documents(state.url, not state.raises, number)

    def body(self, state: ActionState, before: Situation) -> Shape:
        """Return what an action is asked."""
        if state.parameters is not None:
            return self.evaluated(state.parameters, before.shape)
        return ANY if state.input_path is None else _at(state.input_path, before.shape)

    def _result(self, state: State, before: Situation) -> Shape | None:
        if isinstance(state, ExpressionEvalState):
            return self.evaluated(state.parameters, before.shape)
        if isinstance(state, PassState):
            if state.result is not None:
                return from_value(state.result)
            if state.parameters is not None:
                return self.evaluated(state.parameters, before.shape)
            if state.input_path is not None:
                return _at(state.input_path, before.shape)
            return before.shape if state.result_path.steps else None
        return None

    def evaluated(self, part: Any, shape: Shape) -> Shape:
        """Return what Parameters come to."""
        if isinstance(part, ObjectTemplate):
            members = {name: self.evaluated(member, shape) for name, member in part.members}
            return bounded(closed(members))
        if isinstance(part, ArrayTemplate):
            return exactly(self.evaluated(item, shape) for item in part.items)
        if isinstance(part, Constant):
            return from_value(part.value)
        if isinstance(part, Reference):
            return _at(part.path, shape)
        if isinstance(part, Computed):
            return self.inferences.of(part, shape).shape
        return ANY


def _at(path: Path, shape: Shape) -> Shape:
    if path.reads_context:
        return look(CONTEXT, path.steps[1:]).shape if path.is_single else ANY
    return look(shape, path.steps).shape if path.is_single else array()
