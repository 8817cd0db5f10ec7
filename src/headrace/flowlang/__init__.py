"""The flow language: from a definition to a checked flow, and from state to state.

It promises purity: nothing here reads a file or a clock, or knows who executes a flow, and the same
events give the same state.

``parse``, ``parse_state``, ``parse_choice`` and ``reader`` make a ``model``; ``step`` goes from
state to state with ``payload``, ``parameters``, ``paths``, ``choice``, ``choice_operators`` and
``expressions``, and ``outcomes`` says what shall be done. ``runs`` keeps a run as its events;
``providers`` has the schemas of action providers; ``checker`` finds mistakes; ``drawing`` draws.
``limits`` lists what the hosted service does and does not document, ``metadata`` and ``web_inputs``
check what stands beside flows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.flowlang.checker import Finding, check_flow
    from headrace.flowlang.errors import (
        BudgetError,
        DefinitionError,
        ExpressionError,
        ExpressionSyntaxError,
        FlowLanguageError,
        PathError,
    )
    from headrace.flowlang.expressions import Expression, compile_expression
    from headrace.flowlang.json_values import payload_problem
    from headrace.flowlang.metadata import metadata_entries, run_metadata_entries
    from headrace.flowlang.model import Flow, State
    from headrace.flowlang.outcomes import (
        CallAction,
        Change,
        Failed,
        Moved,
        Outcome,
        Sleep,
        StateError,
    )
    from headrace.flowlang.parse import parse_flow
    from headrace.flowlang.paths import MISSING, Path, compile_path
    from headrace.flowlang.payload import Payload, TooLargeError
    from headrace.flowlang.step import complete_action, complete_wait, enter, raise_in, supply

__all__ = [
    "MISSING",
    "BudgetError",
    "CallAction",
    "Change",
    "DefinitionError",
    "Expression",
    "ExpressionError",
    "ExpressionSyntaxError",
    "Failed",
    "Finding",
    "Flow",
    "FlowLanguageError",
    "Moved",
    "Outcome",
    "Path",
    "PathError",
    "Payload",
    "Sleep",
    "State",
    "StateError",
    "TooLargeError",
    "check_flow",
    "compile_expression",
    "compile_path",
    "complete_action",
    "complete_wait",
    "enter",
    "metadata_entries",
    "parse_flow",
    "payload_problem",
    "raise_in",
    "run_metadata_entries",
    "supply",
]

__getattr__ = lazy_names(__name__)
