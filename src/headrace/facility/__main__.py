"""``python -m headrace.facility ROOT``: serves one project in the foreground."""

from __future__ import annotations

import logging
import sqlite3
import sys
from pathlib import Path

from headrace._internal.loopback import bypass_proxies
from headrace.errors import HeadraceError
from headrace.facility.daemon import log_path
from headrace.facility.logs import log_to_stderr
from headrace.facility.server import serve
from headrace.facility.supervision import describe


def main(arguments: list[str]) -> int:
    """Serve the project named by the only argument; return the exit code."""
    if len(arguments) != 1:
        print("usage: python -m headrace.facility ROOT", file=sys.stderr)
        return 2
    root = Path(arguments[0]).resolve()
    log_to_stderr(log_path(root))
    bypass_proxies()
    try:
        serve(root)
    except (HeadraceError, OSError, sqlite3.Error) as error:
        print(f"headrace facility: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except Exception as error:
        logging.getLogger(__name__).exception("the facility ends")
        print(f"headrace facility: an unforeseen error: {describe(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
