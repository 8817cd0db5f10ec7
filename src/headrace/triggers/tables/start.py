"""The table ``[start]``: the flow, and the templates of what a run of it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from headrace._internal.settings import Key, Place, table_of
from headrace.triggers.errors import TriggerError
from headrace.triggers.tables.kinds import TEXT, TEXTS
from headrace.triggers.template import check_template


@dataclass(frozen=True)
class StartTable:
    """The table ``[start]``: the flow, and the templates of what a run of it gets."""

    flow: Annotated[str, Key("Name of the flow.", kind=TEXT)]
    label: Annotated[str, Key("Template of the run's label.", kind=TEXT)] = "{name}"
    tags: Annotated[tuple[str, ...], Key("Templates of the run's tags.", kind=TEXTS)] = ()
    input: Annotated[
        Mapping[str, Any],
        Key(
            "Template of the run's input; {name}, {stem}, {path}, {folder}, {collection} and "
            "{trigger} are filled in."
        ),
    ] = field(default_factory=dict)


def _check_templates(start: StartTable, place: Place) -> None:
    for name in ("label", "tags", "input"):
        try:
            check_template(getattr(start, name), f"start.{name}")
        except TriggerError as error:
            place.child(name).report(str(error))


START: Final = table_of(StartTable, check=_check_templates)
