"""Rules that come with the checker, in the order in which they run."""

from __future__ import annotations

from typing import Final

from headrace.flowlang.checker.rules.action_parameters import parameters
from headrace.flowlang.checker.rules.actions import actions
from headrace.flowlang.checker.rules.choices import choices
from headrace.flowlang.checker.rules.input_schemas import input_schemas
from headrace.flowlang.checker.rules.loops import loops
from headrace.flowlang.checker.rules.overwriting import overwritten_inputs
from headrace.flowlang.checker.rules.registry import FlowRule
from headrace.flowlang.checker.rules.secrets import secrets
from headrace.flowlang.checker.rules.similar_names import similar_names
from headrace.flowlang.checker.rules.style import style, unread_inputs
from headrace.flowlang.checker.rules.suffixes import suffixes
from headrace.flowlang.checker.rules.transfer_direction import transfer_direction
from headrace.flowlang.checker.rules.types import type_mismatches
from headrace.flowlang.checker.rules.undefined import undefined_paths

# Findings of one position and severity keep the order of their rules.
BUILTIN_RULES: Final[tuple[FlowRule, ...]] = (
    undefined_paths,
    type_mismatches,
    parameters,
    choices,
    suffixes,
    loops,
    actions,
    secrets,
    similar_names,
    overwritten_inputs,
    transfer_direction,
    style,
    unread_inputs,
    input_schemas,
)
