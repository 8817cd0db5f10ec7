"""Completeness rules by their keys in ``[watch]`` of a trigger file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headrace._internal.entry_points import entry_points
from headrace.triggers.completeness.manifest import ManifestRule
from headrace.triggers.completeness.marker import MarkerRule
from headrace.triggers.completeness.members import MembersRule
from headrace.triggers.completeness.minimum_count import MinimumCountRule
from headrace.triggers.completeness.program import ProgramRule
from headrace.triggers.completeness.quiescence import QuiescenceRule
from headrace.triggers.completeness.rule import CompletenessRule
from headrace.triggers.errors import TriggerError

if TYPE_CHECKING:
    from headrace.triggers.arrival import Arrival
    from headrace.triggers.trigger import Trigger

ENTRY_POINT_GROUP = "headrace.completeness_rules"

BUILT_IN: Mapping[str, type[CompletenessRule]] = {
    "members": MembersRule,
    "marker": MarkerRule,
    "settle": QuiescenceRule,
    "minimum_count": MinimumCountRule,
    "manifest": ManifestRule,
    "check": ProgramRule,
}


def rule_keys() -> list[str]:
    """List the keys of all rules, of this package and of others, sorted."""
    return sorted({*BUILT_IN, *entry_points(ENTRY_POINT_GROUP).names})


def find_rule(key: str) -> type[CompletenessRule]:
    """Find the rule of a key.

    Args:
        key: the key under ``[watch]``.

    Returns:
        the class; a built-in one before one of another package.

    Raises:
        TriggerError: there is none, there are several, or it cannot be imported.
    """
    if key in BUILT_IN:
        return BUILT_IN[key]
    points = list(entry_points(ENTRY_POINT_GROUP).select(name=key))
    values = sorted({point.value for point in points})
    if len(values) != 1:
        found = " and ".join(values) or "none"
        raise TriggerError(f"watch.{key}: one completeness rule must have this key; found {found}")
    try:
        rule: type[CompletenessRule] = points[0].load()
    except Exception as error:  # whatever the import of another package raises
        raise TriggerError(
            f"watch.{key}: cannot import the completeness rule {values[0]}: {error}; "
            "repair or uninstall its package"
        ) from error
    return rule


def make_rules(trigger: Trigger, arrival: Arrival) -> dict[str, CompletenessRule]:
    """Make the rules by which an arrival is complete, by their keys.

    Raises:
        TriggerError: one of them cannot be imported.
    """
    return {
        key: find_rule(key)(value, trigger, arrival) for key, value in trigger.completeness.items()
    }
