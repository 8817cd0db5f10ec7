"""Kinds of TOML files by the names that the command line gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from headrace._internal.settings import FileKind


class FileKindType(click.ParamType):
    """The name of a kind of TOML file, such as ``flow.toml``."""

    name = "FILE_KIND"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> FileKind:
        """Return the kind.

        Raises:
            BadParameter: there is none of this name; names those that there are.
        """
        from headrace._internal.near_names import known_names
        from headrace._internal.settings import file_kind, file_kinds, missing_file_kinds

        kind = file_kind(str(value))
        if kind is None:
            if module := missing_file_kinds().get(value):
                problem = f"{value!r} needs the module {module}, which is not installed"
            else:
                problem = f"no kind of file {value!r}; {known_names(value, file_kinds())}"
            self.fail(problem, param, ctx)
        return kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the kinds whose names begin so."""
        from headrace._internal.settings import file_kinds

        return [
            CompletionItem(name, help=kind.description)
            for name, kind in file_kinds().items()
            if name.startswith(incomplete)
        ]
