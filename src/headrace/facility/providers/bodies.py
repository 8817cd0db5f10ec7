"""Refusing what a provider would not take, by the schema of its parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from headrace.facility.errors import ActionRejected
from headrace.facility.settings import CollectionSettings
from headrace.flowlang.providers import Provider, body_problems, provider_of

# More of them are counted.
_MAX_LISTED: Final = 6


def check_body(url: str, body: Any) -> None:
    """Check the body of an action.

    Args:
        url: the provider's address.
        body: what it is asked.

    Raises:
        ActionRejected: the provider would refuse it; all that is wrong is named.
    """
    provider = provider_of(url)
    if provider is not None:
        check_parameters(provider, body)


def check_parameters(provider: Provider, body: Any) -> None:
    """Check the body of an action by the schema of its provider.

    Raises:
        ActionRejected: the provider would refuse it; all that is wrong is named.
    """
    problems = body_problems(provider, body)
    if problems:
        shown = "; ".join(map(str, problems[:_MAX_LISTED]))
        more = len(problems) - _MAX_LISTED
        text = f"{shown}; and {more} more" if more > 0 else shown
        raise ActionRejected("RequestValidationError", text)


def check_collections(
    known: Collection[CollectionSettings], body: Mapping[str, Any], fields: Iterable[str]
) -> None:
    """Check that a body names collections of this facility; what it leaves out is not looked at.

    Args:
        known: the facility's collections.
        body: what a provider is asked.
        fields: names of the parameters that are ids of collections.

    Raises:
        ActionRejected: it names another one.
    """
    ids = {collection.id for collection in known}
    for field in fields:
        value = body.get(field)
        if field in body and (not isinstance(value, str) or value not in ids):
            names = ", ".join(f"{c.name} ({c.id})" for c in known) or "none"
            raise ActionRejected(
                "RequestValidationError",
                f"{field}: no collection {value!r} at this facility; it has: {names}",
            )
