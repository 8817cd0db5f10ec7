"""Options of job scripts' directives, as command lines have them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping

from .directives import DirectiveLine
from .errors import BatchJobError


def read_options(
    line: DirectiveLine,
    prefix: str,
    command: str,
    short: Mapping[str, str],
    alone: Collection[str] = (),
) -> list[tuple[str, str | None]]:
    """Return the options of a directive with their long names.

    Args:
        line: the directive.
        prefix: its prefix, for messages.
        command: the command whose options they are, for messages.
        short: long names of options by their letters.
        alone: letters, and long names, of options that have no value.

    Returns:
        Names without their dashes, and values; None: no value.

    Raises:
        BatchJobError: the line cannot be read.
    """
    where, text = line.location, line.text
    try:
        words = shlex.split(text, comments=True)
    except ValueError as error:
        raise BatchJobError(f"{where}: {prefix}{text.rstrip()}: {error}") from None
    options: list[tuple[str, str | None]] = []
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if not equals and name not in alone and words and not words[0].startswith("-"):
                value, equals = words.pop(0), "="
            options.append((name, value if equals else None))
        elif len(word) > 1 and word.startswith("-") and word[1] in short:
            value = word[2:].removeprefix("=")
            if not value and word[1] not in alone and words:
                value = words.pop(0)
            options.append((short[word[1]], value or None))
        else:
            raise BatchJobError(
                f"{where}: {prefix}{text.rstrip()}: {word!r} is no option of {command}"
            )
    return options
