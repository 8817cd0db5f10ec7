"""The Compute web service: clients' tasks, registered endpoints and the message broker."""

from headrace.facility.compute_service.messages import read_result
from headrace.facility.compute_service.private_broker import PrivateBroker, missing_broker
from headrace.facility.compute_service.registrations import Registration
from headrace.facility.compute_service.serialized_tasks import SerializedTask
from headrace.facility.compute_service.service import ComputeService

__all__ = [
    "ComputeService",
    "PrivateBroker",
    "Registration",
    "SerializedTask",
    "missing_broker",
    "read_result",
]
