"""Transfers between directories of this machine, as the Transfer service means them."""

from headrace.facility.transfer.collection import Collection
from headrace.facility.transfer.errors import TransferError
from headrace.facility.transfer.links import outside_link_problem
from headrace.facility.transfer.listing import ls, mkdir, stat
from headrace.facility.transfer.remove import delete
from headrace.facility.transfer.transfer import transfer

__all__ = [
    "Collection",
    "TransferError",
    "delete",
    "ls",
    "mkdir",
    "outside_link_problem",
    "stat",
    "transfer",
]
