"""Data flow analysis: abstract interpretation of a flow, by a worklist, to a fixpoint."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from headrace.flowlang.action_urls import AWAIT_WEB_INPUT
from headrace.flowlang.checker.analysis.abstract_state import (
    AbstractState,
    Overwrite,
    Provenance,
    add_state,
)
from headrace.flowlang.checker.analysis.choice_conditions import refine_both_ways
from headrace.flowlang.checker.analysis.json_types import ANY, OBJECT, JsonType
from headrace.flowlang.checker.analysis.lattice import widen
from headrace.flowlang.checker.analysis.lookup import assign, get, require
from headrace.flowlang.checker.analysis.provider_results import (
    CONTEXT,
    STATUS_MEMBERS,
    details_types,
    failure_type,
    status_types,
)
from headrace.flowlang.checker.analysis.type_constructors import (
    array,
    array_of,
    closed_object,
    type_of_value,
)
from headrace.flowlang.checker.analysis.uses import InferenceCache, is_certain, state_loc, uses
from headrace.flowlang.checker.analysis.web_inputs import web_input_response_type
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
from headrace.flowlang.providers import Provider, ProviderCatalogue

# Abstract states of one state that are kept apart: fewer in large flows, to answer in seconds.
_MAX_STATES: Final = 12
_MAX_STATES_IN_LARGE: Final = 3
_LARGE: Final = 150
# After so many arrivals the abstract states of a state are joined, after so many widened.
_JOIN_AFTER: Final = 60
_WIDEN_AFTER: Final = 160


class DataFlow:
    """Abstract states of every state of a flow, at the fixpoint.

    Args:
        flow: the checked flow.
        inputs: what the run's input can be; each input is of one of the types.
        providers: the action providers whose schemas are known.
        unchecked_states: states that the service refuses: of their results nothing is claimed.
    """

    def __init__(
        self,
        flow: Flow,
        inputs: Iterable[JsonType],
        providers: ProviderCatalogue,
        unchecked_states: Collection[str] = (),
    ) -> None:
        self.flow = flow
        self.providers = providers
        self._unchecked_states = unchecked_states
        self.inferences = InferenceCache()
        self._known: dict[str, list[AbstractState]] = {}
        self._max_states = _MAX_STATES if len(flow.states) <= _LARGE else _MAX_STATES_IN_LARGE
        self._solve([AbstractState(json_type) for json_type in inputs])

    def provider_of(self, state: State) -> Provider | None:
        """Return the provider that a state calls, where it is an Action and its provider known."""
        return self.providers.find(state.url) if isinstance(state, ActionState) else None

    def states_at(self, name: str) -> list[AbstractState]:
        """Return the abstract states with which a run can enter a state; none if it cannot."""
        return self._known.get(name, [])

    def _solve(self, initial: list[AbstractState]) -> None:
        worklist: deque[tuple[str, AbstractState]] = deque()
        arrivals: dict[str, int] = {}

        def add_arrival(name: str, entry_state: AbstractState) -> None:
            arrivals[name] = arrivals.get(name, 0) + 1
            limit = 1 if arrivals[name] > _JOIN_AFTER else self._max_states
            if arrivals[name] > _WIDEN_AFTER:
                entry_state = AbstractState(
                    widen(JsonType(entry_state.payload.kinds)), provenance=entry_state.provenance
                )
            known = add_state(self._known.get(name, []), entry_state, limit)
            if known is None:
                return
            before = {id(s) for s in self._known.get(name, [])}
            self._known[name] = known
            worklist.extend((name, s) for s in known if id(s) not in before)

        for start in initial:
            add_arrival(self.flow.start_at, start)
        while worklist:
            name, entry_state = worklist.popleft()
            if not any(entry_state is known for known in self._known[name]):
                continue  # was joined with another
            for target, after in self.successors(self.flow.states[name], entry_state):
                add_arrival(target, replace(after, provenance=Provenance(name, (entry_state,))))

    def successors(
        self, state: State, before: AbstractState
    ) -> Iterator[tuple[str, AbstractState]]:
        """Yield the states that can follow, each with its abstract state: the transfer function."""
        if isinstance(state, ChoiceState):
            left: AbstractState | None = before
            for rule, target in state.rules:
                if left is None:
                    break
                taken, left = refine_both_ways(rule, left)
                if taken is not None:
                    yield target, taken
            if state.default is not None and left is not None:
                yield state.default, left
            return
        for number, catcher in enumerate(getattr(state, "catch", ())):
            failure = failure_type(self.provider_of(state), catcher.errors)
            place = catcher.result_path.steps
            after = before.assign(assign(before.payload, place, failure), place)
            if not place:
                loc = (*state_loc(state.name), "Catch", number)
                after = replace(
                    after, overwrite=Overwrite(loc, before.payload, frozenset(failure.members))
                )
            yield catcher.next, after
        if state.next is not None:
            for after in self._after_success(state, before):
                yield state.next, after

    def _after_success(self, state: State, entered: AbstractState) -> Iterator[AbstractState]:
        before = self._after_reads(state, entered)
        result_path = getattr(state, "result_path", None)
        results = self.results(state, before) if isinstance(result_path, Path) else None
        if results is None or not isinstance(result_path, Path):
            yield before
            return
        raw = self.flow.definition["States"][state.name]
        for result in results:
            placed = assign(before.payload, result_path.steps, result).restrict(OBJECT)
            if placed is None:
                continue  # a payload is an object: the state fails
            after = before.assign(placed, result_path.steps)
            if isinstance(state, ActionState) and "ResultPath" not in raw:
                documented = self._documented(state, result)
                if documented is not None:
                    overwrite = Overwrite(state_loc(state.name), before.payload, documented)
                    after = replace(after, overwrite=overwrite)
            yield after

    def _documented(self, state: ActionState, result: JsonType) -> frozenset[str] | None:
        """Return the members that an action's result is known to have, or None."""
        if not state.bare:
            return STATUS_MEMBERS
        return frozenset(result.members) if result.documented else None

    def _after_reads(self, state: State, before: AbstractState) -> AbstractState:
        """Refine an abstract state by what a state has read, once it did not fail."""
        json_type = before.payload
        for use in uses(state, before, self.inferences):
            if use.steps and use.steps[0] != CONTEXT_NAME and is_certain(use):
                json_type = require(json_type, use.steps) or json_type
        return before.refine(json_type)

    def results(self, state: State, before: AbstractState) -> list[JsonType] | None:
        """Return the types of a state's result; None where it does not change the payload.

        Args:
            state: the state.
            before: abstract state at its entry.
        """
        if state.name in self._unchecked_states:
            return [ANY]
        if isinstance(state, ActionState):
            return self._action_results(state, before)
        result = self._result(state, before)
        return None if result is None else [result]

    def _action_results(self, state: ActionState, before: AbstractState) -> list[JsonType]:
        provider = self.provider_of(state)
        if state.url == AWAIT_WEB_INPUT:
            return [web_input_response_type(self.flow, state)]
        if state.bare:
            return details_types(provider)
        number = None
        if provider is not None and provider.results_per is not None:
            asked = get(self.body(state, before), (provider.results_per,)).json_type
            number = asked.min_items if asked.min_items == asked.max_items else None
        return status_types(state.url, provider, not state.raises, number)

    def body(self, state: ActionState, before: AbstractState) -> JsonType:
        """Return the type of an action's body."""
        if state.parameters is not None:
            return self.evaluate(state.parameters, before.payload)
        return ANY if state.input_path is None else _resolve(state.input_path, before.payload)

    def _result(self, state: State, before: AbstractState) -> JsonType | None:
        if isinstance(state, ExpressionEvalState):
            return self.evaluate(state.parameters, before.payload)
        if isinstance(state, PassState):
            if state.result is not None:
                return type_of_value(state.result)
            if state.parameters is not None:
                return self.evaluate(state.parameters, before.payload)
            if state.input_path is not None:
                return _resolve(state.input_path, before.payload)
            return before.payload if state.result_path.steps else None
        return None

    def evaluate(self, part: Any, json_type: JsonType) -> JsonType:
        """Return the type of evaluated Parameters."""
        if isinstance(part, ObjectTemplate):
            members = {name: self.evaluate(member, json_type) for name, member in part.members}
            return widen(closed_object(members))
        if isinstance(part, ArrayTemplate):
            return array_of(self.evaluate(item, json_type) for item in part.items)
        if isinstance(part, Constant):
            return type_of_value(part.value)
        if isinstance(part, Reference):
            return _resolve(part.path, json_type)
        if isinstance(part, Computed):
            return self.inferences.infer(part, json_type).json_type
        return ANY


def _resolve(path: Path, json_type: JsonType) -> JsonType:
    if path.reads_context:
        return get(CONTEXT, path.steps[1:]).json_type if path.is_single else ANY
    return get(json_type, path.steps).json_type if path.is_single else array()
