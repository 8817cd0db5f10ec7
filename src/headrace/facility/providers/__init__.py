"""Action providers inside the facility, under the URLs of the hosted ones."""

from headrace.facility.providers.collections import CollectionInfoProvider, ManagePermissionProvider
from headrace.facility.providers.compute import TaskRunner, compute_providers
from headrace.facility.providers.expression_eval import ExpressionEvalProvider
from headrace.facility.providers.hello_world import HelloWorldProvider
from headrace.facility.providers.http import HttpProvider
from headrace.facility.providers.installed import make_installed_providers
from headrace.facility.providers.search import SearchIngestProvider
from headrace.facility.providers.sub_flow import SubFlowProvider
from headrace.facility.providers.task_tracker import TaskTracker
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
