"""The table ``[start]``: the flow, and the templates of what a run of it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from headrace._internal.settings import Key, table_of
from headrace.triggers.tables.kinds import TEXT, TEXTS


@dataclass(frozen=True)
class StartTable:
    """The table ``[start]``: the flow, and the templates of what a run of it gets."""

    flow: Annotated[str, Key("Name of the flow.", kind=TEXT)]
    label: Annotated[str, Key("Template of the run's label.", kind=TEXT)] = "{name}"
    tags: Annotated[tuple[str, ...], Key("Templates of the run's tags.", kind=TEXTS)] = ()
    input: Annotated[
        Mapping[str, Any],
        Key(
            "Template of the run's input; {name}, {stem}, {path}, {folder}, {collection}, "
            "{trigger} and the named groups of regex are filled in."
        ),
    ] = field(default_factory=dict)
    preflight: Annotated[
        bool,
        Key(
            "Whether a run is held back while one of its endpoints is not online, or one of its "
            "collections cannot be reached."
        ),
    ] = True


START: Final = table_of(StartTable)
