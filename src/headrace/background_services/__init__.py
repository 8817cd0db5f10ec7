"""The long-running commands of a project as services of the machine.

``definition`` says which there are; ``installation`` installs, looks for and removes them with a
``manager``: ``systemd`` as units of the user, ``cron`` as entries of the user's table where there
is no systemd. ``manager_choice`` chooses, ``cron_runner`` is what cron starts.
"""

from headrace.background_services.definition import (
    BackgroundService,
    choose_services,
    named_services,
)
from headrace.background_services.installation import (
    install_services,
    log_command,
    remove_services,
    service_statuses,
)

__all__ = [
    "BackgroundService",
    "choose_services",
    "install_services",
    "log_command",
    "named_services",
    "remove_services",
    "service_statuses",
]
