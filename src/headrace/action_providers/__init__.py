"""Interface of action providers that other packages bring, and the search for them.

``base`` has the interface: the address, the schemas of a body and a result, and the operations of
the Action Provider API as methods. ``installed`` finds the classes under the entry points
``headrace.action_providers``. The facility calls them (``facility.providers.installed``);
``headrace flow check`` and ``headrace.testing`` read their schemas. The providers that come with
headrace are in ``facility.providers``.

Invariants: a provider that cannot be used is described in one line and stops nothing else; nothing
is imported where no such package is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.action_providers.base import (
        ACTIVE,
        FAILED,
        INACTIVE,
        SUCCEEDED,
        ActionProvider,
        ActionStatus,
    )
    from headrace.action_providers.installed import (
        ENTRY_POINT_GROUP,
        InstalledProvider,
        InstalledProviders,
        installed_providers,
    )

__all__ = [
    "ACTIVE",
    "ENTRY_POINT_GROUP",
    "FAILED",
    "INACTIVE",
    "SUCCEEDED",
    "ActionProvider",
    "ActionStatus",
    "InstalledProvider",
    "InstalledProviders",
    "installed_providers",
]

__getattr__ = lazy_names(__name__)
