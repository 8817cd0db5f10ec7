"""Expressions that are none, or read what is not there."""

from __future__ import annotations

from tests.support.flowlang.handwritten_mistakes.edits import Mistake, edit

_TEXT = "d/States/Failed/Parameters/text.="
EXPRESSIONS: dict[str, Mistake] = {
    f"expression: {text}": edit("with_a_handler", _TEXT, text)
    for text in (
        "'failed in ' + threshold",
        "'failed in ' + $.failure.state_name",
        "'{} failed'.form(failure.state_name)",
        "os.path.basename(source.path)",
        "basename(source.path)",
        "now()",
        "lambda: source.path",
        "text = source.path",
        "source.path.name",
        "source.path.split('/')[-1].stem",
        "len(threshold)",
        "mode if threshold > '1' else 'x'",
        "mode == 'quick' ? 'a' : 'b'",
        "mode && source.path",
        "!mode",
        "'a' if quick else 'b'",
        "str(true)",
        "null",
        "source.path + / + mode",
        "'failed in ${failure.state_name}'",
        "'failed in {failure.state_name}'",
        "'failed in ' + failure.state_nam",
        "failure.cause.trim().foo(",
        "'failed in ' + mode + source",
        "States.Format('failed in {}', mode)",
        "[mode][1]",
        "1 / 0",
        "import os",
    )
}
