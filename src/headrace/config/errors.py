"""Errors of a project's files, names and deployments."""

from __future__ import annotations

from headrace.errors import HeadraceError


class ProjectError(HeadraceError):
    """A file of the project, a name in it or a deployment is not as it must be."""
