"""Parts of commands that choose runs, or members of campaigns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def with_choice(
    function: F, argument: Callable[[Any], Any], options: Sequence[Callable[[Any], Any]]
) -> F:
    """Add an argument and options to a command, which gets them as one dictionary ``chosen``.

    Args:
        function: the command.
        argument: the decorator of the argument.
        options: the decorators of the options, in the order of the help text.
    """
    names: list[str] = []

    def call(**values: Any) -> Any:
        given = {name: values.pop(name) for name in names}
        return function(chosen=given, **values)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    wrapped: Any = call
    for decorator in (*reversed(options), argument):
        wrapped = decorator(wrapped)
    own: list[click.Parameter] = wrapped.__click_params__
    names += [parameter.name for parameter in reversed(own) if parameter.name]
    wrapped.__click_params__ = [*getattr(function, "__click_params__", []), *own]
    added: F = wrapped
    return added


def refuse_blank(chosen: Mapping[str, Any], argument: str, metavar: str) -> None:
    """Refuse blank values, such as those of unset shell variables: they would choose all.

    Args:
        chosen: what `with_choice` gives.
        argument: name of the argument in it.
        metavar: how the help text calls the argument.

    Raises:
        UsageError: a value is blank.
    """
    for name, given in chosen.items():
        values = given if isinstance(given, tuple) else (given,)
        if any(isinstance(value, str) and not value.strip() for value in values):
            option = metavar if name == argument else f"--{name}"
            raise click.UsageError(
                f"{option}: its value is blank, as that of a variable that is not set: give one, "
                f"or leave {option} out"
            )
