"""The Expression Evaluation action provider."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

from headrace.facility.errors import ActionRejected
from headrace.facility.providers.addresses import EXPRESSION_EVAL
from headrace.facility.providers.base import ProviderBase
from headrace.facility.providers.bodies import check_body
from headrace.facility.store.actions import SUCCEEDED, Action, ActionResult
from headrace.flowlang import ExpressionError, PathError, compile_expression
from headrace.flowlang.paths import compile_reference


class ExpressionEvalProvider(ProviderBase):
    """Evaluates expressions at once, by the language's own evaluator."""

    url = EXPRESSION_EVAL

    def new_id(self) -> str:
        """Return an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> ActionResult:
        """Evaluate the body's expressions; a later result overwrites an earlier one.

        Raises:
            ActionRejected: the body is not written as it must be, or an expression fails.
        """
        del db
        check_body(EXPRESSION_EVAL, action.body)
        details: dict[str, Any] = {}
        for item in action.body.get("expressions", [action.body]):
            details = _evaluated(item, details)
        return ActionResult(SUCCEEDED, details)

    def begin(self, action: Action) -> None:
        """Do nothing: all is done when the action is accepted."""

    def cancel(self, action: Action) -> None:
        """Do nothing, likewise."""


def _evaluated(item: dict[str, Any], details: dict[str, Any]) -> dict[str, Any]:
    arguments, path = item.get("arguments") or {}, item.get("result_path") or "result"
    try:
        value = compile_expression(item["expression"]).evaluate(arguments)
        reference = compile_reference(path if path.startswith("$") else f"$.{path}")
        return reference.place(details, value)
    except (ExpressionError, PathError) as error:
        raise ActionRejected("ExpressionError", str(error)) from error


__all__ = ["EXPRESSION_EVAL", "ExpressionEvalProvider"]
