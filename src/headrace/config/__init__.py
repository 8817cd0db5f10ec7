"""Configuration files of a project: ``headrace.toml`` and ``headrace.lock``, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.config.errors import ProjectError
    from headrace.config.ids import local_id
    from headrace.config.lock_file import (
        Deployed,
        DeployedFlow,
        DeployedFunction,
        Lock,
        read_lock,
        write_lock,
    )
    from headrace.config.project_config import (
        TARGETS,
        CollectionConfig,
        Config,
        EndpointConfig,
        at_option,
        find_config,
        resolve_target,
    )

__all__ = [
    "TARGETS",
    "CollectionConfig",
    "Config",
    "Deployed",
    "DeployedFlow",
    "DeployedFunction",
    "EndpointConfig",
    "Lock",
    "ProjectError",
    "at_option",
    "find_config",
    "local_id",
    "read_lock",
    "resolve_target",
    "write_lock",
]

__getattr__ = lazy_names(__name__)
