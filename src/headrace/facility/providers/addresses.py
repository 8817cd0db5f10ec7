"""Addresses of the facility's action providers: those of the hosted ones."""

from __future__ import annotations

from typing import Final

TRANSFER: Final = "https://transfer.actions.globus.org/"
"""Begins the addresses of all actions of Transfer."""
TRANSFER_ACTIONS: Final = (
    "transfer",
    "delete",
    "ls",
    "mkdir",
    "stat",
    "collection_info",
    "manage_permission",
)
COMPUTE_V2: Final = (
    "https://compute.actions.globus.org",
    "https://compute.actions.globus.org/fxap",
)
COMPUTE_V3: Final = "https://compute.actions.globus.org/v3"
EXPRESSION_EVAL: Final = "https://actions.globus.org/expression_eval"
HELLO_WORLD: Final = "https://actions.globus.org/hello_world"
SEARCH_INGEST: Final = "https://actions.globus.org/search/ingest"
