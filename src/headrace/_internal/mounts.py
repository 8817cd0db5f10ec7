"""File system that a directory lies on, and its properties."""

from __future__ import annotations

import os
import re
from pathlib import Path

# Changes made by another machine, or by a server, raise no inotify events here.
_REMOTE = frozenset(
    {
        *("9p", "acfs", "afs", "autofs", "beegfs", "ceph", "cifs", "coda", "davfs", "dvs"),
        *("ecryptfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2"),
        *("orangefs", "panfs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs"),
        *("vmhgfs", "wekafs"),
    }
)
# Changes are made through this machine's kernel alone, which reports them.
_LOCAL = frozenset(
    {
        *("apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "hfs", "jfs", "nilfs2"),
        *("overlay", "ramfs", "reiserfs", "tmpfs", "ufs", "xfs", "zfs"),
    }
)
# Inode numbers are made up for each mount, and may change while it lasts.
_PASSING_INODES = frozenset(
    ("9p", "cifs", "davfs", "ncpfs", "prl_fs", "smb2", "smb3", "smbfs", "vboxsf", "vmhgfs")
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def file_system(directory: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Name the type of the file system that a directory lies on.

    Args:
        directory: an existing directory.
        mounts: the table of mounts, in the format of fstab(5).

    Returns:
        the type, such as "ext4" or "nfs4"; "" where there is no such table (outside Linux).
    """
    try:
        table = mounts.read_text(errors="surrogateescape")
    except OSError:
        return ""
    where = os.path.realpath(directory)
    best, kind = "", ""
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _ESCAPE.sub(lambda code: chr(int(code[1], 8)), fields[1])
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        # Of several mounts at one point, the last covers the others.
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def is_remote(kind: str) -> bool:
    """Tell whether others may change such a file system unseen by this machine's kernel."""
    return kind in _REMOTE or kind == "fuse" or kind.startswith("fuse.")


def is_local(kind: str) -> bool:
    """Tell whether this machine's kernel is known to report all changes on such a file system."""
    return kind in _LOCAL


def has_stable_inodes(kind: str) -> bool:
    """Return whether inode numbers of such a file system distinguish files."""
    return kind not in _PASSING_INODES and kind != "fuse" and not kind.startswith("fuse.")
