"""Schemas of the action providers: their parameters and their answers.

``schemas/`` has one file for each provider: its address, the JSON schema (draft 7) of its
parameters and that of its answer, the ``details`` of an action that succeeded. The checker, the
facility and ``headrace.testing`` read the same files. Of a provider that has none nothing is
claimed.

Sources: the documentation of Globus's hosted action providers, of the Transfer API and of Globus
Compute; the service's own example flows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.flowlang.providers.addresses import Nearest, is_flow, nearest_address, replacement
    from headrace.flowlang.providers.bodies import BodyProblem, body_problems
    from headrace.flowlang.providers.registry import (
        Provider,
        ProviderCatalogue,
        provider_of,
        providers,
    )

__all__ = [
    "BodyProblem",
    "Nearest",
    "Provider",
    "ProviderCatalogue",
    "body_problems",
    "is_flow",
    "nearest_address",
    "provider_of",
    "providers",
    "replacement",
]

__getattr__ = lazy_names(__name__)
