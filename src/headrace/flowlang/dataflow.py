"""What can be in the payload at every state, over all routes through a flow."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from headrace.flowlang.choice import AllRule, AnyRule, CompareRule, NotRule, TestRule
from headrace.flowlang.model import (
    ActionState,
    ChoiceState,
    ExpressionEvalState,
    FailState,
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
from headrace.flowlang.paths import CONTEXT_NAME, Path, Step
from headrace.flowlang.providers import status_document
from headrace.flowlang.reads import reads_of
from headrace.flowlang.shapes import (
    ANY,
    SCALAR,
    Presence,
    Shape,
    array,
    assure,
    closed,
    forget,
    from_value,
    is_large,
    join,
    look,
    put,
)

# Shapes are bounded in depth, so the rounds end; this cuts off what we did not think of.
_MAX_VISITS: Final = 200
_FAILURE: Final = closed(state_name=SCALAR, exception=SCALAR, cause=ANY)

Loc = tuple[Any, ...]
Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Lookup:
    """One place of the payload that a state reads.

    Attributes:
        state: the state.
        loc: where the reading stands in the definition.
        steps: the way to the place.
        presence: whether something can be there.
    """

    state: str
    loc: Loc
    steps: Steps
    presence: Presence


class DataFlow:
    """The shapes of the payload in a flow.

    Args:
        flow: the checked flow.
        input_shape: what is known of the run's input.
    """

    def __init__(self, flow: Flow, input_shape: Shape) -> None:
        self._flow = flow
        start = Shape("object") if input_shape.kind == "any" else input_shape
        self._before: dict[str, Shape] = {flow.start_at: start}
        self._edges: dict[str, dict[str, Shape]] = {}  # target -> source -> shape on the way
        self._settle()

    def lookups(self) -> Iterator[Lookup]:
        """Yields every reading that a run could come to, with what is known of its place."""
        for name, state in self._flow.states.items():
            shape = self._before.get(name)
            if shape is None:
                continue
            for loc, steps, guarded, refined in _readings(state, shape):
                if guarded or not steps or steps[0] == CONTEXT_NAME:
                    continue
                yield Lookup(name, loc, steps, look(refined, steps)[0])

    def known_paths(self, state: str) -> list[str]:
        """Returns the paths that are known to be possible at a state."""
        return list(_paths(self._before[state], "$", 0))

    def route_without(self, state: str, steps: Steps) -> list[str]:
        """Returns a route to a state on which a place may be left empty."""
        route, seen = [state], {state}
        while route[0] != self._flow.start_at:
            sources = self._edges.get(route[0], {})
            lacking = [
                source
                for source, shape in sources.items()
                if source not in seen and look(shape, steps)[0] < Presence.UNKNOWN
            ]
            following = lacking or [source for source in sources if source not in seen]
            if not following:
                break
            route.insert(0, following[0])
            seen.add(following[0])
        return route

    def _settle(self) -> None:
        waiting = deque([self._flow.start_at])
        visits: dict[str, int] = {}
        while waiting:
            name = waiting.popleft()
            visits[name] = visits.get(name, 0) + 1
            for target, shape in _ways_out(self._flow.states[name], self._before[name]):
                edges = self._edges.setdefault(target, {})
                edges[name] = join(edges[name], shape) if name in edges else shape
                before = self._before.get(target)
                after = shape if before is None else join(before, shape)
                if visits.get(target, 0) > _MAX_VISITS or is_large(after):
                    after = Shape("object")
                if after != before:
                    self._before[target] = after
                    if target not in waiting:
                        waiting.append(target)


def _ways_out(state: State, before: Shape) -> Iterator[tuple[str, Shape]]:
    if isinstance(state, ChoiceState):
        left: Shape | None = before
        for rule, target in state.rules:
            taken = None if left is None else _refined(rule, left, True)
            if taken is not None:
                yield target, taken
            left = None if left is None else _refined(rule, left, False)
        if state.default is not None and left is not None:
            yield state.default, left
        return
    if isinstance(state, ActionState):
        for catcher in state.catch:
            yield catcher.next, put(before, catcher.result_path.steps, _FAILURE)
    if state.next is not None:
        yield state.next, _after(state, before)


def _after(state: State, before: Shape) -> Shape:
    if isinstance(state, ActionState):
        document = status_document(state.url, not state.raises)
        return put(before, state.result_path.steps, document)
    if isinstance(state, ExpressionEvalState):
        return put(before, state.result_path.steps, _evaluated(state.parameters, before))
    if isinstance(state, PassState):
        if state.result is not None:
            value = from_value(state.result)
        elif state.parameters is not None:
            value = _evaluated(state.parameters, before)
        elif state.input_path is not None:
            value = look(before, state.input_path.steps)[1]
        else:
            value = before
        return put(before, state.result_path.steps, value)
    return before


def _evaluated(part: Any, before: Shape) -> Shape:
    if isinstance(part, ObjectTemplate):
        return closed({name: _evaluated(member, before) for name, member in part.members})
    if isinstance(part, ArrayTemplate):
        return array()
    if isinstance(part, Constant):
        return from_value(part.value)
    if isinstance(part, Reference):
        return look(before, part.path.steps)[1] if part.path.is_single else ANY
    return ANY


def _refined(rule: Any, before: Shape, holds: bool) -> Shape | None:
    """Returns what is known where a rule holds, or does not; None where that cannot be."""
    if isinstance(rule, NotRule):
        return _refined(rule.rule, before, not holds)
    if isinstance(rule, AllRule | AnyRule):
        return _all_refined(rule, before, holds)
    if isinstance(rule, TestRule) and rule.name == "IsPresent":
        presence = look(before, rule.variable.steps)[0]
        if rule.variable.steps[:1] == (CONTEXT_NAME,) or not rule.variable.is_single:
            return before
        if rule.expected is holds:
            return None if presence == Presence.CANNOT else assure(before, rule.variable.steps)
        return None if presence == Presence.MUST else forget(before, rule.variable.steps)
    # A comparison with what is not there fails the run: after one, it was there.
    paths = [rule.variable]
    if isinstance(rule, CompareRule) and isinstance(rule.operand, Path):
        paths.append(rule.operand)
    for path in paths:
        if path.is_single and not path.reads_context:
            if look(before, path.steps)[0] == Presence.CANNOT:
                return None
            before = assure(before, path.steps)
    return before


def _all_refined(rule: AllRule | AnyRule, before: Shape, holds: bool) -> Shape | None:
    # What keeps asking: an And goes on while its rules hold, an Or while they do not.
    goes_on = isinstance(rule, AllRule)
    known: Shape | None = before
    stopped: Shape | None = None
    for inner in rule.rules:
        if known is None:
            break
        out = _refined(inner, known, not goes_on)
        if out is not None:
            stopped = out if stopped is None else join(stopped, out)
        known = _refined(inner, known, goes_on)
    return known if holds is goes_on else stopped


Reading = tuple[Loc, Steps, bool, Shape]


def _readings(state: State, before: Shape) -> Iterator[Reading]:
    loc: Loc = ("definition", "States", state.name)
    for member in ("input_path", "seconds_path", "timestamp_path"):
        path = getattr(state, member, None)
        if isinstance(path, Path):
            yield (*loc, _camel(member)), path.steps, False, before
    if isinstance(state, FailState):
        for name, value in (("ErrorPath", state.error), ("CausePath", state.cause)):
            if isinstance(value, Path):
                yield (*loc, name), value.steps, False, before
    if isinstance(state, ActionState | ExpressionEvalState | PassState) and state.parameters:
        yield from _template(state.parameters, (*loc, "Parameters"), before)
    if isinstance(state, ChoiceState):
        left: Shape | None = before
        for number, (rule, _) in enumerate(state.rules):
            if left is not None:
                yield from _rule(rule, (*loc, "Choices", number), left)
                left = _refined(rule, left, False)


def _template(part: Any, loc: Loc, before: Shape) -> Iterator[Reading]:
    if isinstance(part, Reference):
        yield (*loc[:-1], part.key), part.path.steps, not part.path.is_single, before
    elif isinstance(part, Computed):
        for read in reads_of(part.expression):
            yield (*loc[:-1], part.key), read.steps, read.guarded, before
    elif isinstance(part, ObjectTemplate):
        for name, member in part.members:
            yield from _template(member, (*loc, name), before)
    elif isinstance(part, ArrayTemplate):
        for number, item in enumerate(part.items):
            yield from _template(item, (*loc, number), before)


def _rule(rule: Any, loc: Loc, before: Shape) -> Iterator[Reading]:
    if isinstance(rule, AllRule | AnyRule):
        name = "And" if isinstance(rule, AllRule) else "Or"
        for number, inner in enumerate(rule.rules):
            yield from _rule(inner, (*loc, name, number), before)
            # The rules of an And are asked one after the other, those of an Or while none held.
            after = _refined(inner, before, isinstance(rule, AllRule))
            if after is None:
                return
            before = after
        return
    if isinstance(rule, NotRule):
        yield from _rule(rule.rule, (*loc, "Not"), before)
        return
    guarded = isinstance(rule, TestRule) and rule.name == "IsPresent"
    yield (*loc, "Variable"), rule.variable.steps, guarded, before
    if isinstance(rule, CompareRule) and isinstance(rule.operand, Path):
        yield (*loc, f"{rule.name}Path"), rule.operand.steps, False, before


def _paths(shape: Shape, text: str, depth: int) -> Iterator[str]:
    if depth < 6:
        for name, member in shape.members.items():
            yield f"{text}.{name}"
            yield from _paths(member.shape, f"{text}.{name}", depth + 1)


def _camel(member: str) -> str:
    return "".join(part.capitalize() for part in member.split("_"))
