"""Import of the modules whose text a registered function has with it.

The function below is part of the registered text, as it stands here: standard library only.
"""

from __future__ import annotations


def import_from_texts(package: str, texts: dict[str, str]) -> None:
    """Make modules importable below a package, from their texts.

    Args:
        package: the name to import them by.
        texts: each module's text, a newline before it, by its file's path in headrace.
    """
    import importlib.abc
    import importlib.util
    import sys
    from typing import Any

    if any(getattr(finder, "bundle", None) == package for finder in sys.meta_path):
        return  # an earlier task of this worker has done it

    files = {package: f"{package}/__init__.py"}
    for path in texts:
        name = path.removeprefix("headrace/compute/").removesuffix(".py").replace("/", ".")
        files[f"{package}.{name}".removesuffix(".__init__")] = path

    class TextImporter(importlib.abc.MetaPathFinder, importlib.abc.Loader):
        bundle = package

        def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
            if fullname not in files:
                return None
            is_package = files[fullname].endswith("/__init__.py")
            return importlib.util.spec_from_loader(fullname, self, is_package=is_package)

        def get_source(self, fullname: str) -> str:
            return texts.get(files[fullname], "\n")[1:]

        def exec_module(self, module: Any) -> None:
            text = self.get_source(module.__name__)
            exec(compile(text, f"<{module.__name__}>", "exec"), module.__dict__)  # noqa: S102 - its own text

    sys.meta_path.append(TextImporter())
