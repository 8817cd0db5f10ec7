"""The table ``[members]``: where the members come from, and what is read of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from headrace._internal.settings import Boolean, Key, ListOf, Place, table_of
from headrace.campaigns.tables.kinds import (
    TEXT,
    TEXTS,
    DirectoryOfCollection,
    RelativeName,
    TextOrNumber,
    TextOrTexts,
)

TABLE_SUFFIXES: Final = (".csv", ".tsv", ".toml", ".json", ".yaml", ".yml", ".parquet")
_DEEPEST: Final = 8
_NAMES: Final = ListOf(RelativeName(), 'a list of names, such as ["exe/crtomo.cfg"]')


@dataclass(frozen=True)
class DirectoriesTable:
    """The table ``[members.directories]``: directories that are members."""

    collection: Annotated[
        str, Key("Collection of headrace.toml that the directories are in.", kind=TEXT)
    ]
    path: Annotated[
        str,
        Key(
            "The directory below which they are looked for, from the collection's root.",
            kind=DirectoryOfCollection(),
            example='path = "/sims/"',
        ),
    ] = "/"
    find: Annotated[
        tuple[str, ...],
        Key(
            "What a directory must hold to be a member: files or directories, all of them; a name "
            "may be a shell pattern.",
            kind=_NAMES,
            example='find = ["exe/crtomo.cfg"]',
        ),
    ] = ()
    without: Annotated[
        tuple[str, ...],
        Key(
            "What it must not hold: none of these.",
            kind=_NAMES,
            example='without = ["inv/inv.ctr"]',
        ),
    ] = ()
    depth: Annotated[
        int,
        Key("Number of levels below path at which members lie at most.", minimum=1),
    ] = 1
    links: Annotated[
        bool,
        Key(
            "Whether symbolic links to directories within the collection are followed.",
            kind=Boolean(),
        ),
    ] = False
    check: Annotated[
        tuple[str, ...],
        Key(
            "Program, with its arguments, that is called with the directory's path as its last "
            "argument and exits with 0 for a member, with 1 for none.",
            kind=TEXTS,
            example='check = ["python", "job_scripts/is_tomodir.py"]',
        ),
    ] = ()


@dataclass(frozen=True)
class MembersTable:
    """The table ``[members]``: where the members come from, and what is read of each row."""

    table: Annotated[
        str | None,
        Key(
            "File with a row for each member, relative to this file: "
            f"{', '.join(TABLE_SUFFIXES)}; its columns are placeholders.",
            kind=TEXT,
            example='table = "napa.csv"',
        ),
    ] = None
    directories: Annotated[
        DirectoriesTable | None, Key("Directories that are members, instead of a table.")
    ] = None
    trigger: Annotated[
        str | None,
        Key(
            "Trigger of which each arrival becomes a member, instead of a table.",
            kind=TEXT,
            example='trigger = "new_tomodir"',
        ),
    ] = None
    key: Annotated[
        str | None,
        Key(
            "Template of the name by which a member is known: unique, and fit for a directory's "
            "name.",
            kind=TEXT,
            default="the column `key`, else the first one; the directory's or arrival's name",
            example='key = "{name}"',
        ),
    ] = None
    priority: Annotated[
        str,
        Key(
            "Number, or its template: members of a higher one are started first.",
            kind=TextOrNumber(),
            default="0",
            example='priority = "{prio}"',
        ),
    ] = "0"
    group: Annotated[
        str,
        Key(
            "Template of the group, by which members are selected, and after which grafts start.",
            default="none",
            example='group = "{protein}"',
        ),
    ] = ""
    category: Annotated[
        str,
        Key(
            "Template of the category: only lanes that take it get the member.",
            default="any lane",
            example='category = "{category}"',
        ),
    ] = ""
    needs: Annotated[
        tuple[str, ...],
        Key(
            "Templates of the keys of members that must be done first, separated by spaces or "
            "commas; CAMPAIGN:KEY is one of another campaign, CAMPAIGN:* all of it.",
            kind=TextOrTexts(),
            default="none",
            example='needs = "{parent}"',
        ),
    ] = ()
    hash: Annotated[
        tuple[str, ...],
        Key(
            "Templates of paths, as COLLECTION:PATH, whose content makes members equal that have "
            "the same input: one of them runs, the others share its results.",
            kind=TextOrTexts(),
            default="nothing is shared",
            example='hash = ["workstation:{path}"]',
        ),
    ] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The keys by which members come; at most one."""
        names = ("table", "directories", "trigger")
        return tuple(name for name in names if getattr(self, name) is not None)


def _check_directories(found: DirectoriesTable, place: Place) -> None:
    if found.depth > _DEEPEST:
        place.child("depth").refused(f"is at most {_DEEPEST}")
    if not found.find and not found.check:
        place.refused("needs find or check: every directory would be a member")


def _check(members: MembersTable, place: Place) -> None:
    if len(members.sources) > 1:
        one, other, *_ = members.sources
        place.child(other).refused(f"is instead of members.{one}; leave one of them out")
    table = members.table
    if table is not None and not table.lower().endswith(TABLE_SUFFIXES):
        place.child("table").refused(f'"{table}" must end with {" or ".join(TABLE_SUFFIXES)}')


MEMBERS: Final = table_of(
    MembersTable, check=_check, directories=table_of(DirectoriesTable, check=_check_directories)
)
