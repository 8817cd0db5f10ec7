"""The keys of ``headrace.toml``, declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from headrace._internal.settings import (
    Choice,
    FreeTable,
    InvalidValue,
    Key,
    Kind,
    ListOf,
    Named,
    RefusedValue,
    Table,
    Text,
    any_key,
    table_of,
)
from headrace._internal.settings.place import Place
from headrace.config.ids import is_uuid
from headrace.config.notify_table import NOTIFY

CONFIG_FILE: Final = "headrace.toml"
NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_IN_PROFILES: Final = ("collections", "endpoints", "notify")
NAME_ADVICE: Final = "use letters, digits, - and _, 64 at most"
_HEX: Final = "-*".join(["[0-9a-fA-F]"] * 32)


class Uuid(Kind):
    """A UUID as text."""

    expected = "a UUID"

    def parse(self, value: Any) -> str:
        """Return the UUID as it was written."""
        if not isinstance(value, str):
            raise InvalidValue("text")
        if not is_uuid(value):
            raise InvalidValue(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema: all forms that Python takes for a UUID."""
        return {"type": "string", "pattern": rf"^(urn:)?(uuid:)?\{{*-*{_HEX}-*\}}*$"}


class ProviderUrl(Kind):
    """The URL of an action provider: encrypted, or on this machine."""

    expected = "text"

    def parse(self, value: Any) -> str:
        """Return the URL as it was written."""
        if not isinstance(value, str):
            raise InvalidValue(self.expected)
        parts = urlsplit(value)
        loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
        encrypted = parts.scheme == "https" or (parts.scheme == "http" and loopback)
        if not parts.hostname or not encrypted:
            raise RefusedValue("must begin with https://, or http:// on this machine")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the URL."""
        return {"type": "string", "pattern": "^[hH][tT][tT][pP][sS]?://."}


@dataclass(frozen=True)
class CollectionTable:
    """A table ``[collections.NAME]``."""

    root: Annotated[
        str,
        Key(
            "Its directory where jobs and the facility see it; relative to this file.",
            example='root = "data"',
        ),
    ]
    id: Annotated[str | None, Key("Its id at the hosted services.", kind=Uuid())] = None
    data_access: Annotated[
        bool, Key("Whether it is a mapped collection, which wants a consent of its own.")
    ] = False


@dataclass(frozen=True)
class EndpointTable:
    """A table ``[endpoints.NAME]``."""

    id: Annotated[str | None, Key("Its id at the hosted services.", kind=Uuid())] = None
    template: Annotated[
        str | None,
        Key(
            "Its folder of endpoint_configs/; left out for one that is elsewhere.",
            example='template = "slurm"',
        ),
    ] = None
    options: Annotated[
        Mapping[str, Any], Key("Values for the template.", example="options = { workers = 2 }")
    ] = field(default_factory=dict)
    project: Annotated[
        str | None, Key("Path of the project where it runs.", default="this file's directory")
    ] = None


@dataclass(frozen=True)
class ProviderTable:
    """A table ``[action_providers.NAME]``."""

    url: Annotated[
        str,
        Key(
            "What the URLs that flows name begin with: https://, or http:// on this machine.",
            kind=ProviderUrl(),
        ),
    ]
    token_file: Annotated[str | None, Key("File with its bearer token; relative to this file.")] = (
        None
    )


# A blank condition would choose every run.
_CONDITION: Final = Text(pattern=r"[\s\S]*\S[\s\S]*", expected="a text that is not blank")
_CONDITIONS: Final = ListOf(
    _CONDITION, expected='a list of texts that are not blank, such as ["one", "two"]'
)
_STATUSES: Final = ("ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED", "ENDED")


@dataclass(frozen=True)
class SelectionTable:
    """A table ``[selections.NAME]``: conditions that choose runs."""

    flow: Annotated[
        tuple[str, ...], Key("Runs of these flows.", kind=_CONDITIONS, example='flow = ["fit"]')
    ] = ()
    status: Annotated[
        tuple[str, ...],
        Key(f"Runs with these statuses: {', '.join(_STATUSES)}.", kind=ListOf(Choice(_STATUSES))),
    ] = ()
    tag: Annotated[
        tuple[str, ...], Key("Runs with one of these tags; * is any text.", kind=_CONDITIONS)
    ] = ()
    label: Annotated[
        tuple[str, ...], Key("Runs with one of these texts in their label.", kind=_CONDITIONS)
    ] = ()
    cause: Annotated[
        tuple[str, ...],
        Key(
            "Runs that failed with one of these texts.",
            kind=_CONDITIONS,
            example='cause = ["*walltime*"]',
        ),
    ] = ()
    endpoint: Annotated[
        tuple[str, ...], Key("Runs that sent tasks to these endpoints.", kind=_CONDITIONS)
    ] = ()
    since: Annotated[
        str | None,
        Key("Runs started since then: 2h, 3d, today, a date or a time.", kind=_CONDITION),
    ] = None
    until: Annotated[str | None, Key("Runs started before then.", kind=_CONDITION)] = None
    unmended: Annotated[
        bool, Key("Whether failed runs that a retry has taken up are left out.")
    ] = False
    held: Annotated[bool, Key("Whether only runs that are held are meant.")] = False


_KEEP: Final = Text(pattern=r"[0-9]{1,6}[smhdw]", expected="a time such as 12h, 30d or 8w")


@dataclass(frozen=True)
class ScratchTable:
    """The table ``[scratch]``: how long what runs leave on a cluster is kept."""

    keep: Annotated[
        str | None,
        Key(
            "How long a scratch directory is kept after its run has ended and its results were "
            "transferred back: 12h, 30d, 8w. `headrace endpoint monitor` removes what is "
            "older once a day, `headrace gc` when it is called.",
            kind=_KEEP,
            example='keep = "30d"',
        ),
    ] = None


@dataclass(frozen=True)
class ResultsTable:
    """The table ``[results]``: the results that stages share (their key ``reuse``)."""

    collection: Annotated[
        str | None, Key("Name of the collection that holds them.", example='collection = "hpc"')
    ] = None
    path: Annotated[
        str | None,
        Key("Their directory below its root.", example='path = "/data_run/results"'),
    ] = None
    endpoint: Annotated[
        str | None, Key("Name of an endpoint that sees it; needed at `globus`.")
    ] = None
    keep: Annotated[
        str | None,
        Key(
            "How long a result is kept after its last use: 12h, 30d, 8w. `headrace endpoint "
            "monitor` removes what is older once a day, `headrace gc` when it is called.",
            kind=_KEEP,
            example='keep = "90d"',
        ),
    ] = None


class Port(Kind):
    """A port."""

    expected = "a port from 1 to 65535"

    def parse(self, value: Any) -> int:
        """Return the port."""
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 65536:
            raise InvalidValue(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of ports."""
        return {"type": "integer", "minimum": 1, "maximum": 65535}


ROOT_PATH: Final = Text(
    pattern=r"(?:/[^/?#\s]+)*/?",
    expected="a path that begins with a slash, such as /node/n1/8080",
)
"""What a proxy puts before addresses."""
HOST: Final = Text(
    pattern=r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]",
    expected="the name of a host, without a port, such as ood.example.org",
)
"""Name of a host that requests may be addressed to."""


@dataclass(frozen=True)
class WebTable:
    """The table ``[web]``: how `headrace web` serves its pages; its options go before."""

    port: Annotated[
        int | None,
        Key(
            "Port on 127.0.0.1.",
            kind=Port(),
            default="that of the last time, or any that is free",
        ),
    ] = None
    uds: Annotated[
        str | None,
        Key(
            "Unix socket to serve on in the place of a port; relative to this file.",
            kind=Text(empty=False),
            example='uds = ".headrace/web.sock"',
        ),
    ] = None
    root_path: Annotated[
        str | None,
        Key(
            "What a proxy puts before all addresses, and passes on; begins with a slash.",
            kind=ROOT_PATH,
            example='root_path = "/node/n1/8080"',
        ),
    ] = None
    names: Annotated[
        tuple[str, ...],
        Key(
            "Further hosts to which requests are answered, such as a proxy's.",
            kind=ListOf(HOST),
            example='names = ["ood.example.org"]',
        ),
    ] = ()


@dataclass(frozen=True)
class ProjectTable:
    """The top table of ``headrace.toml``, with a profile's values in their place."""

    name: Annotated[
        str | None, Key("The project's name, which marks its flows.", default="its directory's")
    ] = None
    collections: Annotated[Mapping[str, CollectionTable], Key("Named storage places.")] = field(
        default_factory=dict
    )
    endpoints: Annotated[Mapping[str, EndpointTable], Key("Named Globus Compute endpoints.")] = (
        field(default_factory=dict)
    )
    notify: Annotated[
        Mapping[str, Any], Key("How people are notified, and of what.", kind=NOTIFY)
    ] = field(default_factory=dict)
    action_providers: Annotated[
        Mapping[str, ProviderTable],
        Key("Action providers elsewhere that flows at the facility may call."),
    ] = field(default_factory=dict)
    scratch: Annotated[
        ScratchTable,
        Key("Clean-up of what runs leave on a cluster, by `headrace gc`."),
    ] = field(default_factory=ScratchTable)
    results: Annotated[
        ResultsTable,
        Key("Results that stages share, and their clean-up by `headrace gc`."),
    ] = field(default_factory=ResultsTable)
    selections: Annotated[
        Mapping[str, SelectionTable],
        Key("Named selections of runs, for --selection NAME of `headrace run`."),
    ] = field(default_factory=dict)
    web: Annotated[WebTable, Key("How `headrace web` serves its pages.")] = field(
        default_factory=WebTable
    )
    profiles: Annotated[
        Mapping[str, Any],
        Key(
            "Values in the place of the rest: with --profile NAME or HEADRACE_PROFILE, and of "
            "itself at the target of that name.",
            kind=FreeTable(),
        ),
    ] = field(default_factory=dict)


def _check_web(web: WebTable, place: Place) -> None:
    if web.port is not None and web.uds is not None:
        place.child("uds").refused("it goes in the place of `port`: give one of them")


def _named(table: Table[Any]) -> Named[Any]:
    return Named(table, NAME_PATTERN, NAME_ADVICE)


PROJECT: Final = table_of(
    ProjectTable,
    collections=_named(table_of(CollectionTable)),
    endpoints=_named(table_of(EndpointTable)),
    action_providers=_named(table_of(ProviderTable)),
    scratch=table_of(ScratchTable),
    results=table_of(ResultsTable),
    selections=_named(table_of(SelectionTable)),
    web=table_of(WebTable, check=_check_web),
)
"""The top table, with a profile's values in the place of the rest."""


def _profile() -> Table[dict[str, Any]]:
    keys = {name: PROJECT.keys[name] for name in _IN_PROFILES}
    partial = _named(table_of(CollectionTable).without_required())
    keys["collections"] = replace(keys["collections"], kind=partial)
    return Table(keys, dict, only_given=True)


PROFILES: Final = _named(_profile())
"""The tables ``[profiles.NAME]``."""

PROFILE_NAMES: Final = _named(Table({name: any_key(name) for name in _IN_PROFILES}, dict))
"""The same, of which only the names of keys are read: a profile not in use may be wrong."""

PROJECT_FILE: Final[Table[dict[str, Any]]] = Table(
    {**PROJECT.keys, "profiles": replace(PROJECT.keys["profiles"], kind=PROFILES)}, dict
)
"""The whole file."""
