"""``headrace notify pair``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note

if TYPE_CHECKING:
    from headrace.notifications.phone.pairing import Pairing
    from headrace.notifications.phone.settings import PhoneSettings

_LONGEST_TOKEN = 4096


@click.command
@click.option(
    "--again",
    is_flag=True,
    help="Change topics and key: buttons that were sent before do nothing any more, and phones "
    "subscribe anew.",
)
@click.option(
    "--token-file",
    type=click.File(),
    help="File (- for standard input) with the access token of the service, which is kept.",
)
@click.option(
    "--answers-token-file",
    type=click.File(),
    help="Likewise the one that buttons carry; let it do no more than write.",
)
@click.option("--user-file", type=click.File(), help="Likewise the user key of Pushover.")
@click.option(
    "--show-topic", is_flag=True, help="With -F json or unix: show the topic, which is a secret."
)
@project_options
def pair_command(
    again: bool,
    token_file: click.utils.LazyFile | None,
    answers_token_file: click.utils.LazyFile | None,
    user_file: click.utils.LazyFile | None,
    show_topic: bool,
) -> None:
    """Pair the project with a phone, and show how the phone subscribes.

    Makes secret topics and the key that signs what buttons do, once, in a file that you alone can
    read; called again it shows the same, for a further phone. The table [notify.phone] of
    headrace.toml says which service and what the phone may do.
    """
    from headrace.notifications.phone.pairing import (
        new_pairing,
        pairing_file,
        read_pairing,
        renewed,
        with_secret,
        write_pairing,
    )
    from headrace.phone_answers.answers_service import required_settings

    session = current()
    project = session.project()
    settings = required_settings(project)
    # With --again also what cannot be read is replaced.
    known = None if again and not _is_readable(project.root) else read_pairing(project.root)
    pairing = new_pairing() if known is None else renewed(known) if again else known
    files = (
        ("token", token_file),
        ("answers_token", answers_token_file),
        ("user", user_file),
    )
    for name, file in files:
        if file is not None:
            pairing = with_secret(pairing, name, _secret(file))
    if pairing != known:
        write_pairing(project.root, pairing)
    changed = known is not None and again
    _show(settings, pairing, pairing_file(project.root), changed, show_topic)


def _show(
    settings: PhoneSettings, pairing: Pairing, path: Path, changed: bool, show_topic: bool
) -> None:
    from headrace.notifications.phone.subscription import qr_code, subscribe_link

    commands = ", ".join(settings.commands)
    allowed = f"Buttons: {commands}." if commands else "No buttons: [notify.phone] has no commands."
    document = {
        "kind": settings.kind,
        "server": settings.base_url,
        "file": str(path),
        "commands": list(settings.commands),
        "topic": None,
        "link": None,
    }
    if settings.kind == "pushover":
        display(document, f"Kept in {path}.\n{allowed}", ("kind", "server"))
        return
    topic = settings.secret("topic", pairing)
    link = subscribe_link(settings.base_url, topic)
    if show_topic:
        document |= {"topic": topic, "link": link}

    def text() -> str:
        code = qr_code(link)
        if code is None:
            note("no QR code without the extra `notify`: pip install 'headrace[notify]'")
        words = [
            "Scan the code with the phone that has the ntfy app, or subscribe there to:",
            f"  server  {settings.base_url}",
            f"  topic   {topic}",
            "Whoever knows the topic reads the messages. " + allowed,
        ]
        if settings.commands:
            words.append(
                "Answers are carried out while `headrace notify listen` runs; `headrace service "
                "install answers` keeps it running."
            )
        if changed:
            words.append("Buttons that were sent before do nothing any more.")
        return "\n".join([*([code] if code else []), *words])

    display(document, text, ("kind", "server", "topic", "link"))


def _is_readable(root: Path) -> bool:
    from headrace.notifications.phone.errors import PhoneError
    from headrace.notifications.phone.pairing import read_pairing

    try:
        read_pairing(root)
    except PhoneError:
        return False
    return True


def _secret(file: click.utils.LazyFile) -> str:
    try:
        words = str(file.read(_LONGEST_TOKEN + 1)).split()
    except UnicodeDecodeError:
        words = []
    if len(words) != 1 or len(words[0]) > _LONGEST_TOKEN or not words[0].isprintable():
        raise click.UsageError(f"{file.name}: must hold one word, the secret")
    return str(words[0])
