"""Expressions (``.=``): Python's expression syntax over the payload, compiled once.

Python's own parser reads them; what each node does is decided here, from a short list. No Python
object but plain values is ever within reach, every value is weighed before it is made, and an
evaluation has a budget of steps.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace._internal.json_check import InvalidValue, Limits, check_json
from headrace._internal.terminal_text import terminal_text
from headrace.flowlang import limits
from headrace.flowlang.errors import (
    BudgetError,
    ExpressionError,
    ExpressionSyntaxError,
    MissingPathError,
)
from headrace.flowlang.expressions.compiler import Compiler
from headrace.flowlang.expressions.frame import Frame
from headrace.flowlang.expressions.functions import FUNCTIONS
from headrace.flowlang.expressions.loops import Run
from headrace.flowlang.expressions.methods import DICT_METHODS
from headrace.flowlang.expressions.results import to_json
from headrace.flowlang.expressions.syntax import parse_expression
from headrace.flowlang.paths import Path

__all__ = ["DICT_METHODS", "FUNCTIONS", "Expression", "compile_expression"]

_RESULT: Final = Limits(depth=limits.MAX_DEPTH)


@dataclass(frozen=True)
class Expression:
    """A compiled expression.

    Attributes:
        text: as it was written.
        tree: its syntax; names stand for the backquoted paths.
        paths: the backquoted paths, by those names.
    """

    text: str
    tree: ast.expr = field(compare=False)
    paths: Mapping[str, Path] = field(compare=False)
    _run: Run = field(repr=False, compare=False)
    _slots: int = field(repr=False, compare=False)
    _only_reads: bool = field(repr=False, compare=False)

    def evaluate(self, payload: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> Any:
        """Return the expression's value as JSON; the payload is only read.

        What is read as a whole from the payload is shared with it, as with a path.

        Args:
            payload: its members are the names.
            context: what ``_context`` shows.

        Raises:
            ExpressionError: it cannot be evaluated; the message has the expression.
            BudgetError: it would take too many steps, or make too large a value.
        """
        frame = Frame(payload, context or {}, self._slots)
        try:
            value = self._run(frame)
            if self._only_reads:
                return value
            if type(value) in (list, tuple, dict):
                frame.admit(value)
                if frame.height(value) > limits.MAX_DEPTH:
                    raise BudgetError(f"gives a value of more than {limits.MAX_DEPTH} levels")
            result = to_json(value)
            check_json(result, "a value", _RESULT)
            return result
        except InvalidValue as error:
            raise ExpressionError(f"{_shortened(self.text)}: gives {error}") from None
        except MissingPathError:
            raise
        except ExpressionError as error:
            raise type(error)(f"{_shortened(self.text)}: {error}") from None
        except (RecursionError, MemoryError):
            raise BudgetError(f"{_shortened(self.text)}: too deep or too large") from None
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            reason = terminal_text(" ".join(str(error).split())[:200])
            raise ExpressionError(
                f"{_shortened(self.text)}: {type(error).__name__}: {reason}"
            ) from None


def compile_expression(text: str) -> Expression:
    """Compile an expression.

    Args:
        text: as written after ``.=``.

    Raises:
        ExpressionSyntaxError: it is not of the language; the message has the expression.
    """
    if not isinstance(text, str):
        raise ExpressionSyntaxError("an expression must be a string")
    tree, paths = parse_expression(text)
    compiler = Compiler(paths)
    try:
        run = compiler.compile(tree)
    except ExpressionError as error:
        raise ExpressionSyntaxError(f"{_shortened(text)}: {error}") from None
    return Expression(text, tree, paths, run, compiler.slots, _only_reads(tree))


def _only_reads(tree: ast.expr) -> bool:
    """Say whether an expression names a part of the payload: what it gives is JSON already."""
    while isinstance(tree, ast.Attribute | ast.Subscript):
        if isinstance(tree, ast.Subscript) and not isinstance(tree.slice, ast.Constant):
            return False
        tree = tree.value
    return isinstance(tree, ast.Name)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:117] + "..."
