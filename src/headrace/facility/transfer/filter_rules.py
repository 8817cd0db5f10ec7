"""Filter rules: which items of a directory a recursive transfer takes.

As the Transfer service has them: ordered; the method of the first rule that matches an item's name
and type decides; an item that no rule matches is included; what lies in an excluded directory is
excluded.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.facility.transfer.errors import bad_request


@dataclass(frozen=True)
class FilterRule:
    """One rule.

    Attributes:
        include: what happens to an item that it matches.
        pattern: what a name must match as a whole; from ``*``, ``?``, ``[...]`` and ``[!...]``.
        type: ``file`` or ``dir``, or None for both.
    """

    include: bool
    pattern: re.Pattern[str]
    type: str | None

    def matches(self, name: str, type_: str) -> bool:
        """Return whether the rule is about an item of this name and type."""
        return self.type in (None, type_) and self.pattern.match(name) is not None


@dataclass(frozen=True)
class FilterRules:
    """The rules of a transfer, in their order."""

    rules: tuple[FilterRule, ...] = ()

    def include(self, name: str, type_: str) -> bool:
        """Return whether an item takes part in the transfer.

        Args:
            name: its last name, no path.
            type_: ``file`` or ``dir``.
        """
        for rule in self.rules:
            if rule.matches(name, type_):
                return rule.include
        return True


def parse_rules(value: object) -> FilterRules:
    """Read the ``filter_rules`` of a transfer.

    Args:
        value: list of ``{"method": "include"|"exclude", "type": "file"|"dir"|null, "name":
            pattern}``, or None. ``method`` is ``exclude`` where it is missing.

    Raises:
        TransferError: ``ClientError.BadRequest``: the value has another form.
    """
    if value is None:
        return FilterRules()
    if not isinstance(value, list):
        raise bad_request("filter_rules: must be a list of rules")
    return FilterRules(tuple(_parse_rule(n, rule) for n, rule in enumerate(value)))


def _parse_rule(position: int, value: object) -> FilterRule:
    where = f"filter_rules[{position}]"
    if not isinstance(value, Mapping):
        raise bad_request(f"{where}: must be an object with method, type and name")
    rule: Mapping[str, Any] = value
    method = rule.get("method", "exclude")
    if method not in ("include", "exclude"):
        raise bad_request(f"{where}.method: must be 'include' or 'exclude', not {method!r}")
    type_ = rule.get("type")
    if type_ not in (None, "file", "dir"):
        raise bad_request(f"{where}.type: must be 'file', 'dir' or null, not {type_!r}")
    name = rule.get("name")
    if not isinstance(name, str) or not name:
        raise bad_request(f"{where}.name: must be a pattern such as '*.tmp', not {name!r}")
    return FilterRule(method == "include", re.compile(fnmatch.translate(name)), type_)
