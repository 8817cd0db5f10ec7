"""Endpoint templates: the folders that a real Globus Compute endpoint is configured with."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace._internal.json_check import InvalidValue, load_json
from headrace._internal.json_schema import schema_problems, value_problems

from .errors import ComputeError
from .models import EndpointSpec

TEMPLATE_FILE = "user_config_template.yaml.j2"
SCHEMA_FILE = "user_config_schema.json"
CONFIG_FILE = "config.yaml"
ENVIRONMENT_FILE = "user_environment.yaml"


@dataclass(frozen=True)
class Template:
    """A folder of ``endpoint_configs/``.

    Attributes:
        folder: where it is.
        schema: JSON schema of the options, None where the folder has none.
    """

    folder: Path
    schema: dict[str, Any] | None

    def check(self, options: Mapping[str, Any], endpoint: str) -> None:
        """Check options against the schema.

        Args:
            options: values for the template's variables.
            endpoint: name of the endpoint, for the message.

        Raises:
            ComputeError: an option is unknown or has a wrong value.
        """
        if self.schema is None:
            return
        where = f"endpoint {endpoint}, template {self.folder.name}"
        for problem in schema_problems(self.schema):
            raise ComputeError(
                f"{self.folder / SCHEMA_FILE}: not a JSON schema: {problem.json_path}: "
                f"{problem.message}"
            )
        known = self.schema.get("properties", {})
        unknown = sorted(set(options) - set(known))
        if unknown and self.schema.get("additionalProperties") is False:
            raise ComputeError(
                f"{where}: unknown option {', '.join(unknown)}; it knows {', '.join(sorted(known))}"
            )
        for problem in value_problems(self.schema, dict(options)):
            option = problem.json_path.removeprefix("$").removeprefix(".")
            about = f"option {option}: " if option else ""
            raise ComputeError(f"{where}: {about}{problem.message}; see {SCHEMA_FILE}")


def read_template(folder: Path, endpoint: str) -> Template:
    """Read a template's folder.

    Args:
        folder: a folder of ``endpoint_configs/``.
        endpoint: name of the endpoint, for the message.

    Returns:
        The template.

    Raises:
        ComputeError: no such folder, no template in it, or a schema that is not JSON.
    """
    if not folder.is_dir():
        there = sorted(p.parent.name for p in folder.parent.glob(f"*/{TEMPLATE_FILE}"))
        choice = f"; there are: {', '.join(there)}" if there else ""
        raise ComputeError(f"endpoint {endpoint}: no template folder {folder}{choice}")
    if not (folder / TEMPLATE_FILE).is_file():
        raise ComputeError(f"endpoint {endpoint}: {folder} holds no {TEMPLATE_FILE}")
    schema_path = folder / SCHEMA_FILE
    if not schema_path.exists():
        return Template(folder, None)
    try:
        schema = load_json(schema_path.read_bytes(), str(schema_path))
    except OSError as error:
        raise ComputeError(f"{schema_path}: cannot be read: {error.strerror}") from error
    except InvalidValue as error:
        raise ComputeError(str(error)) from error
    if not isinstance(schema, dict) or not isinstance(schema.get("$schema", ""), str):
        raise ComputeError(
            f"{schema_path}: not a JSON schema: it must be an object, and its $schema a text"
        )
    return Template(folder, schema)


def check_options(folder: Path, options: Mapping[str, Any], endpoint: str) -> Template:
    """Read a template and check the options for it.

    Args:
        folder: a folder of ``endpoint_configs/``.
        options: values for its variables.
        endpoint: name of the endpoint, for the message.

    Returns:
        The template.

    Raises:
        ComputeError: the template or the options are wrong.
    """
    template = read_template(folder, endpoint)
    template.check(options, endpoint)
    return template


def check_endpoint(spec: EndpointSpec) -> Template:
    """Check what can be checked of an endpoint without starting anything.

    Args:
        spec: the endpoint.

    Returns:
        Its template.

    Raises:
        ComputeError: the engine is not installed, or the template or the options are wrong.
    """
    template = check_options(spec.template, spec.options, spec.name)
    if importlib.util.find_spec("globus_compute_endpoint") is None:
        raise ComputeError(
            f"endpoint {spec.name}: the package globus-compute-endpoint is not installed here; "
            "pip install 'headrace[endpoint]' (Linux only)"
        )
    return template
