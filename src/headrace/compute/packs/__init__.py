"""Packs: many members in one task, each a batch job with its own record and its own outputs.

This package travels with the functions that use it, to machines that have nothing of ours: it
imports the standard library alone, and the packages beside it by relative imports.
"""

from .errors import PackError
from .member import PackMember, read_members
from .run import run_pack

__all__ = ["PackError", "PackMember", "read_members", "run_pack"]
