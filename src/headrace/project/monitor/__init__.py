"""Watching over endpoints: what is down is started again, and people are told."""

from headrace.project.monitor.heartbeat import check_heartbeat, heartbeat_file
from headrace.project.monitor.round import Monitor, Report
from headrace.project.monitor.scrontab import install_scrontab, remove_scrontab

__all__ = [
    "Monitor",
    "Report",
    "check_heartbeat",
    "heartbeat_file",
    "install_scrontab",
    "remove_scrontab",
]
