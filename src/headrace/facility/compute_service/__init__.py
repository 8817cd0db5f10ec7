"""Compute web service of the facility: tasks of clients, registered endpoints, the broker.

It promises the calls, messages and queues of Globus Compute, so that an unmodified SDK and an
unmodified endpoint work; a task that was accepted is on disk, and its result is stored before the
endpoint's message is acknowledged.

``service`` has the calls; ``serialized_tasks`` stores clients' tasks; ``registrations`` and
``registered_endpoints`` know endpoints that registered, ``hosted_endpoints`` those that the
facility runs, ``remote_endpoint`` one behind the broker, ``endpoint_lookup`` finds either.
``broker_worker``, ``amqp_connection``, ``messages`` and ``queue_names`` speak AMQP;
``private_broker`` runs a RabbitMQ; ``settings`` has ports, credentials and environments.
"""

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
