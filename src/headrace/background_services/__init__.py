"""The long-running commands of a project as services of the machine.

``definition`` says which there are; ``installation`` installs, looks for and removes them with a
``manager``: ``systemd`` as units of the user, ``cron`` as entries of the user's table where there
is no systemd, ``scrontab`` as a batch job of Slurm where there is neither. ``manager_choice``
chooses, ``cron_runner`` is what cron and scrontab start, and ``record`` says what is installed, to
other machines too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
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
    from headrace.background_services.record import (
        InstalledState,
        installed_services,
        recorded_services,
    )

__all__ = [
    "BackgroundService",
    "InstalledState",
    "choose_services",
    "install_services",
    "installed_services",
    "log_command",
    "named_services",
    "recorded_services",
    "remove_services",
    "service_statuses",
]

__getattr__ = lazy_names(__name__)
