"""``python -m headrace.project.facility_refresh ROOT [PROFILE]``: send a facility what changed.

The facility runs it where ``headrace.toml`` is not the one that its settings were made from.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from headrace.errors import HeadraceError


def profile_of(command: Sequence[str]) -> str | None:
    """Return the profile that a facility's settings are made with, from their command."""
    return command[4] if len(command) > 4 else None


def main(arguments: list[str]) -> int:
    """Write the settings of a project's facility anew; return the exit code."""
    from headrace.facility import write_settings
    from headrace.project.project import load_project
    from headrace.project.targets import facility_settings

    root, *profile = arguments
    try:
        project = load_project(Path(root), profile[0] if profile else None, "local")
        write_settings(project.root, facility_settings(project))
    except (HeadraceError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
