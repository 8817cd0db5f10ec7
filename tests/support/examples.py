"""Examples of property tests: the same in every run, fewer where `unit` is run by itself.

What chance finds is looked for with a seed (`make test SEED=1`), and what was found once is pinned
as an example of its own.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.layers import unit_only

_DEFAULT = 100
# A fifth of the examples: `make test` has them all.
_UNIT = 20

settings.register_profile(
    "fixed", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("seeded", settings.get_profile("fixed"), derandomize=False)
settings.load_profile("fixed")


def pytest_configure(config: pytest.Config) -> None:
    """Let a seed choose the examples of property tests, and the layer their number."""
    if config.getoption("--hypothesis-seed", None) is not None:
        settings.load_profile("seeded")
    if unit_only(config):
        settings.register_profile("unit", settings(), max_examples=_UNIT)
        settings.load_profile("unit")


def examples(count: int, **others: Any) -> settings:
    """Return the settings of a property test.

    Args:
        count: number of examples in a run of all layers.
        others: further settings.
    """
    scaled = count * settings().max_examples // _DEFAULT
    return settings(max_examples=max(1, scaled), deadline=None, **others)
