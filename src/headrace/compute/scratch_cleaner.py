"""Look at scratch directories of runs, and remove them, where they are.

:func:`headrace_scratch` is registered as it stands here, and runs at endpoints under any Python: it
uses the standard library alone.
"""

from __future__ import annotations

import inspect

from .wire_text import source_code

NAME = "headrace_scratch"


def headrace_scratch(
    root: str, directories: list[dict[str, object]], remove: bool
) -> list[dict[str, object]]:
    """Return what scratch directories hold; remove those for which nothing speaks against it.

    A directory is opened from the root downwards without following a link, and what is below it
    likewise. It is known to be headrace's by the record of a batch job of one of its runs' tasks,
    or by the manifest of a stage.

    Args:
        root: the root of their collection, an absolute path.
        directories: of each ``path``, absolute; ``task_ids``, of its runs; and ``seconds``, for
            which nothing in it may have been changed.
        remove: whether they are removed.

    Returns:
        Of each ``path``, ``bytes``, ``files``, ``problem`` (why it is not removed; empty where
        nothing speaks against it) and ``removed``.
    """
    import json
    import os
    import stat
    import time
    from pathlib import PurePath

    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    records = ("submission.json", "outcome.json", "host.json")
    suffix = ".headrace-removed"
    # An inversion goes on in the directory of its earlier iterations, however long it was paused.
    kept_for = ("inversion.toml", ".keep")

    def open_parent(path: str) -> tuple[int, str]:
        parts = PurePath(os.path.relpath(path, root)).parts
        steps = PurePath(path)
        if not steps.is_absolute() or ".." in steps.parts or not parts or parts[0] == "..":
            raise ValueError("it is not below the root of its collection")
        parent = os.open(os.path.realpath(root), os.O_RDONLY | os.O_DIRECTORY)
        for part in parts[:-1]:
            child = os.open(part, flags, dir_fd=parent)
            os.close(parent)
            parent = child
        return parent, parts[-1]

    def read(directory: int, name: str) -> str:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        with os.fdopen(handle, "rb") as stream:
            return stream.read(200_000).decode("utf-8", "replace")

    def is_mark(directory: int, name: str, task_ids: list[str]) -> bool:
        try:
            text = read(directory, name)
            if name in records:
                return any(task in text for task in task_ids)
            document = json.loads(text) if name.endswith(".done.json") else None
        except (OSError, ValueError):
            return False
        return isinstance(document, dict) and {"inputs", "output", "facts"} <= set(document)

    def look(
        directory: int, depth: int, device: int, task_ids: list[str], found: dict[str, float]
    ) -> None:
        own = os.fstat(directory)
        if own.st_dev != device:
            raise ValueError("another file system is mounted in it")
        if own.st_uid != os.getuid():
            raise ValueError("a directory in it belongs to somebody else")
        found["newest"] = max(found["newest"], own.st_mtime, own.st_ctime)
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            if depth == 0 and name in kept_for:
                found["kept"] = 1.0
            seen = os.stat(name, dir_fd=directory, follow_symlinks=False)
            found["newest"] = max(found["newest"], seen.st_mtime, seen.st_ctime)
            if stat.S_ISDIR(seen.st_mode):
                child = os.open(name, flags, dir_fd=directory)
                try:
                    look(child, depth + 1, device, task_ids, found)
                finally:
                    os.close(child)
                continue
            found["files"] += 1
            found["bytes"] += seen.st_blocks * 512
            if stat.S_ISREG(seen.st_mode) and depth <= 3 and not found["ours"]:
                found["ours"] = is_mark(directory, name, task_ids)

    def delete(parent: int, name: str) -> None:
        seen = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(seen.st_mode):
            os.unlink(name, dir_fd=parent)
            return
        directory = os.open(name, flags, dir_fd=parent)
        try:
            with os.scandir(directory) as entries:
                names = [entry.name for entry in entries]
            for each in names:
                delete(directory, each)
        finally:
            os.close(directory)
        os.rmdir(name, dir_fd=parent)

    def treat(path: str, task_ids: list[str], seconds: float, answer: dict[str, object]) -> None:
        parent, name = open_parent(path)
        aside = "." + name + suffix
        try:
            try:
                directory = os.open(name, flags, dir_fd=parent)
            except FileNotFoundError:
                # A removal that was interrupted had given it this name.
                if remove:
                    delete(parent, aside)
                    answer["removed"] = True
                else:
                    directory = os.open(aside, flags, dir_fd=parent)
                    os.close(directory)
                return
            found = {"bytes": 0.0, "files": 0.0, "newest": 0.0, "ours": 0.0, "kept": 0.0}
            try:
                look(directory, 0, os.fstat(directory).st_dev, task_ids, found)
            finally:
                os.close(directory)
            answer["bytes"], answer["files"] = int(found["bytes"]), int(found["files"])
            if found["kept"]:
                raise ValueError(f"it is kept for what is in it: {' or '.join(kept_for)}")
            if not found["ours"]:
                raise ValueError("nothing in it says that headrace made it")
            if found["newest"] > time.time() - seconds:
                raise ValueError("something in it was changed since")
            if remove:
                os.rename(name, aside, src_dir_fd=parent, dst_dir_fd=parent)
                delete(parent, aside)
                answer["removed"] = True
        finally:
            os.close(parent)

    answers = []
    for wanted in directories:
        path = str(wanted["path"])
        answer: dict[str, object] = {
            "path": path,
            "bytes": 0,
            "files": 0,
            "problem": "",
            "removed": False,
        }
        try:
            tasks = wanted["task_ids"]
            task_ids = [str(task) for task in tasks] if isinstance(tasks, list) else []
            treat(path, task_ids, float(str(wanted["seconds"])), answer)
        except FileNotFoundError:
            answer["problem"] = "it is not there any more"
        except OSError as error:
            answer["problem"] = f"{error.filename or path}: {error.strerror}"
        except ValueError as error:
            answer["problem"] = str(error)
        answers.append(answer)
    return answers


def cleaner_code() -> str:
    """Return the function as the text that is registered."""
    return source_code(NAME, inspect.getsource(headrace_scratch))
