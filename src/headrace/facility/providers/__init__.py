"""Action providers inside the facility, under the URLs of the hosted ones.

Each accepts an action in the transaction that stores the run's step, so that it is accepted once,
and works afterwards on threads of its own; one whose work was interrupted is started again with the
same action. ``base`` has the defaults of the interface in ``store.actions``; ``bodies`` checks
parameters by the schemas of ``flowlang.providers``; ``addresses`` and ``available`` say where they
answer.

``transfer`` (with ``action_roots``) works on files; ``collections``, ``search``, ``hello_world``
and ``expression_eval`` answer at once; ``compute`` and ``compute_body`` run tasks and track their
ends; ``web_input`` asks people; ``sub_flow`` runs flows. ``polling`` asks for status again and
again: of providers elsewhere (``http``, ``http_calls``) and of those that other packages bring
(``installed``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.facility.providers.collections import (
        CollectionInfoProvider,
        ManagePermissionProvider,
    )
    from headrace.facility.providers.compute import TaskRunner, TaskTracker, compute_providers
    from headrace.facility.providers.expression_eval import ExpressionEvalProvider
    from headrace.facility.providers.hello_world import HelloWorldProvider
    from headrace.facility.providers.http import HttpProvider
    from headrace.facility.providers.installed import make_installed_providers
    from headrace.facility.providers.search import SearchIngestProvider
    from headrace.facility.providers.sub_flow import SubFlowProvider
    from headrace.facility.providers.transfer import transfer_providers
    from headrace.facility.providers.web_input import (
        AwaitWebInputProvider,
        CreateWebInputProvider,
        WebInputExpiry,
    )

__all__ = [
    "AwaitWebInputProvider",
    "CollectionInfoProvider",
    "CreateWebInputProvider",
    "ExpressionEvalProvider",
    "HelloWorldProvider",
    "HttpProvider",
    "ManagePermissionProvider",
    "SearchIngestProvider",
    "SubFlowProvider",
    "TaskRunner",
    "TaskTracker",
    "WebInputExpiry",
    "compute_providers",
    "make_installed_providers",
    "transfer_providers",
]

__getattr__ = lazy_names(__name__)
