"""Values of a run's output in templates: ``{output.summary.path}``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.triggers.errors import StartRefused

OUTPUT: Final = "output"
_PATH: Final = re.compile(r"output(?:\.[^{}.]+)*")
_PLACEHOLDER: Final = re.compile(r"\{(output(?:\.[^{}.]+)*)\}")
# A text that may be a path and a name.
_EXAMPLE: Final = "/1"


@dataclass(frozen=True)
class OutputValue:
    """The output of a run, from which templates take values by their paths.

    Attributes:
        text: the output as JSON; "" where the run has none.
    """

    text: str

    def at(self, path: str) -> Any:
        """Return the value at a path.

        Args:
            path: ``output``, then names of members or numbers of items, separated by dots.

        Raises:
            StartRefused: there is none.
        """
        if not self.text:
            raise StartRefused(f"{{{path}}}: the run that ended has no output")
        value = json.loads(self.text)
        steps = path.split(".")[1:]
        for number, step in enumerate(steps):
            found = _member(value, step)
            if not found:
                above = ".".join([OUTPUT, *steps[:number]])
                raise StartRefused(f"{{{path}}}: {above} of the run has no {step!r}")
            (value,) = found
        return value

    def text_at(self, path: str) -> str:
        """Return the value at a path as it stands within a text.

        Raises:
            StartRefused: there is none, or it is an object or a list.
        """
        value = self.at(path)
        if isinstance(value, dict | list):
            kind = "an object" if isinstance(value, dict) else "a list"
            raise StartRefused(
                f"{{{path}}} is {kind}; it stands in an input alone, as a text of its own"
            )
        return value if isinstance(value, str) else json.dumps(value)


def _member(value: Any, step: str) -> tuple[Any, ...]:
    if isinstance(value, Mapping):
        return (value[step],) if step in value else ()
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return (value[int(step)],)
    return ()


def is_output_path(name: str) -> bool:
    """Tell whether the name of a placeholder means a value of the output."""
    return _PATH.fullmatch(name) is not None


def sole_path(text: str) -> str | None:
    """Return the path of which a template is made and nothing else; None where it is not."""
    found = _PLACEHOLDER.fullmatch(text)
    return found[1] if found else None


def output_paths(template: Any) -> list[str]:
    """Return the paths of the output that a template takes values from, sorted."""
    return sorted({found[1] for text in _texts(template) for found in _PLACEHOLDER.finditer(text)})


def example_output(template: Any) -> str:
    """Return, as JSON, an output that has a value at each path that a template takes one from."""
    example: dict[str, Any] = {}
    for path in output_paths(template):
        place = example
        *above, last = path.split(".")[1:] or [""]
        for step in above:
            inner = place.get(step)
            place[step] = inner if isinstance(inner, dict) else {}
            place = place[step]
        place.setdefault(last, _EXAMPLE)
    return json.dumps(example)


def kept_output(output: Any, template: Any, limit: int) -> str:
    """Return, as JSON, what is kept of an output.

    Args:
        output: the output.
        template: what takes values from it.
        limit: the most characters; of a longer one only the values that the template takes.
    """
    text = json.dumps(output)
    if len(text) <= limit:
        return text
    complete = OutputValue(text)
    kept: Any = {}
    for path in output_paths(template):
        try:
            value = complete.at(path)
        except StartRefused:
            continue
        steps = path.split(".")[1:]
        if not steps:
            return text
        place = kept
        for step in steps[:-1]:
            inner = place.get(step)
            place[step] = inner if isinstance(inner, dict) else {}
            place = place[step]
        place[steps[-1]] = value
    return json.dumps(kept)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.replace("{{", "").replace("}}", "")
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
