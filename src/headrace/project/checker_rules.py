"""Checker rules from other packages, which register them as entry points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace._internal.entry_points import entry_points
from headrace.config.errors import ProjectError

if TYPE_CHECKING:
    from headrace.flowlang.checker import FlowRule

GROUP: Final = "headrace.checker_rules"


def installed_rules() -> tuple[FlowRule, ...]:
    """Load the rules of the entry-point group ``headrace.checker_rules``, in the order of names.

    Raises:
        ProjectError: an entry point cannot be loaded, is no rule, or has a code that is taken.
    """
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    if not points:
        return ()
    from headrace.flowlang.checker import RULES, Rule

    rules: list[FlowRule] = []
    taken = set(RULES)
    for point in points:
        where = f"checker rule {point.name!r} ({point.value})"
        try:
            rule = point.load()
        except Exception as error:
            raise ProjectError(f"{where} cannot be loaded: {error!r}") from error
        if not isinstance(rule, Rule):
            raise ProjectError(f"{where} is no rule: declare it with headrace's @rule")
        for code in rule.codes:
            if code in taken:
                raise ProjectError(f"{where}: the code {code!r} is taken; choose another")
        taken.update(rule.codes)
        rules.append(rule)
    return tuple(rules)
