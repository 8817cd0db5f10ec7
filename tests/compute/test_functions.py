"""Finding functions, their wire text, and what is refused."""

from __future__ import annotations

import hashlib
import importlib.util
import textwrap
from pathlib import Path

import pytest
from globus_compute_sdk.serialize import PureSourceTextInspect

from headrace.compute import ComputeError, find_functions

GOOD = [
    '''
    def one(a: int = 1, *rest: str, **more: dict) -> dict:
        """Doc."""
        import os

        text = """
    not indented
        """
        return {"a": [x for x in range(a)], "t": text, "c": os.getcwd()}
    ''',
    '''
    """A module's text."""
    from __future__ import annotations
    import json
    CONSTANT = 1


    def helper() -> int:
        return CONSTANT


    def one() -> None:
        """Doc."""
        def inner() -> int:
            return one.__name__ and len("x")
        return inner()  # a comment
        # another, indented

    # and one that is not
    AFTER = json.dumps({})
    ''',
    'def one(x: list[int]) -> int: "doc"; return max(x)',
    '''
    def one(
        x: "int",
    ) -> int:
        """Ends without a newline, with a lambda: é."""
        return (lambda y: y + x)(1)''',
]


def write(directory: Path, text: str, name: str = "one") -> Path:
    path = directory / f"{name}.py"
    path.write_text(textwrap.dedent(text).lstrip("\n"))
    return path


@pytest.mark.parametrize("text", GOOD)
def test_the_wire_text_is_the_sdks(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    found = find_functions(tmp_path)["one"]
    loaded = importlib.util.spec_from_file_location("one_for_the_sdk", path)
    assert loaded is not None
    assert loaded.loader is not None
    module = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(module)
    strategy = PureSourceTextInspect()
    assert found.code == strategy.serialize(module.one)
    assert found.sha256 == hashlib.sha256(found.text.encode()).hexdigest()
    assert found.code.endswith(found.text.lstrip("\n"))
    assert callable(strategy.deserialize(found.code))
    assert found.path == path


def test_what_is_found(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path, f'def {name}() -> int:\n    """The {name}."""\n    return 1\n', name)
    write(tmp_path, "broken(", "_private")
    (tmp_path / "notes.txt").write_text("")
    found = find_functions(tmp_path)
    assert list(found) == ["a", "b"]
    assert found["a"].doc == "The a."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import numpy as np\ndef one() -> int:\n    'd'\n    return np.pi\n",
         "one.py:2: one travels without its module but uses np imported at module level"),
        ("from typing import Any\ndef one(x: Any) -> int:\n    'd'\n    return 1\n",
         "uses Any imported at module level: import inside"),
        ("N = 1\ndef one(x: int = N) -> int:\n    'd'\n    return 1\n",
         "uses N defined at module level"),
        ("def helper(): pass\ndef one() -> list:\n    'd'\n    return [helper() for _ in 'a']\n",
         "uses helper defined at module level"),
        ("def one() -> int:\n    'd'\n    return lenght('x')\n", "uses lenght defined nowhere"),
        ("def one(x, *, y) -> int:\n    'd'\n", "no annotation on x, y"),
        ("def one(x: int):\n    'd'\n", "no return annotation"),
        ("def one() -> int:\n    return 1\n", "has no docstring"),
        ("def two() -> int:\n    'd'\n", "defines no function one"),
        ("async def one() -> int:\n    'd'\n", "one is async"),
        ("import functools\n@functools.cache\ndef one() -> int:\n    'd'\n", "is decorated"),
        ("def one(:\n", "one.py:1: cannot be read as Python"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ComputeError) as caught:
        find_functions(tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(ComputeError, match="no such directory"):
        find_functions(tmp_path / "none")
