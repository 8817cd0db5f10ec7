"""Association of a failure with where it happened: Fisher's exact test, one-sided."""

from __future__ import annotations

from math import exp, lgamma


def tail_probability(total: int, marked: int, drawn: int, found: int) -> float:
    """Return the probability of so many marked ones, or more, among some drawn by chance.

    The upper tail of the hypergeometric distribution: the p-value of Fisher's exact test
    (R. A. Fisher, The Design of Experiments, 1935) against an excess.

    Args:
        total: runs that are compared.
        marked: those of them with a property, such as a node.
        drawn: those of them that failed in one way.
        found: those that failed so and have the property.
    """
    last = min(marked, drawn)
    if found <= max(0, marked + drawn - total):
        return 1.0
    chances = (_log_chance(total, marked, drawn, count) for count in range(found, last + 1))
    return min(1.0, sum(map(exp, chances)))


def _log_chance(total: int, marked: int, drawn: int, count: int) -> float:
    return (
        _log_choices(marked, count)
        + _log_choices(total - marked, drawn - count)
        - _log_choices(total, drawn)
    )


def _log_choices(among: int, count: int) -> float:
    return lgamma(among + 1) - lgamma(count + 1) - lgamma(among - count + 1)
