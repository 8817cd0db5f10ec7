"""Refusing what a provider would not take, by the schema of its parameters."""

from __future__ import annotations

from typing import Any, Final

from headrace.facility.errors import ActionRejected
from headrace.flowlang.providers import body_problems, provider_of

# More of them are counted.
_SHOWN: Final = 6


def check_body(url: str, body: Any) -> None:
    """Checks the body of an action.

    Args:
        url: the provider's address.
        body: what it is asked.

    Raises:
        ActionRejected: the provider would refuse it; all that is wrong is named.
    """
    provider = provider_of(url)
    problems = body_problems(provider, body) if provider is not None else []
    if problems:
        shown = "; ".join(map(str, problems[:_SHOWN]))
        more = len(problems) - _SHOWN
        text = f"{shown}; and {more} more" if more > 0 else shown
        raise ActionRejected("RequestValidationError", text)
