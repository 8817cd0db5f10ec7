"""A group of commands: `headrace tides forecast`."""

import click


@click.group
def tides_group() -> None:
    """Forecast tides."""


@tides_group.command
def forecast_command() -> None:
    """Forecast the next tide."""
    click.echo("high water at noon")
