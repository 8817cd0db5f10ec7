"""The long-running commands of a project as services of the machine.

``definition`` says which there are; ``systemd`` installs them as units of the user, ``cron`` as
entries of the user's table where there is no systemd, ``manager_choice`` chooses.
"""

from headrace.background_services.definition import (
    BackgroundService,
    choose_services,
    named_services,
)
from headrace.background_services.manager import MANAGERS, ServiceManager
from headrace.background_services.manager_choice import find_manager, find_managers

__all__ = [
    "MANAGERS",
    "BackgroundService",
    "ServiceManager",
    "choose_services",
    "find_manager",
    "find_managers",
    "named_services",
]
