"""Templates of endpoints, rendered as a real endpoint renders them.

Used in the host process only: the functions import the endpoint's packages.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ComputeError
from .task_messages import one_line
from .templates import CONFIG_FILE, ENVIRONMENT_FILE, SCHEMA_FILE, TEMPLATE_FILE, check_options


def read_environment(template: Path) -> dict[str, str]:
    """Read the variables that a template gives to its endpoint's processes."""
    import yaml

    path = template / ENVIRONMENT_FILE
    if not path.exists():
        return {}
    try:
        values = yaml.safe_load(path.read_text()) or {}
        return {str(name): str(value) for name, value in values.items()}
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise ComputeError(f"{path}: not a YAML mapping: {one_line(str(error))}") from error


def render(template: Path, options: Mapping[str, Any]) -> str:
    """Render a template as the endpoint's own package does.

    Args:
        template: the folder.
        options: values for the template's variables.

    Returns:
        The configuration, YAML.

    Raises:
        ComputeError: the options or the template are wrong.
    """
    import jinja2
    import jsonschema
    from click import ClickException
    from globus_compute_endpoint.endpoint.config.utils import (
        load_config_yaml,
        load_user_config_schema,
        load_user_config_template,
        render_config_user_template,
    )
    from globus_compute_endpoint.endpoint.identity_mapper import MappedPosixIdentity

    template_path = template / TEMPLATE_FILE
    config_path = template / CONFIG_FILE
    # The package below would fetch what a schema refers to elsewhere, and evaluate it without end.
    check_options(template, options, template.name)
    try:
        core_text = config_path.read_text() if config_path.exists() else ""
        return str(
            render_config_user_template(
                load_config_yaml(core_text),
                load_user_config_template(template_path),
                template_path,
                MappedPosixIdentity(pwd.getpwuid(os.getuid()), [], None),
                load_user_config_schema(template / SCHEMA_FILE),
                dict(options),
            )
        )
    except jsonschema.ValidationError as error:
        raise ComputeError(f"{template.name}: {one_line(error.message)}") from error
    except ClickException as error:
        raise ComputeError(f"{config_path}: {one_line(error.format_message())}") from error
    except (jinja2.TemplateError, OSError, ValueError, KeyError) as error:
        raise ComputeError(f"{template_path}: {one_line(str(error))}") from error


def provider_type(text: str, where: Path) -> str:
    """Return the class name of the provider of a rendered configuration; empty where none.

    Args:
        text: the configuration, YAML.
        where: its template, for the message.

    Raises:
        ComputeError: it has no engine.
    """
    import yaml

    try:
        engine = yaml.safe_load(text)["engine"]
        return str(engine.get("provider", {}).get("type", ""))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ComputeError(f"{where}: renders to no YAML with an engine: {error}") from error
