"""Check of the templates and options of the endpoints in ``headrace.toml``."""

from __future__ import annotations

from headrace.project.project import Project


def endpoint_problem(project: Project, name: str) -> str:
    """Return in one line what is wrong with an endpoint's template or options; empty if nothing.

    Args:
        project: the project.
        name: the endpoint's name.

    Raises:
        ProjectError: there is none of this name.
    """
    from headrace.compute import ComputeError, check_options

    configured = project.endpoint(name)
    if configured.template is None:
        return ""
    try:
        check_options(project.templates_dir / configured.template, configured.options, name)
    except ComputeError as error:
        return str(error)
    except OSError as error:
        return f"endpoint {name}: {error.filename}: {error.strerror}"
    return ""


def endpoint_problems(project: Project) -> list[str]:
    """Return what is wrong with the project's endpoints, a line for each that is not right."""
    return [line for name in project.endpoints if (line := endpoint_problem(project, name))]
