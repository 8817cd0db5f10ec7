"""The text of an expression as a tree: Python's syntax, and paths in backquotes."""

from __future__ import annotations

import ast
import re
from typing import Final

from headrace.flowlang import limits
from headrace.flowlang.errors import ExpressionSyntaxError, PathError
from headrace.flowlang.paths import Path, compile_path

_LONG_STRING: Final = r"""'{3}(?:\\.|[^\\])*?'{3}|"{3}(?:\\.|[^\\])*?"{3}"""
# Strings are passed over, so that a backquote within one stays what it is. A quote that nothing
# closes takes the rest of its line, so that it is not looked for again and again.
_TOKENS: Final = re.compile(
    _LONG_STRING + r"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|['"][^\n]*|`(?P<path>[^`]*)`""",
    re.DOTALL,
)
_OPEN_STRINGS: Final = re.compile(
    _LONG_STRING + r"""|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|['"].*""", re.DOTALL
)
_LINE_FEEDS: Final = re.compile(r"\\.|\n", re.DOTALL)


def parse_expression(text: str) -> tuple[ast.expr, dict[str, Path]]:
    """Parse an expression.

    Args:
        text: as written after ``.=``.

    Returns:
        The tree, and the paths that stood in backquotes by the names that stand for them in it.

    Raises:
        ExpressionSyntaxError: it is not an expression, too long or nested too deep.
    """
    if len(text) > limits.MAX_EXPRESSION_LENGTH:
        raise ExpressionSyntaxError(f"longer than {limits.MAX_EXPRESSION_LENGTH:,} characters")
    if not text.strip():
        raise ExpressionSyntaxError("an empty expression")
    try:
        return _parsed(text)
    except ExpressionSyntaxError as error:
        # Flows in production have strings that go on over a line's end, which Python refuses.
        mended = _OPEN_STRINGS.sub(_without_line_feeds, text) if "\n" in text else text
        try:
            return _parsed(mended)
        except ExpressionSyntaxError:
            raise error from None


def _parsed(text: str) -> tuple[ast.expr, dict[str, Path]]:
    prefix = "path_"
    while prefix in text:
        prefix += "_"
    paths: dict[str, Path] = {}

    def substitute(match: re.Match[str]) -> str:
        if match["path"] is None:
            return match[0]
        name = f"{prefix}{len(paths)}"
        paths[name] = compile_path(match["path"].strip())
        return f" {name} "

    try:
        tree = ast.parse(_TOKENS.sub(substitute, text).strip(), mode="eval").body
    except PathError as error:
        raise ExpressionSyntaxError(f"`...`: {error}") from None
    except SyntaxError as error:
        raise ExpressionSyntaxError(f"{_shorten(text)}: {_reason(error, text)}") from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionSyntaxError(f"{_shorten(text)}: {error or 'nested too deep'}") from None
    _check_depth(tree)
    return tree, paths


def _without_line_feeds(match: re.Match[str]) -> str:
    token = match[0]
    if token.startswith(("'''", '"""')):
        return token
    return _LINE_FEEDS.sub(lambda m: r"\n" if m[0] == "\n" else m[0], token)


def _check_depth(tree: ast.expr) -> None:
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > limits.MAX_EXPRESSION_DEPTH:
            raise ExpressionSyntaxError(
                f"nested deeper than {limits.MAX_EXPRESSION_DEPTH} levels: split it over states"
            )
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]


def _reason(error: SyntaxError, text: str) -> str:
    try:
        ast.parse(text.strip())
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return error.msg
    return "one expression is expected, no statement"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else line[:57] + "...")
