"""Interface of an analysis: a class with ``begin``, ``process`` and ``end``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

from headrace.datarun.analysis.batch import Batch, Segment
from headrace.datarun.errors import DataRunError

METHODS = ("begin", "process", "end")


class Analysis(Protocol):
    """An analysis of one segment; an object is made for each.

    A class may name the hits' columns that it reads in ``columns``, which saves reading the
    others; None, or no such name, gives it all.
    """

    columns: ClassVar[Sequence[str] | None]

    def begin(self, segment: Segment) -> None:
        """Be called before the first events of a segment."""

    def process(self, batch: Batch) -> None:
        """Be called with some events, again and again, in order."""

    def end(self) -> Mapping[str, Any]:
        """Be called after the last events.

        Returns:
            Name to histogram (``hist.Hist`` or ``boost_histogram.Histogram``). Those of the same
            name are added over the segments. ``group/name`` makes a directory in the ROOT file,
            and a picture, of each group.
        """


class AnalysisError(DataRunError):
    """The analysis is not found, lacks a method, or raised an error."""


def load_analysis(name: str) -> type[Analysis]:
    """Find an analysis.

    Args:
        name: ``FILE.py:CLASS``, or ``FILE.py`` for the only class in it that is an analysis;
            ``channels`` is the built-in one.

    Returns:
        The class.

    Raises:
        AnalysisError: there is no such file or class, the file fails, or the class lacks a
            method.
    """
    if name == "channels":
        from headrace.datarun.analysis.channels import ChannelAnalysis

        return ChannelAnalysis
    file, _, wanted = name.partition(":")
    path = Path(file).absolute()
    module = _load(path)
    if wanted:
        found = getattr(module, wanted, None)
        if not isinstance(found, type):
            raise AnalysisError(f"{path}: no class {wanted}; name it as FILE.py:CLASS")
    else:
        own = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and value.__module__ == module.__name__
            and all(callable(getattr(value, method, None)) for method in METHODS)
        ]
        if len(own) != 1:
            raise AnalysisError(
                f"{path}: {len(own)} classes with {', '.join(METHODS)}; name one as FILE.py:CLASS"
            )
        found = own[0]
    missing = [m for m in METHODS if not callable(getattr(found, m, None))]
    if missing:
        raise AnalysisError(f"{path}: class {found.__name__} has no {', '.join(missing)}")
    return cast("type[Analysis]", found)


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"analysis_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise AnalysisError(f"{path}: no Python file; give the analysis as FILE.py:CLASS")
    module = importlib.util.module_from_spec(spec)
    # Pickle and dataclasses look a class up by its module's name.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise AnalysisError(f"{path}: {user_error_message(error, path)}") from error
    return module


def user_error_message(error: BaseException, path: Path | None = None) -> str:
    """Return an error of the user's code in one line, with the place in it.

    Args:
        error: what was raised.
        path: the user's file; None takes the innermost place.
    """
    line = None
    trace = error.__traceback__
    while trace is not None:
        if path is None or Path(trace.tb_frame.f_code.co_filename) == path:
            line = f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    if line is None and isinstance(error, SyntaxError):
        line = f"{path.name if path else 'analysis'}, line {error.lineno}"
    text = " ".join(str(error).split())
    return f"{line or 'analysis'}: {type(error).__name__}: {text}"
