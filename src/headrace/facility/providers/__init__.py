"""Action providers inside the facility, under the URLs of the hosted ones."""

from headrace.facility.providers.compute import TaskRunner, compute_providers
from headrace.facility.providers.hello_world import HelloWorldProvider
from headrace.facility.providers.transfer import transfer_providers

__all__ = ["HelloWorldProvider", "TaskRunner", "compute_providers", "transfer_providers"]
