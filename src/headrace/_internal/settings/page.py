"""The documentation page of all keys: its tables are made of the declarations.

``python -m headrace._internal.settings.page docs/configuration.md`` rewrites them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from headrace._internal.settings.file_kinds import file_kinds
from headrace._internal.settings.rows import markdown_tables

_BLOCK: Final = re.compile(r"(<!-- keys of (\S+) -->\n).*?(<!-- end of keys -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """Return a page with the tables of the kinds of files that its markers name.

    Raises:
        KeyError: there is no such kind.
    """

    def block(found: re.Match[str]) -> str:
        kind = file_kinds()[found[2]]
        tables = markdown_tables(kind.rows())
        return f"{found[1]}\n{kind.description}\n\n{tables}\n{found[3]}"

    return _BLOCK.sub(block, page)


def kinds_of(page: str) -> list[str]:
    """Return the kinds of files whose tables a page has."""
    return [found[2] for found in _BLOCK.finditer(page)]


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
