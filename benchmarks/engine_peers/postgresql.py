"""A PostgreSQL for one benchmark, on a socket in a temporary directory; settings of initdb."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# Debian's programs are not on the path; the newest first.
PROGRAMS = [
    *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    *(Path(found).parent for found in [shutil.which("postgres")] if found),
]
START_SECONDS = 60.0


def has_server(programs: Path) -> bool:
    """Say whether a directory has all programs that are needed."""
    return all(
        (programs / name).exists() for name in ("initdb", "postgres", "pg_isready", "createdb")
    )


@contextlib.contextmanager
def private_postgresql(directory: Path | None) -> Iterator[str | None]:
    """Start a server, and give the URL of a database in it; None where there is no PostgreSQL.

    Its settings are initdb's: fsync and synchronous_commit are on. It does not run as root, but as
    ``postgres`` then.

    Args:
        directory: where its files are made; the disk that is measured.
    """
    programs = next((path for path in PROGRAMS if has_server(path)), None)
    if programs is None:
        yield None
        return
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    as_user = ["runuser", "-u", user, "--"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory(dir=directory, prefix="pg") as name:
        if as_user:
            Path(name).chmod(0o755)
            shutil.chown(name, user)
        data = f"{name}/data"

        def run(*arguments: str) -> None:
            subprocess.run([*as_user, *arguments], check=True, stdout=sys.stderr, cwd="/")

        run(str(programs / "initdb"), "--pgdata", data, "--username", user, "--auth", "trust")
        server = subprocess.Popen(
            [
                *(*as_user, str(programs / "postgres"), "-D", data, "-k", name),
                *("-c", "listen_addresses="),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        try:
            ready = [str(programs / "pg_isready"), "--host", name, "--quiet"]
            deadline = time.monotonic() + START_SECONDS
            while subprocess.run(ready, check=False).returncode != 0:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise OSError("PostgreSQL did not start")
                time.sleep(0.1)
            run(str(programs / "createdb"), "--host", name, "--username", user, "peer")
            yield f"postgresql://{user}@/peer?host={name}"
        finally:
            server.terminate()
            server.wait(START_SECONDS)
