"""The flow language: from a definition to a checked flow, and from state to state.

Nothing here reads a file or a clock, or knows who executes a flow.
"""

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
from headrace.flowlang.outcomes import CallAction, Change, Failed, Moved, Outcome, Sleep, StateError
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
