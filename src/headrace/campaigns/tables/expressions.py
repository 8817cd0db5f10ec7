"""Expressions in campaign files: the flow language's, over a member's row."""

from __future__ import annotations

from typing import Any

from headrace._internal.settings import RefusedValue, Text


class ExpressionText(Text):
    """An expression of the flow language; it is read as the text."""

    def __init__(self) -> None:
        super().__init__(empty=False, expected="an expression, such as \"charge != '0'\"")

    def parse(self, value: Any) -> str:
        """Return the text."""
        from headrace.flowlang.errors import ExpressionError
        from headrace.flowlang.expressions import compile_expression

        text = super().parse(value)
        try:
            compile_expression(text)
        except ExpressionError as error:
            raise RefusedValue(f"is no expression: {error}") from error
        return text
