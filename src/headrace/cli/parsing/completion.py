"""Names that a shell completes: of the project, and of its runs while the facility is up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from headrace._internal.terminal_text import terminal_text
from headrace.cli.parsing.session import Session

if TYPE_CHECKING:
    from headrace.project import Project

Names = Iterable[tuple[str, str]]
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_MOST = 50


def _completes(find: Callable[[Session, Project], Names]) -> Complete:
    """Make a completion of a function that gives names, each with a few words about it."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        session = ctx.ensure_object(Session)
        try:
            names = list(find(session, session.project()))
        except Exception:  # noqa: BLE001 - a shell shows no errors; there is nothing to complete
            return []
        return [
            CompletionItem(name, help=terminal_text(words) or None)
            for name, words in names
            if name.startswith(incomplete) and name.isprintable()
        ]

    return complete


@_completes
def flows(session: Session, project: Project) -> Names:
    """Name of flows."""
    return [(name, "") for name in project.flow_names()]


@_completes
def functions(session: Session, project: Project) -> Names:
    """Name of compute functions."""
    return [(name, "") for name in project.function_names()]


@_completes
def deployable(session: Session, project: Project) -> Names:
    """Name of flows and functions."""
    named = [(name, "flow") for name in project.flow_names()]
    return [*named, *((name, "function") for name in project.function_names())]


@_completes
def endpoints(session: Session, project: Project) -> Names:
    """Name of endpoints."""
    return [(name, each.template or "") for name, each in project.endpoints.items()]


@_completes
def triggers(session: Session, project: Project) -> Names:
    """Name of triggers."""
    return [(path.stem, "") for path in sorted(project.triggers_dir.glob("*.toml"))]


@_completes
def campaigns(session: Session, project: Project) -> Names:
    """Name of campaigns."""
    from headrace.campaigns import campaign_names

    return [(name, "") for name in campaign_names(project.root)]


def example_campaigns(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Name of campaigns that come with headrace."""
    from headrace.campaigns.campaign_creation import example_names

    return [CompletionItem(name) for name in example_names() if name.startswith(incomplete)]


def members(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Keys of the members of the campaign that stands before them."""

    def find(session: Session, project: Project) -> Names:
        from headrace.campaigns.campaign_access import open_campaign

        with open_campaign(project, session.target, ctx.params["name"]) as campaign:
            rows = campaign.database.execute(
                "SELECT key, state FROM members WHERE campaign = ? AND key >= ? AND key < ? "
                "ORDER BY key LIMIT ?",
                (campaign.id, incomplete, f"{incomplete}\U0010ffff", _MOST),
            )
            return [(str(key), str(state)) for key, state in rows]

    return _completes(find)(ctx, param, incomplete)


def lanes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Lanes of the campaign that stands before them."""

    def find(session: Session, project: Project) -> Names:
        from headrace.campaigns.campaign_loading import campaign_file, read_campaign

        campaign = read_campaign(campaign_file(project.root, ctx.params["name"]))
        return [(lane.name, lane.endpoint) for lane in campaign.lanes]

    return _completes(find)(ctx, param, incomplete)


@_completes
def profiles(session: Session, project: Project) -> Names:
    """Name of profiles."""
    from headrace.config.toml_file import profile_names, read_toml

    return [(name, "") for name in profile_names(read_toml(project.config_file))]


@_completes
def channels(session: Session, project: Project) -> Names:
    """Name of notification channels that are set."""
    from headrace.notifications.send import destinations

    return [(name, each.shown) for name, each in destinations(project.config.notify).items()]


@_completes
def selections(session: Session, project: Project) -> Names:
    """Name of saved selections."""
    return [(name, "") for name in project.config.selections]


def new_pipelines(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Name of pipelines that a new project may have."""
    from headrace.project.scaffold import pipeline_choices

    return [CompletionItem(name) for name in pipeline_choices() if name.startswith(incomplete)]


@_completes
def runs(session: Session, project: Project) -> Names:
    """Ids of the newest runs."""
    from headrace.runs.query import list_runs

    found = list_runs(project, session.target, session.services(project), limit=_MOST)
    rows = [(str(run["run_id"]), _words(run["status"], run.get("label"))) for run in found]
    return [("last", "the newest run"), *rows] if rows else []


@_completes
def web_inputs(session: Session, project: Project) -> Names:
    """Ids of the questions that wait for an answer."""
    from headrace.runs.web_inputs import list_web_inputs

    found = list_web_inputs(session.services(project), include_closed=False)
    return [(str(item["id"]), str(item.get("title") or "")) for item in found[:_MOST]]


def _words(*parts: Any) -> str:
    return " ".join(" ".join(str(part) for part in parts if part).split())
