"""``headrace web``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note
from headrace.cli.termio.signals import Stopped, describe_interrupt

if TYPE_CHECKING:
    from headrace.web.security.store import WebStore
    from headrace.web.server import Listening

_COLUMNS: Final = ("link", "role", "url", "socket")
# A socket has no port that a browser on another machine could keep.
_PORT_OF_TUNNELS: Final = 8080


def _checked_names(
    context: click.Context, parameter: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    del context, parameter
    if not names:
        return names
    from headrace._internal.settings import InvalidValue
    from headrace.config.project_file import HOST

    for name in names:
        try:
            HOST.parse(name)
        except InvalidValue as error:
            raise click.BadParameter(f"expected {error}, found {name}") from None
    return names


@click.command
@click.option("--open", "opens", is_flag=True, help="Open the link in this machine's browser.")
@click.option("--no-link", is_flag=True, help="Print no link, as services do: ask for one later.")
@click.option(
    "--role",
    type=click.Choice(["steer", "look"]),
    default="steer",
    show_default=True,
    help="What the link lets one do: all, or only look.",
)
@click.option("--label", default="", help="Whose link it is, for the record of actions.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port on 127.0.0.1; that of the last time by default, or any that is free.",
)
@click.option(
    "--uds",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Serve on a Unix socket that only you can open, in the place of a port.",
)
@click.option(
    "--root-path",
    metavar="PATH",
    help="What a proxy puts before all addresses, and passes on; begins with a slash.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    callback=_checked_names,
    help="Answer requests to this host, too, such as a proxy's. May be given several times.",
)
@project_options
def web_command(
    opens: bool,
    no_link: bool,
    role: str,
    label: str,
    port: int | None,
    uds: Path | None,
    root_path: str | None,
    names: tuple[str, ...],
) -> None:
    """Show the project in a browser.

    Serves pages on 127.0.0.1 until it is ended, and prints a link that opens one session within a
    minute; where they are served already, it only prints another link. Sessions last a week, and
    outlive the server. Runs and campaigns go on without it; `headrace service install web` keeps
    it running. The table [web] of headrace.toml has what these options are by default.
    """
    from headrace.web.server import open_store, read_listening, serve

    if opens and no_link:
        raise click.UsageError("--open opens the link that --no-link does not make")
    if uds is not None and port is not None:
        raise click.UsageError("--uds goes in the place of --port: give one of them")
    given = [
        option
        for option, value in (
            ("--port", port),
            ("--uds", uds),
            ("--root-path", root_path),
            ("--name", names),
        )
        if value
    ]
    session = current()
    project = session.project()
    configured = project.config.web
    if port is None and uds is None:
        port = configured.port
        uds = project.root / configured.uds if configured.uds is not None else None

    def show(listening: Listening, store: WebStore) -> None:
        if no_link:
            note(f"web: serves pages at {listening.socket or listening.url}")
            return
        code = store.make_code("look" if role == "look" else "steer", label or _user())
        link = f"{_address_for_browsers(listening)}{listening.root_path}/login#{code}"
        document = {"link": link, "role": role, "url": listening.url, "socket": listening.socket}
        display(document, lambda: _text(link, listening), _COLUMNS)
        click.get_text_stream("stdout").flush()
        if opens:
            click.launch(link)

    listening = read_listening(project.root, session.target)
    if listening is not None:
        if given:
            where = listening.socket or listening.url
            note(
                f"web: the pages are served already, at {where} by process {listening.pid}: "
                f"{' and '.join(given)} changes nothing before that one is ended"
            )
        store = open_store(project.root, session.target)
        try:
            show(listening, store)
        finally:
            store.close()
        return
    try:
        serve(
            project.root,
            session.target,
            port=port or 0,
            uds=uds,
            profile=session.profile,
            names=names or configured.names,
            root_path=(configured.root_path or "") if root_path is None else root_path,
            on_ready=show,
        )
    except Stopped as stopped:
        note(f"web: {describe_interrupt(stopped)[0]}; runs and campaigns go on")


def _address_for_browsers(listening: Listening) -> str:
    """Return the address behind the tunnel that ``_text`` names, or on this machine."""
    return f"{listening.url}:{_PORT_OF_TUNNELS}" if listening.socket else listening.url


def _text(link: str, listening: Listening) -> str:
    lines = ["Open within a minute:", f"  {link}"]
    port = listening.url.rpartition(":")[2]
    tunnel = (
        f"{_PORT_OF_TUNNELS}:{listening.socket}" if listening.socket else f"{port}:127.0.0.1:{port}"
    )
    lines.append(f"on another machine after `ssh -L {tunnel} HOST`")
    return "\n".join(lines)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "owner"
