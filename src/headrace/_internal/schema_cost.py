"""Upper bound of the time that checking against a JSON Schema takes, found without doing it."""

from __future__ import annotations

import re
from typing import Any, Final

# Values and names in a schema, and comparisons of one with the other, that take some
# hundredths of a second.
_SMALL_SCHEMA: Final = 2_000
_CHEAP: Final = 300_000
# Steps that a pattern may take over the longest text.
_CHEAP_STEPS: Final = 1_000_000

_ESCAPE: Final = re.compile(r"\\.", re.DOTALL)
_SET: Final = re.compile(r"\[\^?\]?[^\]]*\]")
_FIXED: Final = re.compile(r"\{[0-9]{1,4}\}")
_OPEN_END: Final = re.compile(r"[*+]|\{[0-9]*,[0-9]*\}")


def is_small(schema: Any) -> bool:
    """Say whether a schema can be checked at once."""
    return _sizes(schema)[0] <= _SMALL_SCHEMA and not _lists_to_compare(schema)


def is_cheap(schema: Any, value: Any, most: int = _CHEAP) -> bool:
    """Say whether a value can be checked against a sound schema at once.

    Args:
        schema: the schema.
        value: the value.
        most: comparisons of one value with one name or value of the schema that are little work.
    """
    nodes, longest = _sizes(value)
    work = 0
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        work += 1
        if work * nodes > most:
            return False
        if isinstance(item, dict):
            # References can multiply the work; comparing all with all squares it.
            if "$ref" in item or ("uniqueItems" in item and nodes * nodes > most):
                return False
            patterns = [item.get("pattern"), *_keys(item.get("patternProperties"))]
            if not all(_is_cheap_pattern(p, longest) for p in patterns if isinstance(p, str)):
                return False
            if item.get("format") == "regex":
                return False
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return True


def has_bounded_patterns(schema: Any) -> bool:
    """Say whether each pattern of a schema takes at most the cube of a text's length in steps.

    Such a one repeats no group, and has two open ends at most.

    Args:
        schema: the schema.
    """
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            patterns = [item.get("pattern"), *_keys(item.get("patternProperties"))]
            for pattern in patterns:
                if isinstance(pattern, str):
                    plain = _SET.sub("x", _ESCAPE.sub("x", pattern))
                    if re.search(r"\)[*+{]", plain) or len(_OPEN_END.findall(plain)) > 2:
                        return False
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return True


def _is_cheap_pattern(pattern: str, longest: int) -> bool:
    plain = _SET.sub("x", _ESCAPE.sub("x", pattern))
    plain = _FIXED.sub("", plain)
    if re.search(r"\)[*+?{]", plain):
        return False
    loops = len(_OPEN_END.findall(plain))
    choices = plain.count("|") + plain.count("?")
    # It may begin at every character, and each loop may end at every other.
    steps: int = (longest + 1) ** (loops + 1) * 2 ** min(choices, 64)
    return steps <= _CHEAP_STEPS


def _lists_to_compare(schema: Any) -> bool:
    """Say whether there are lists whose items have to differ, and so many that it takes long."""
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            if len(item) > 500:
                return True
            waiting += item
    return False


def _sizes(value: Any) -> tuple[int, int]:
    """Return the number of values and name in a value, and the length of the longest text."""
    nodes, longest, waiting = 0, 0, [value]
    while waiting:
        item = waiting.pop()
        nodes += 1
        if isinstance(item, str):
            longest = max(longest, len(item))
        elif isinstance(item, dict):
            nodes += len(item)
            longest = max([longest, *map(len, item)])
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return nodes, longest


def _keys(value: Any) -> list[str]:
    return [*value] if isinstance(value, dict) else []
