"""What the hosted action providers answer, how long they take, and which of them are no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from headrace.flowlang.checker.shapes import (
    ANY,
    ARRAY,
    BOOLEAN,
    COUNT,
    NULL,
    NUMBER,
    OBJECT,
    OPEN,
    STRING,
    TEXT,
    Member,
    Presence,
    Shape,
    array,
    one_of,
)

_LETTERS: Final = {"s": STRING, "n": NUMBER, "b": BOOLEAN, "0": NULL, "a": ARRAY, "o": OBJECT}


def _document(
    text: str, *, sure: str = "", rest: Presence = Presence.UNKNOWN, **more: Shape
) -> Shape:
    """Returns a documented object: ``name:letters`` gives a member and the kinds it can be of.

    Args:
        text: the members; ``s n b 0 a o`` for string, number, boolean, null, array, object.
        sure: names of members that are always there; of the others that is not known.
        rest: whether there can be other members.
        more: shapes of members, which are always there.
    """
    certain = {*sure.split(), *more}
    shapes = dict(more)
    for word in text.split():
        name, _, letters = word.partition(":")
        kinds = sum({_LETTERS[letter] for letter in letters})
        shapes.setdefault(name, Shape(kinds) if kinds else ANY)
    members = {
        name: Member(shape, Presence.MUST if name in certain else Presence.UNKNOWN)
        for name, shape in shapes.items()
    }
    return Shape(OBJECT, members, rest, named=True)


_ENTRY: Final = _document(
    "name:s type:s size:n0 last_modified:s0 permissions:s0 user:s0 group:s0 link_target:s0 "
    "link_size:n0 link_user:s0 link_group:s0 link_last_modified:s0 DATA_TYPE:s",
    sure="name type",
)
_TASK: Final = _document(
    "DATA_TYPE:s task_id:s type:s status:s label:s0 request_time:s completion_time:s0 deadline:s0 "
    "source_endpoint:s0 source_endpoint_id:s0 source_endpoint_display_name:s0 "
    "destination_endpoint:s0 destination_endpoint_id:s0 destination_endpoint_display_name:s0 "
    "source_local_user:s0 destination_local_user:s0 source_host_endpoint_id:s0 "
    "destination_host_endpoint_id:s0 sync_level:n0 encrypt_data:b verify_checksum:b "
    "delete_destination_extra:b recursive_symlinks:s preserve_timestamp:b skip_source_errors:b "
    "fail_on_quota_errors:b command:s history_deleted:b faults:n files:n directories:n symlinks:n "
    "files_skipped:n files_transferred:n0 subtasks_total:n subtasks_pending:n subtasks_retrying:n "
    "subtasks_succeeded:n subtasks_expired:n subtasks_canceled:n subtasks_failed:n "
    "subtasks_skipped_errors:n bytes_transferred:n bytes_checksummed:n "
    "effective_bytes_per_second:n nice_status:s0 nice_status_short_description:s0 "
    "nice_status_expires_in:n0 nice_status_details:so0 is_paused:b is_ok:b0 fatal_error:so0 "
    "owner_id:s owner_string:s username:s canceled_by_admin:s0 canceled_by_admin_message:s0 "
    "filter_rules:a0 source_base_path:s0 destination_base_path:s0",
    sure="DATA_TYPE",
)
_LISTING: Final = _document(
    "DATA_TYPE:s path:s absolute_path:s0 endpoint:s length:n total:n0 rename_supported:b "
    "symlink_supported:b message:s0",
    sure="DATA_TYPE path endpoint",
    DATA=array(_ENTRY),
)
_STAT: Final = _document(
    "DATA_TYPE:s name:s type:s size:n0 last_modified:s0 permissions:s0 user:s0 group:s0 "
    "link_target:s0 link_size:n0 link_user:s0 link_group:s0 link_last_modified:s0",
    sure="DATA_TYPE name type size",
)
_MKDIR: Final = _document(
    "DATA_TYPE:s code:s message:s request_id:s resource:s", sure="DATA_TYPE code"
)
_RESULTS: Final = _document(
    "",
    result=array(),
    results=array(_document("task_id:s output:", sure="task_id output", rest=Presence.CANNOT)),
    rest=Presence.CANNOT,
)
_HELLO: Final = Shape(
    OBJECT,
    {"Hello": Member(TEXT), "hello": Member(TEXT, Presence.MAY)},
    Presence.CANNOT,
    named=True,
)
_WEB_INPUT: Final = _document(
    "id:s status:s user_roles:a input_type:s input_schema:o context:o options:a roles:o "
    "creator_urn:s flow:o run:o created_timestamp:s edited_timestamp:s0 closed_timestamp:s0"
)


@dataclass(frozen=True)
class Provider:
    """What is known of a hosted action provider.

    Attributes:
        title: what people call it.
        details: the member ``details`` of its status document after success.
        long: whether its actions can well take longer than the default WaitTime.
    """

    title: str
    details: Shape = OPEN
    long: bool = False


_TRANSFER: Final = "https://transfer.actions.globus.org"
_COMPUTE: Final = "https://compute.actions.globus.org"
_ACTIONS: Final = "https://actions.globus.org"

WEB_OPTION: Final = Provider(
    "Web option", _document("name:s url_suffix:s body: query_params:"), long=True
)
PROVIDERS: Final[Mapping[str, Provider]] = {
    f"{_ACTIONS}/hello_world": Provider("Hello World", _HELLO),
    f"{_ACTIONS}/search/ingest": Provider("Search ingest", ANY),
    f"{_ACTIONS}/search/delete": Provider("Search delete", ANY),
    f"{_ACTIONS}/notification/notify": Provider("Notification", ANY),
    f"{_ACTIONS}/weboption/wait_for_option": WEB_OPTION,
    f"{_ACTIONS}/expression_eval": Provider("Expression evaluation", OPEN),
    f"{_ACTIONS}/datacite/mint/basic_auth": Provider("DataCite", ANY),
    f"{_TRANSFER}/transfer": Provider("Transfer", _TASK, long=True),
    f"{_TRANSFER}/delete": Provider("Delete", _TASK, long=True),
    f"{_TRANSFER}/ls": Provider("List directory", _LISTING),
    f"{_TRANSFER}/mkdir": Provider("Make directory", _MKDIR),
    f"{_TRANSFER}/stat": Provider("Stat", _STAT),
    f"{_TRANSFER}/manage_permission": Provider(
        "Manage permission",
        _document("DATA_TYPE:s access_id:s code:s message:s request_id:s resource:s"),
    ),
    f"{_TRANSFER}/collection_info": Provider(
        "Collection information",
        _document(
            "DATA_TYPE:s id:s display_name:s owner_id:s owner_string:s description:s0 "
            "entity_type:s host_endpoint_id:s0 default_directory:s0 subscription_id:s0 "
            "organization:s0 department:s0 public:b https_server:s0 tlsftp_server:s0"
        ),
    ),
    f"{_TRANSFER}/gcp/create_guest_collection": Provider("Create a guest collection"),
    f"{_TRANSFER}/gcsv5/create_guest_collection": Provider("Create a guest collection"),
    _COMPUTE: Provider("Compute", _RESULTS, long=True),
    f"{_COMPUTE}/fxap": Provider("Compute", _RESULTS, long=True),
    f"{_COMPUTE}/v2": Provider("Compute", _RESULTS, long=True),
    f"{_COMPUTE}/v3": Provider("Compute", _RESULTS, long=True),
}

_FLOW: Final = re.compile(r"https://flows\.(automate\.)?globus\.org/flows/[^/]+")

_HOSTS: Final = (_ACTIONS, "https://actions.automate.globus.org")
# Addresses that answer no more, with what has taken their place; the longer ones first.
_GONE: Final = {
    f"{host}/transfer/{old}": f"{_TRANSFER}/{new}"
    for host in _HOSTS
    for old, new in {
        "transfer": "transfer",
        "delete": "delete",
        "ls": "ls",
        "mkdir": "mkdir",
        "set_permission": "manage_permission",
        "collection_info": "collection_info",
    }.items()
} | {
    f"{_HOSTS[0]}/transfer": _TRANSFER,
    f"{_HOSTS[1]}/transfer": _TRANSFER,
}
_FUNCX: Final = ("https://automate.funcx.org", "https://api.funcx.org/automate")
_OLD: Final = {
    _HOSTS[1]: _ACTIONS,
    "https://flows.automate.globus.org": "https://flows.globus.org",
    **dict.fromkeys(_FUNCX, f"{_COMPUTE}/v3"),
}


def provider_of(url: str) -> Provider | None:
    """Returns what is known of the provider at an address, or None."""
    if is_flow(url):
        return Provider("a flow", _document("code:s description:s output:"), long=True)
    address = url.rstrip("/")
    known = PROVIDERS.get(address)
    newer = replacement(address)
    if known is not None or newer is None:
        return known
    successor = PROVIDERS.get(newer[0])
    if successor is None or (address.startswith(f"{_HOSTS[1]}/") and not newer[1]):
        return successor
    # What those answered was not the same.
    return Provider(successor.title, long=successor.long)


def is_flow(url: str) -> bool:
    """Says whether an address is that of a flow, called as an action provider."""
    return _FLOW.match(url) is not None


def replacement(url: str) -> tuple[str, bool] | None:
    """Returns what has taken a provider's place, and whether the old address is shut down."""
    for gone, table in ((True, _GONE), (False, _OLD)):
        for old, new in table.items():
            if url == old or url.startswith(old + "/"):
                return (new if gone else new + url.removeprefix(old)), gone
    return None


_ANSWER: Final = (
    "action_id:s status:s display_status:s0 creator_id:s label:s0 manage_by:a0 monitor_by:a0 "
    "release_after:sn0 start_time:s0 completion_time:s0 state_name:s"
)
_RUN: Final = (
    "run_id:s flow_id:s flow_title:s flow_last_updated:s tags:a run_owner:s run_managers:a "
    "run_monitors:a created_by:s user_role:s0 user_roles:a blocking_web_input_id:s0 "
    "flow_description:o"
)
STATUS_MEMBERS: Final = frozenset(
    {"details", *(word.partition(":")[0] for word in _ANSWER.split())}
)


def status_document(url: str, failed_too: bool) -> Shape:
    """Returns the shape of what an Action puts at its ResultPath.

    Args:
        url: the provider.
        failed_too: whether the status document of a FAILED action can stand there as well.
    """
    provider = provider_of(url)
    states = ["SUCCEEDED", "FAILED"] if failed_too else ["SUCCEEDED"]
    status = TEXT if is_flow(url) else (one_of(states) or TEXT)
    details = provider.details if provider is not None and not failed_too else ANY
    text = f"{_ANSWER} {_RUN}" if is_flow(url) else _ANSWER
    known = provider is not None and not is_flow(url)
    return _document(
        text,
        sure="action_id creator_id state_name",
        rest=Presence.CANNOT if known else Presence.UNKNOWN,
        status=status,
        details=details,
    )


# What a catcher writes: which of the two manners the service has is not documented.
FAILURE: Final = _document("state_name:s exception:s cause: Error:s Cause:")
WEB_INPUT: Final = _WEB_INPUT
CONTEXT: Final = Shape(
    OBJECT,
    {
        **{name: Member(TEXT) for name in ("flow_id", "run_id", "username", "email", "user_id")},
        "identities": Member(array(TEXT)),
        "token_info": Member(
            Shape(OBJECT, {name: Member(COUNT) for name in ("exp", "iat", "nbf")})
        ),
    },
    named=True,
)
