"""Expressions: the same answers as simpleeval's, and nothing changed or handed out.

What single expressions give is in the conformance suite, what they are refused for in the attacks.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
from typing import Any

import pytest
import simpleeval
from hypothesis import example, given
from hypothesis import strategies as st

from headrace.flowlang import ExpressionError, compile_expression, compile_path
from tests.support.examples import examples

PAYLOAD: dict[str, Any] = {
    "n": 3,
    "x": 1.5,
    "s": "abc",
    "path": "/foo/bar blech/",
    "files": [{"name": "one", "size": 1}, {"name": "two", "size": 2}],
    "o": {"items": [1], "k": {"v": 7}},
    "numbers": [3, 1, 2],
    "words": ["b", "a", "ab"],
    "flag": True,
    "nothing": None,
}
CONTEXT = {"run_id": "r-1"}


def evaluate(text: str) -> Any:
    return compile_expression(text).evaluate(PAYLOAD, CONTEXT)


def test_what_an_expression_makes_of_the_payload_is_a_copy() -> None:
    before = copy.deepcopy(PAYLOAD)
    result = evaluate("[files, {**o}, numbers + [1]]")
    result[0][0]["name"] = "changed"
    result[1]["k"]["v"] = "changed"
    assert before == PAYLOAD


@pytest.mark.parametrize(
    ("text", "path"),
    [("files", "$.files"), ("o.k", "$.o.k"), ("`$.o.k`", "$.o.k"), ("o['items']", "$.o.items")],
)
def test_what_is_only_read_is_shared_as_with_a_path(text: str, path: str) -> None:
    assert evaluate(text) is compile_path(path).resolve(PAYLOAD, CONTEXT)


def test_a_listing_of_files_is_well_within_the_budget() -> None:
    listing = [{"name": f"station_{n:04d}.sem", "type": "file", "size": n} for n in range(1500)]
    expression = compile_expression(
        "[{'source_path': root + i.name, 'destination_path': '/out/%s' % i.name.lower()}"
        " for i in ls.details.DATA if i.type == 'file' and i.name.endswith('.sem')]"
    )
    result = expression.evaluate({"root": "/in/", "ls": {"details": {"DATA": listing}}})
    assert len(result) == 1500
    missing = compile_expression("[a for a in one if a not in other]")
    names = [item["name"] for item in listing[:1000]]
    assert missing.evaluate({"one": names, "other": names[1:]}) == names[:1]


def test_a_string_may_go_on_over_a_line_s_end() -> None:
    assert evaluate("'one\ntwo' + \"\n\" + '''\n'''") == "one\ntwo\n\n"
    assert evaluate("'a\\\nb' + 'c\n'") == "abc\n"
    assert evaluate("(n # it's\n + 1)") == 4
    with pytest.raises(ExpressionError, match="unterminated"):
        evaluate("'a\n")


# {n} is a place for a number, {s} for a string, {l} a list, {o} an object, {b} a truth, {a} any.
# Each line is a kind and one way to make it.
GRAMMAR = r"""
n 0
n 1
n 2
n 7
n 1.5
n -0.5
n 1e3
n n
n x
n o.k.v
n files[0].size
n numbers[0]
n ({n} + {n})
n ({n} - {n})
n ({n} * {n})
n ({n} / {n})
n ({n} // {n})
n ({n} % {n})
n ({n} ** {n})
n ({n} << {n})
n ({n} >> {n})
n ({n} & {n})
n ({n} | {n})
n ({n} ^ {n})
n (-{n})
n (+{n})
n (~{n})
n int({a})
n float({a})
n {s}.find({s})
n {s}.count({s})
n {l}.count({a})
n {l}.index({a})
n {n}.bit_length()
n ({n} if {b} else {n})
n {l}[{n}]
n {o}.get('a', {n})
s s
s path
s ''
s 'ab'
s ' a b '
s 'B-b'
s words[1]
s files[-1]['name']
s ({s} + {s})
s ({s} * {n})
s str({a})
s {s}[{n}]
s {s}[{n}:]
s {s}[:{n}:{n}]
s {s}.upper()
s {s}.lower()
s {s}.title()
s {s}.strip()
s {s}.strip({s})
s {s}.lstrip()
s {s}.rstrip('/')
s {s}.replace({s}, {s})
s {s}.replace({s}, {s}, {n})
s {s}.zfill({n})
s {s}.ljust({n}, '.')
s {s}.rjust({n})
s {s}.center({n})
s {s}.capitalize()
s {s}.swapcase()
s {s}.casefold()
s {s}.removeprefix({s})
s {s}.removesuffix({s})
s {s}.expandtabs({n})
s {s}.join({l})
s ('%s-%s' % ({a}, {a}))
s ('%d' % {n})
s ('%05.1f' % {n})
s ('%r' % ({a},))
s ('%x' % {n})
s ('%e%%' % {n})
s ('%(a)s' % {o})
s ({s} if {b} else {s})
l numbers
l words
l files
l []
l [1, 2]
l ['a', 'ab']
l ()
l ({a}, {a})
l [{a}, {a}]
l [*{l}, {a}]
l [*{s}, *{o}]
l ({l} + {l})
l ({l} * {n})
l {l}[{n}:]
l {l}[::{n}]
l list({a})
l tuple({l})
l list(set([{s}]))
l {s}.split()
l {s}.split({s})
l {s}.rsplit({s}, {n})
l {s}.splitlines()
l {s}.partition({s})
l list({o}.keys())
l list({o}.values())
l list({o}.items())
l [i for i in {a}]
l [({a}, i) for i in {l}]
l [i for i in {l} if i == {a}]
l [i for i in {l} if {b}]
l [(i, j) for i in {l} for j in {l} if i != j]
l [[i for i in {l}] for j in {l}]
l [a for a, b in {o}.items()]
l list(i for i in {l})
l {l}.copy()
o o
o o.k
o files[0]
o {}
o {'a': {a}}
o {'a': {a}, 'b': {a}}
o {**{o}, 'b': {a}}
o {{s}: {a}}
o dict({o})
o dict(a={a})
o {i: {a} for i in {s}}
o {i: {a} for i in {l}}
o {k: v for k, v in {o}.items()}
o {o}.copy()
b flag
b True
b False
b ({a} == {a})
b ({a} != {a})
b ({n} < {n})
b ({s} <= {s})
b ({l} > {l})
b ({n} >= {n} > {n})
b ({a} in {l})
b ({s} in {s})
b ({s} not in {o})
b ({a} is None)
b (nothing is not {a})
b (not {a})
b ({a} and {a})
b ({a} or {a})
b {s}.startswith({s})
b {s}.endswith(({s}, {s}))
b {s}.isdigit()
b {s}.isspace()
b float({n}).is_integer()
a None
a nothing
a missing
a o.missing
a {o}[{s}]
a {o}.a
a {l}[{n}]
"""
WAYS: dict[str, list[str]] = {}
for line in GRAMMAR.strip().splitlines():
    WAYS.setdefault(line[0], []).append(line[2:])
PLACE = re.compile(r"\{([nsloba])\}")
SIMPLE = {kind: [way for way in ways if not PLACE.search(way)] for kind, ways in WAYS.items()}
FORMATS = ["", ":>6", ":06.2f", ":,", ":+d", ":x", ":%", ":.2", ":e", ":^9", ":q"]


@st.composite
def expressions(draw: Any) -> str:
    """An expression that most often fits together, of a few levels."""

    def make(kind: str, depth: int) -> str:
        # Now and then something of another kind: what does not fit must fail alike.
        if kind == "a" or draw(st.integers(0, 19)) == 0:
            kind = draw(st.sampled_from("nslob" * 3 + "a"))
        parts = PLACE.split(draw(st.sampled_from((WAYS if depth else SIMPLE)[kind])))
        for number in range(1, len(parts), 2):
            parts[number] = make(parts[number], depth - 1)
        return "".join(parts)

    text = make("a", draw(st.integers(1, 4)))
    if draw(st.integers(0, 9)) == 0 and '"' not in text:
        text = f'f"{{({text}){draw(st.sampled_from(FORMATS))}}}-{{n}}"'
    return text


def has_other_names(value: Any) -> bool:
    if isinstance(value, dict):
        return not all(isinstance(k, str) for k in value) or any(
            map(has_other_names, value.values())
        )
    return isinstance(value, (list, tuple)) and any(map(has_other_names, value))


# Python's parser warns of texts such as "1if x"; that is not what is asked here.
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@examples(1500)
@example("(n ** x)")
@example('f"{s:>6}"')
@given(expressions())
def test_harmless_expressions_answer_as_simpleeval_does(text: str) -> None:
    oracle = simpleeval.EvalWithCompoundTypes(names=copy.deepcopy(PAYLOAD))
    try:
        expected = oracle.eval(text)
        wire = json.dumps(expected, allow_nan=False)
    except Exception:  # noqa: BLE001 - simpleeval lets out whatever Python raises
        with pytest.raises(ExpressionError):
            evaluate(text)
        return
    if has_other_names(expected):
        # Ours is stricter in one thing: names that are no strings are not made into strings.
        with pytest.raises(ExpressionError, match="no string"):
            evaluate(text)
        return
    assert json.dumps(evaluate(text)) == wire


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@examples(400)
@given(st.text(max_size=60) | st.text(alphabet="ab01'\"`$.[](){}:,+-*%<>= \\fn_\n", max_size=40))
def test_any_text_is_evaluated_or_refused(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        json.dumps(evaluate(text))
