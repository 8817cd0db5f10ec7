"""Completeness rules: they decide when an arrival is complete and its run may be started.

A rule is a class (`CompletenessRule`) that is registered by its key under ``[watch]`` of a trigger
file: those of this package, such as ``settle`` and ``marker``, in
`headrace.triggers.completeness.registry`, those of other packages by entry points of the group
``headrace.completeness_rules``.
"""

from headrace.triggers.completeness.rule import CompletenessRule, Look, PolledRule

__all__ = ["CompletenessRule", "Look", "PolledRule"]
