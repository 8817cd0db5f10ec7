"""``headrace facility up``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note


@click.command
@click.option(
    "--compute/--no-compute",
    default=None,
    help="Serve real Compute endpoints and the Compute SDK too, at port 5000; kept until changed.",
)
@click.option(
    "--broker",
    metavar="URL",
    help="With --compute: amqp:// URL of a RabbitMQ; a private one is started by default.",
)
@click.option(
    "--take-over",
    is_flag=True,
    help="Start it here although another machine, which is gone for good, holds it.",
)
@click.option(
    "--foreground",
    is_flag=True,
    help="Serve in this process until it is ended, in the place of one that is running.",
)
@project_options
def up_command(compute: bool | None, broker: str | None, take_over: bool, foreground: bool) -> None:
    """Start the project's facility in the background, unless it is running.

    A running one is restarted when --compute or --broker changes its settings.
    """
    from headrace.facility import (
        facility_status,
        find_address,
        missing_requirements,
        serve_facility,
        start_facility,
        stop_facility,
        store_compute_settings,
    )
    from headrace.project import facility_settings

    if broker and not compute:
        raise click.UsageError("--broker goes with --compute.")
    project = current().project()
    settings = facility_settings(project)
    changed = compute is not None and store_compute_settings(project.root, compute, broker or "")
    if foreground:
        serve_facility(project.root, settings, take_over=take_over)
    running = not take_over and find_address(project.root) is not None
    if running and changed:
        stop_facility(project.root)
    address = start_facility(project.root, settings, take_over=take_over)
    if compute and (missing := missing_requirements(project.root)):
        note(missing)
    words = "was restarted" if running and changed else "was running" if running else "started"
    display(facility_status(project.root), f"The facility {words}: {address.url}", ("url", "pid"))
