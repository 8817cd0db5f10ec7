"""Campaign files: read, checked against the project that they are in, and named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.near_names import known_names
from headrace._internal.settings import FileKind, PlainWording, Reading, TomlDocument
from headrace.campaigns.campaign import Campaign
from headrace.campaigns.campaign_file import (
    CAMPAIGN,
    CampaignTable,
    document_of,
    read_document,
)
from headrace.campaigns.errors import CampaignError, CampaignProblems
from headrace.campaigns.tables.grafts import GRAFT_LABELS
from headrace.campaigns.tables.lanes import LaneTable

if TYPE_CHECKING:
    from headrace.project import Project

FOLDER: Final = "campaigns"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def campaign_names(root: Path) -> list[str]:
    """Return the names of a project's campaigns, whatever their files say.

    Args:
        root: the project's directory.
    """
    return sorted(file.stem for file in (root / FOLDER).glob("*.toml"))


def campaign_file(root: Path, name: str) -> Path:
    """Return the file of a campaign.

    Raises:
        CampaignError: there is none of this name; the message lists the known ones.
    """
    file = root / FOLDER / f"{name}.toml"
    if NAME.fullmatch(name) and file.is_file():
        return file
    names = campaign_names(root)
    raise CampaignError(
        f"no campaign {name!r} in {root / FOLDER}; "
        + (known_names(name, names) if names else "`headrace campaign init NAME` makes one")
    )


def read_campaign(file: Path) -> Campaign:
    """Read a campaign file by itself, without a look at the project.

    Raises:
        CampaignError: it cannot be read, is not TOML, has an unknown or missing key, or a wrong
            value; the message is the first fault.
    """
    if not NAME.fullmatch(file.stem):
        raise CampaignError(
            f"{file}: the file's name names the campaign; use letters, digits, '_', '-' and '.', "
            "64 at most"
        )
    return _campaign(read_document(file), file)


def campaign_of_definition(
    definition: Mapping[str, Any], file: Path, *, templates: bool = True
) -> Campaign:
    """Make a campaign of its definition, as the ledger keeps it.

    Args:
        definition: `Campaign.definition`.
        file: the campaign file, which need not be there any more.
        templates: whether its templates are checked again, for those who render them.

    Raises:
        CampaignError: the definition has a fault, as one of another version of headrace may have.
    """
    return _campaign(document_of(definition, str(file)), file, templates=templates)


def load_campaign(project: Project, name: str) -> Campaign:
    """Read a campaign of a project, and check what it names.

    Args:
        project: the project.
        name: of the campaign.

    Raises:
        CampaignError: there is none of this name, or its file has a fault.
        CampaignProblems: it names a flow, an endpoint, a collection, a profile or a trigger that
            the project does not have.
    """
    campaign = read_campaign(campaign_file(project.root, name))
    problems = project_problems(project, campaign)
    if problems:
        raise CampaignProblems(problems)
    return campaign


def project_problems(project: Project, campaign: Campaign) -> list[str]:
    """Return what a campaign names and its project does not have, one line each."""
    return [f"{campaign.file}: {problem}" for problem in _missing_names(project, campaign)]


def campaign_file_problems(file: Path) -> list[str]:
    """Return all that is wrong with a campaign file of a project, one line each."""
    from headrace.campaigns.template_check import check_templates
    from headrace.config import ProjectError
    from headrace.project import load_project

    try:
        document = read_document(file)
    except CampaignError as error:
        return [str(error)]
    reading = Reading(document, PlainWording())
    found = CAMPAIGN.read(document.values, reading.top)
    check_templates(reading, file)
    problems = [fault.message for fault in reading.faults]
    if problems or not isinstance(found, CampaignTable):
        return problems
    try:
        project = load_project(file.parent)
    except ProjectError:
        return []  # what is wrong with headrace.toml is said where that is checked
    campaign = _made(found, document, file)
    return [f"{file}: {problem}" for problem in _names_of_config(project, campaign)]


CAMPAIGN_TOML = FileKind(
    name="campaign.toml",
    description="The members of a campaign, where they run, and the flows that each goes through.",
    table=CAMPAIGN,
    patterns=(f"{FOLDER}/*.toml",),
    problems=campaign_file_problems,
)
"""The kind of file."""


def _campaign(document: TomlDocument, file: Path, *, templates: bool = True) -> Campaign:
    reading = Reading(document, PlainWording())
    found = CAMPAIGN.read(document.values, reading.top)
    if templates:
        # Commands that only show something render nothing, and do not load what does.
        from headrace.campaigns.template_check import check_templates

        check_templates(reading, file)
    reading.raise_first(CampaignError)
    return _made(found, document, file)


def _made(found: CampaignTable, document: TomlDocument, file: Path) -> Campaign:
    lanes = tuple(replace(lane, name=name) for name, lane in found.lanes.items())
    grafts = tuple(
        replace(graft, after=after, label=graft.label or GRAFT_LABELS[after])
        for after in GRAFT_LABELS
        if (graft := getattr(found.after, after)) is not None
    )
    return Campaign(
        name=file.stem,
        file=file,
        title=found.title or file.stem,
        priority=found.priority,
        members=found.members,
        steps=found.steps if found.start is None else (found.start,),
        lanes=lanes or (LaneTable(),),
        limits=found.limits,
        retries=found.retries,
        grafts=grafts,
        results=found.results,
        keep=found.keep,
        definition=document.values,
    )


def _missing_names(project: Project, campaign: Campaign) -> Iterator[str]:
    """Yield what a campaign names and the project does not have."""
    flows = project.flow_names()
    for flow in campaign.flows:
        if flow not in flows:
            yield f"no flow {flow!r} in {project.flows_dir}; {known_names(flow, flows)}"
    trigger = campaign.members.trigger
    if trigger is not None and not (project.triggers_dir / f"{trigger}.toml").is_file():
        known = sorted(file.stem for file in project.triggers_dir.glob("*.toml"))
        yield f"members.trigger: no trigger {trigger!r}; {known_names(trigger, known)}"
    table = campaign.table_file
    if table is not None and not table.is_file():
        yield f"members.table: {table}: no such file"
    yield from _names_of_config(project, campaign)
    yield from _licence_problems(campaign)


def _names_of_config(project: Project, campaign: Campaign) -> Iterator[str]:
    """Yield what a campaign names and ``headrace.toml`` does not have."""
    directories = campaign.members.directories
    if directories is not None:
        yield from _unknown(
            "members.directories.collection",
            "collection",
            directories.collection,
            project.collections,
        )
    if campaign.keep.results is not None:
        yield from _unknown(
            "keep.results.collection",
            "collection",
            campaign.keep.results.collection,
            project.collections,
        )
    yield from _lane_problems(project, campaign)


def _lane_problems(project: Project, campaign: Campaign) -> Iterator[str]:
    from headrace.config.project_config import read_config
    from headrace.config.toml_file import profile_names, read_toml

    for lane in campaign.lanes:
        where = f"lanes.{lane.name}"
        config = project.config
        if lane.profile:
            profiles = profile_names(read_toml(project.config_file))
            if lane.profile not in profiles:
                yield (
                    f"{where}.profile: no profile {lane.profile!r} in {project.config_file}; "
                    f"{known_names(lane.profile, profiles)}"
                )
                continue
            config = read_config(project.config_file, lane.profile)
        if lane.endpoint:
            yield from _unknown(f"{where}.endpoint", "endpoint", lane.endpoint, config.endpoints)
        if lane.collection:
            yield from _unknown(
                f"{where}.collection", "collection", lane.collection, config.collections
            )


def _licence_problems(campaign: Campaign) -> Iterator[str]:
    """Yield licences that steps hold and no limit names: a misspelt one would limit nothing."""
    known = {*campaign.limits.licences, *(n for lane in campaign.lanes for n in lane.licences)}
    for step in campaign.steps:
        for name, count in step.licences.items():
            if name not in known:
                yield (
                    f"step {step.name}: licences.{name}: neither limits.licences nor a lane's "
                    f"licences say how many there are; {known_names(name, known)}"
                )
            elif count > campaign.limits.licences.get(name, count):
                yield (
                    f"step {step.name}: licences.{name}: a run holds {count}, and "
                    f"limits.licences.{name} is {campaign.limits.licences[name]}: none could start"
                )


def _unknown(where: str, kind: str, name: str, known: Mapping[str, Any]) -> Iterator[str]:
    if name not in known:
        yield f"{where}: no {kind} {name!r} in headrace.toml; {known_names(name, known)}"
