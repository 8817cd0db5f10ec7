"""Watching over endpoints: what is down is started again, and people are told."""

from headrace.endpoints.monitor.check import Monitor, Report
from headrace.endpoints.monitor.heartbeat import check_heartbeat, heartbeat_file
from headrace.endpoints.monitor.scrontab import install_scrontab, remove_scrontab

__all__ = [
    "Monitor",
    "Report",
    "check_heartbeat",
    "heartbeat_file",
    "install_scrontab",
    "remove_scrontab",
]
