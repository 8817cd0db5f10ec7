"""An action of a form whose web process is killed at its effect: just before it, or just after.

The application is that of `tests.support.web`, in a process of its own, which kills itself where
the action has been written down as begun, or where it would be written down what it came to.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from headrace.runs import bulk_change
from tests.support.repository import REPOSITORY
from tests.support.web import Form, WebSite


def send_and_kill(
    web: WebSite, page: str, form: Form, *, after: bool = True, half: bool = False, **fields: str
) -> None:
    """Send a form as a session of a site does, to a process that is killed at its effect.

    Args:
        web: the site; its session is the one.
        page: address of the form's page.
        form: the form.
        after: whether the effect is there when the process is killed.
        half: whether it is killed after it has changed the first of many runs.
        fields: other values of some fields.
    """
    given = {
        "root": str(web.site.root),
        "cookie": web.cookie,
        "page": page,
        "address": form.address,
        "fields": {**form.fields, **fields},
        "after": after,
        "half": half,
    }
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        cwd=REPOSITORY,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def main() -> None:
    given = json.loads(sys.stdin.read())
    web = WebSite(Path(given["root"]))
    web.cookie = given["cookie"]
    store: Any = web.store
    begin = store.begin_action

    def kill(*values: Any, **options: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def begin_and_kill(*values: Any, **options: Any) -> None:
        begin(*values, **options)
        kill()

    send = bulk_change.send_change

    def send_and_kill(*values: Any, **options: Any) -> None:
        send(*values, **options)
        kill()

    changed: Any = bulk_change
    if given["half"]:
        changed.RUNS_OF_A_REQUEST = 1
        changed.send_change = send_and_kill
    if given["after"]:
        store.end_action = kill
    else:
        store.begin_action = begin_and_kill
    form = Form(given["address"])
    form.fields = given["fields"]
    web.resend(given["page"], form)


if __name__ == "__main__":
    main()
