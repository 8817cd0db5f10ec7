"""Which file system a directory lies on, for the triggers."""

from headrace._internal.mounts import file_system, has_lasting_inodes, is_remote

__all__ = ["file_system", "has_lasting_inodes", "is_remote"]
