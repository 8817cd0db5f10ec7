"""Names of a package that are imported when somebody asks for them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

INIT = """
from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from lazy_example.one import first, second as other
    from .two import third

__all__ = ["first", "other", "third"]

__getattr__ = lazy_names(__name__)
"""


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    package = tmp_path / "lazy_example"
    package.mkdir()
    (package / "__init__.py").write_text(INIT)
    (package / "one.py").write_text("first, second = 1, 2\n")
    (package / "two.py").write_text("third = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "lazy_example"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("lazy_example")


def test_a_module_is_imported_when_its_name_is_asked_for(example: ModuleType) -> None:
    assert "lazy_example.one" not in sys.modules
    assert (example.first, example.other) == (1, 2)
    assert "lazy_example.two" not in sys.modules
    assert example.third == 3


def test_another_name_is_no_attribute(example: ModuleType) -> None:
    with pytest.raises(AttributeError, match="module 'lazy_example' has no attribute 'second'"):
        _ = example.second
    with pytest.raises(ImportError):
        exec("from lazy_example import TYPE_CHECKED")
