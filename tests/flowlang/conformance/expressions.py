"""Section 5: what expressions give, what the language does not have, and what cannot be done."""

from __future__ import annotations

from typing import Any

from flowlang.conformance.case import Case, Gives, GivesNothing

PAYLOAD: dict[str, Any] = {
    "n": 3,
    "x": 1.5,
    "s": "abc",
    "path": "/data/run/",
    "files": [{"name": "one", "size": 1}, {"name": "two", "size": 2}],
    "o": {"items": [1], "k": {"v": 7}, "with space": 1},
    "numbers": [3, 1, 2],
    "flag": True,
    "nothing": None,
}


def gives(text: str, expected: Any) -> Case:
    return Gives("5", text, text, expected, PAYLOAD)


def refused(text: str, message: str) -> Case:
    return GivesNothing("5", f"refused: {text[:60]}", text, message, PAYLOAD, compiles=False)


def fails(text: str, message: str) -> Case:
    return GivesNothing("5", f"fails: {text}", text, message, PAYLOAD)


NAMES = [
    gives("n", 3),
    gives("  n  ", 3),
    gives("o.k.v", 7),
    gives("o['with space']", 1),
    gives("o['items']", [1]),
    gives("o.k['v']", 7),
    gives("files[1].name", "two"),
    gives("files[-1]['size']", 2),
    gives("numbers[1:]", [1, 2]),
    gives("numbers[::-1]", [2, 1, 3]),
    gives("s[0] + s[-1]", "ac"),
    gives("_context.run_id", "r-1"),
    gives("_context.token_info.exp", 30),
    gives(
        "_context['identities'][0]", "urn:globus:auth:identity:0f0f0f0f-0000-4000-8000-000000000001"
    ),
    gives("`$.o.k.v` + 1", 8),
    gives("`$.files[0]`", {"name": "one", "size": 1}),
    gives("`$.files[*].name`", ["one", "two"]),
    gives("`$._context.flow_id`", "f-1"),
    gives("'a `$.x` stays in a string'", "a `$.x` stays in a string"),
    gives("n if flag else missing", 3),
]
OPERATORS = [
    gives("s + ' ' + o.k['v'] * 'x'", "abc xxxxxxx"),
    gives("numbers + [9]", [3, 1, 2, 9]),
    gives("7 / 2", 3.5),
    gives("6 / 2", 3.0),
    gives("-7 // 2", -4),
    gives("-7 % 3", 2),
    gives("2 ** 10", 1024),
    gives("2 ** -1", 0.5),
    gives("1 ** 4000000", 1),
    gives("7 >> 10000", 0),
    gives("1 << 4 | 1 & 3 ^ 2", 16 | 1 & 3 ^ 2),
    gives("-n + +n - ~n", 4),
    gives("0.1 + 0.2", 0.1 + 0.2),
    gives("1 < n <= 3", True),
    gives("1 == 1.0", True),
    gives("'b' in s", True),
    gives("9 not in numbers", True),
    gives("'k' in o", True),
    gives("nothing is None", True),
    gives("n is not None", True),
    gives("not flag", False),
    gives("nothing or 'default'", "default"),
    gives("flag and n", 3),
    gives("'yes' if n > 2 else 'no'", "yes"),
    gives("'' == '' != 'a'", True),
    gives("'%s has %03d and %.1f' % (s, n, x)", "abc has 003 and 1.5"),
    gives("f'{n:03d}-{s}-{x:.2f}'", "003-abc-1.50"),
    gives("f'{s:>5}|{s:^5}|{n:+}'", "  abc| abc |+3"),
]
MAKING = [
    gives("[1, 'a', None, True, 1.5]", [1, "a", None, True, 1.5]),
    gives("{'a': n, 'b': {'c': s}}", {"a": 3, "b": {"c": "abc"}}),
    gives("(1, (2, 3))", [1, [2, 3]]),
    gives("[*numbers, 4]", [3, 1, 2, 4]),
    gives("{**o.k, 'w': 1}", {"v": 7, "w": 1}),
    gives("[f.name for f in files]", ["one", "two"]),
    gives(
        "[{'path': path.rstrip('/') + '/' + f.name} for f in files]",
        [{"path": "/data/run/one"}, {"path": "/data/run/two"}],
    ),
    gives("[f.size for f in files if f.size > 1 if f.name != 'x']", [2]),
    gives("[a * b for a in numbers for b in [1, 10]]", [3, 30, 1, 10, 2, 20]),
    gives("[[j for j in i] for i in [[1], [2, 3]]]", [[1], [2, 3]]),
    gives("[n for n in numbers]", [3, 1, 2]),
    gives("[a for a, b in [(1, 2), (3, 4)]]", [1, 3]),
    gives("{f.name: f.size for f in files}", {"one": 1, "two": 2}),
    gives("[k + str(v) for k, v in {'a': 1}.items()]", ["a1"]),
    gives("[c for c in s]", ["a", "b", "c"]),
    gives("[k for k in o]", ["items", "k", "with space"]),
    gives("list(f.size for f in files)", [1, 2]),
    gives("len([f for f in files if f.size == 2]) == 1", True),
    gives("list({1, 1})", [1]),
]
FUNCTIONS = [
    gives("pathsplit('/foo/bar/blech')", ["/foo/bar", "blech"]),
    gives("pathsplit('/~/path')", ["/~/", "path"]),
    gives("pathsplit('/~/a/b')", ["/~/a", "b"]),
    gives("pathsplit('/name')", ["/", "name"]),
    gives("pathsplit('/~/')", ["/~/", ""]),
    gives("pathsplit('name')", ["", "name"]),
    gives("pathsplit(path)[0]", "/data/run"),
    gives("is_present('o.k.v')", True),
    gives("is_present('o.k.w')", False),
    gives("is_present('files[0].name')", True),
    gives("is_present('files[9]')", False),
    gives("is_present('nothing')", True),
    gives("is_present('o.' + 'none')", False),
    gives("is_present('_context.run_id')", True),
    gives("getattr('o.k.v', 0)", 7),
    gives("getattr('o.none', n)", 3),
    gives("getattr('o.none')", None),
    gives("getattr('nothing', 1)", None),
    gives("getattr('files[0].name')", "one"),
    gives("len(files) + len(s) + len(o)", 8),
    gives("int('7') + int(7.9) + int('ff', 16)", 269),
    gives("float('0.5')", 0.5),
    gives("str(n) + str(x) + str(flag) + str(nothing)", "31.5TrueNone"),
    gives("list('ab') + list((1,))", ["a", "b", 1]),
    gives("dict(a=1)", {"a": 1}),
    gives("tuple([1])", [1]),
]
METHODS = [
    gives("'a,b'.split(',')", ["a", "b"]),
    gives("path.rstrip('/').rsplit('/', 1)", ["/data", "run"]),
    gives("s.upper() + 'X'.lower() + 'ab cd'.title()", "ABCxAb Cd"),
    gives("'-'.join([f.name for f in files])", "one-two"),
    gives("s.replace('b', '--')", "a--c"),
    gives("s.startswith('a') and s.endswith(('x', 'c'))", True),
    gives("s.find('c') + s.count('a')", 3),
    gives("'7'.zfill(3) + 'a'.ljust(3, '.') + 'a'.rjust(3)", "007a..  a"),
    gives("' a '.strip() + 'xa'.removeprefix('x')", "aa"),
    gives("'12'.isdigit()", True),
    gives("list(o.k.keys()) + list(o.k.values())", ["v", 7]),
    gives("o.get('none', 0)", 0),
    gives("numbers.index(2) + numbers.count(3)", 3),
    gives("'a-b'.partition('-')", ["a", "-", "b"]),
]
REFUSED = [
    refused("", "empty"),
    refused("  ", "empty"),
    refused("1 +", "'1 +'"),
    refused("a = 1", "one expression is expected"),
    refused("import os", "one expression is expected"),
    refused("1; 2", "one expression is expected"),
    refused("lambda: 1", "lambda is not in the language"),
    refused("(y := 1)", "an assignment is not in the language"),
    refused("{i for i in numbers}", "a set comprehension is not in the language"),
    refused("`$.a", "invalid syntax"),
    refused("`a`", "begins with '$.'"),
    refused("rand()", "there is no function rand()"),
    refused("randint(3)", "there is no function randint()"),
    refused("sum(numbers)", "there is no function sum()"),
    refused("sorted(numbers)", "there is no function sorted()"),
    refused("now()", "there is no function now()"),
    refused("numbers.append(1)", "no method append()"),
    refused("numbers.sort()", "no method sort()"),
    refused("o.update({})", "no method update()"),
    refused("o.pop('k')", "no method pop()"),
    refused("s.encode()", "no method encode()"),
    refused("'{}'.format(n)", "'.format' cannot be used"),
    refused("'{}'.format_map(o)", "'.format_map' cannot be used"),
    refused("o._private", "'._private' cannot be used"),
    refused("s.func_code", "'.func_code' cannot be used"),
    refused("is_present('$.a')", "without '$.'"),
    refused("a @ b", "MatMult is not in the language"),
    refused("b'a'", "not in the language"),
    refused("1j", "not in the language"),
    refused("f'{s!r}'", "leave them out"),
]
FAILS = [
    fails("'a' + 1", "TypeError"),
    fails("missing", "'missing' is not in the payload"),
    fails("true", "'true' is not in the payload"),
    fails("null", "'null' is not in the payload"),
    fails("o.missing", "there is no member 'missing'"),
    fails("o['missing']", "there is no member 'missing'"),
    fails("o.items", "'.items' is a method; write ['items'] for the member"),
    fails("o.get", "'.get' is a method"),
    fails("numbers[9]", "IndexError"),
    fails("nothing.x", "'.x' of null: only objects have members"),
    fails("s.x", "'.x' of a string: only objects have members"),
    fails("1 / 0", "ZeroDivisionError"),
    fails("numbers < 1", "TypeError"),
    fails("int('x')", "ValueError"),
    fails("(-8) ** 0.5", "no real power"),
    fails("4000001 ** 1", "a power of or by more than 4,000,000"),
    fails("1 ** 4000001", "a power of or by more than 4,000,000"),
    fails("0 << 10001", "shifts by more than 10,000 places"),
    fails("1 >> 10001", "shifts by more than 10,000 places"),
    fails("1e308 * 10", "JSON does not have"),
    fails("{1, 2}", "gives a set"),
    fails("o.keys()", "write list(...)"),
    fails("{1: 2}", "no string"),
    fails("[1 for a, b in [[1]]]", "1 values for 2 names"),
    fails("[i for i in n]", "has no items to go through"),
    fails("`$.o.none`", "'$.o.none' could not be found"),
]

CASES: list[Case] = [*NAMES, *OPERATORS, *MAKING, *FUNCTIONS, *METHODS, *REFUSED, *FAILS]
