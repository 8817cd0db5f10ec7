"""``headrace campaign show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, hours, minute, opened
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record, table
from headrace.cli.termio.terminal import style

if TYPE_CHECKING:
    from headrace.campaigns.page_data import MemberChain

_TRY_FIELDS = (
    Field("step", lambda row: f"{row[0].step} {row[0].leg}"),
    Field("try", lambda row: row[0].attempt),
    Field("state", lambda row: f"{row[0].state}{', accepted' if row[0].accepted else ''}"),
    Field("lane", lambda row: row[0].lane, optional=True),
    Field("host", lambda row: row[0].host, optional=True),
    Field("begun", lambda row: minute(row[0].created_at)),
    Field("ended", lambda row: minute(row[0].ended_at)),
    Field("core hours", lambda row: hours(row[0].core_hours) if row[0].core_hours else ""),
    Field("run", lambda row: row[1]),
    Field("cause", lambda row: row[0].cause, optional=True),
)
_LOG_FIELDS = (
    Field("time", lambda entry: minute(entry["at"])),
    Field("who", key="who", optional=True),
    Field("what", key="what"),
    Field("", key="detail"),
    Field("why", key="detail", optional=True),
)
_COLUMNS = ("key", "state", "step", "leg", "lane", "run_id", "cause")


@click.command
@campaign_argument
@click.argument("key", metavar="MEMBER", shell_complete=completion.members)
@project_options
def show_command(name: str, key: str) -> None:
    """Show one member: its tries with their runs and machines, what it needs, and what is next."""
    from headrace.campaigns.page_data import chain_document, next_command, read_chain

    with opened(name) as campaign:
        chain = read_chain(campaign.database, campaign.id, name, key)
    command = next_command(chain, name, current().target)
    document = {**chain_document(chain), "next_command": command}
    display(document, lambda: _text(chain, command), _COLUMNS)


def _text(chain: MemberChain, command: str) -> str:
    member = chain.member
    where = f" in lane {member.lane}" if member.lane else ""
    unmet = [key for key, met in chain.needs if not met]
    fields = (
        Field("Member", lambda m: m.key),
        Field("State", lambda m: f"{m.state}, step {m.step}, leg {m.leg}{where}"),
        Field("Group", lambda m: m.group),
        Field("Category", lambda m: m.category),
        Field("Priority", lambda m: f"{m.priority:g}" if m.priority else ""),
        Field("Cause", lambda m: f"{m.cause}{f' ({m.cause_category})' * bool(m.cause_category)}"),
        Field("Not before", lambda m: minute(m.not_before)),
        Field("Wanted", lambda m: m.wanted_lane and f"lane {m.wanted_lane}"),
        Field("Waits for", lambda m: ", ".join(unmet[:10])),
        Field("Needed by", lambda m: ", ".join(chain.needed_by[:10])),
        Field("Directory", lambda m: m.accepted_directory),
        Field("Core hours", lambda m: hours(m.core_hours) if m.core_hours else ""),
        Field("Facts", lambda m: _pairs(m.facts)),
        Field("Row", lambda m: _pairs(m.row)),
    )
    parts = [record(member, fields)]
    if chain.attempts:
        rows = [*zip(chain.attempts, chain.run_ids, strict=True)]
        parts.append(table(rows, _TRY_FIELDS, ""))
    if chain.log:
        parts.append(table(chain.log, _LOG_FIELDS, ""))
    if command:
        parts.append(f"{style('Next:', bold=True)} {command}")
    return "\n\n".join(parts)


def _pairs(values: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
