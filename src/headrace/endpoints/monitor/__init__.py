"""Monitor of endpoints: restart what is down, and notify people."""

from headrace.endpoints.monitor.check import EndpointMonitor, EndpointReport
from headrace.endpoints.monitor.heartbeat import check_heartbeat, heartbeat_file
from headrace.endpoints.monitor.scrontab import install_scrontab, remove_scrontab

__all__ = [
    "EndpointMonitor",
    "EndpointReport",
    "check_heartbeat",
    "heartbeat_file",
    "install_scrontab",
    "remove_scrontab",
]
