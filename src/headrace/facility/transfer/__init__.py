"""Transfers between directories of this machine, as the Transfer service does them.

Invariants: nothing outside a collection's root is read or written, whatever is linked, moved or
replaced meanwhile; a file appears complete or not at all; a task that is started again copies only
what is missing.

``transfer``, ``remove`` and ``listing`` are the operations; ``request`` reads their bodies.
``collection`` opens directories below a root, ``links`` follows links in it, ``paths`` reads and
shows names, ``tree`` and ``items`` walk what is copied, ``files`` copies files, several at a time,
``copy`` one file, ``streaming`` its bytes, ``checksum`` knows the algorithms, ``compare`` and
``filter_rules`` leave files out, ``journal`` and ``temporary_names`` let a task resume,
``document`` is the task's document, ``errors`` the service's codes.
"""

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
