"""Look at scratch directories of runs, and remove them, where they are.

:func:`headrace_scratch` is registered as it stands here, and runs at endpoints under any Python: it
uses the standard library alone.
"""

from __future__ import annotations

import inspect

from .wire_text import source_code

NAME = "headrace_scratch"


def headrace_scratch(
    root: str, directories: list[dict[str, object]], remove: bool, in_use: tuple[str, ...] = ()
) -> list[dict[str, object]]:
    """Return what scratch directories hold; remove those for which nothing speaks against it.

    A directory is opened from the root downwards without following a link, and what is below it
    likewise. It is known to be headrace's by the record of a batch job of one of its runs' tasks,
    or by the manifest of a stage. It is given another name before it is removed, and its own again
    where something in it has changed meanwhile.

    Args:
        root: the root of their collection, an absolute path.
        directories: of each ``path``, absolute; ``task_ids``, of its runs; and ``seconds``, for
            which nothing in it may have been changed.
        remove: whether they are removed.
        in_use: paths of other runs: nothing is removed that is one of them, lies in one or holds
            one, by whatever links, mounts or spelling.

    Returns:
        Of each ``path``, ``bytes``, ``files``, ``problem`` (why it is not removed; empty where
        nothing speaks against it) and ``removed``.
    """
    import json
    import os
    import stat
    import time
    from pathlib import Path, PurePath

    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    records = ("submission.json", "outcome.json", "host.json")
    suffix = ".headrace-removed"
    # An inversion goes on in the directory of its earlier iterations, however long it was paused.
    kept_for = ("inversion.toml", ".keep")

    def identity(seen: os.stat_result) -> tuple[int, int]:
        return seen.st_dev, seen.st_ino

    def identities() -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
        there: set[tuple[int, int]] = set()
        above: set[tuple[int, int]] = set()  # where it is not there yet, what it will lie in
        for place in map(Path, in_use):
            for each in (place, *place.parents):
                try:
                    (there if each == place else above).add(identity(each.stat()))
                    break
                except (OSError, ValueError):
                    continue
        return there, above

    def mount(directory: int) -> tuple[int, str]:
        # A directory of the same file system that is mounted there has the same device.
        device = os.fstat(directory).st_dev
        try:
            text = Path(f"/proc/self/fdinfo/{directory}").read_text(encoding="ascii")
        except OSError:
            text = ""  # outside Linux
        lines = [line for line in text.splitlines() if line.startswith("mnt_id:")]
        return device, "".join(lines)

    def open_parent(path: str, others: set[tuple[int, int]]) -> tuple[int, str]:
        parts = PurePath(os.path.relpath(path, root)).parts
        steps = PurePath(path)
        if not steps.is_absolute() or ".." in steps.parts or not parts or parts[0] == "..":
            raise ValueError("it is not below the root of its collection")
        parent = os.open(os.path.realpath(root), os.O_RDONLY | os.O_DIRECTORY)
        for part in parts[:-1]:
            child = os.open(part, flags, dir_fd=parent)
            os.close(parent)
            parent = child
            if identity(os.fstat(parent)) in others:
                os.close(parent)
                raise ValueError("it lies in the scratch directory of another run")
        return parent, parts[-1]

    def read(directory: int, name: str) -> str:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        with os.fdopen(handle, "rb") as stream:
            return stream.read(200_000).decode("utf-8", "replace")

    def is_mark(directory: int, name: str, task_ids: list[str], found: dict[str, float]) -> bool:
        try:
            text = read(directory, name)
            if name in records:
                known = any(task in text for task in task_ids)
                if name == records[0] and task_ids and not known:
                    found["foreign"] = 1.0
                return known
            if name == "members.jsonl" and "headrace_journal" in text.partition("\n")[0]:
                return True
            if name == "members.jsonl":
                document = json.loads(text.partition("\n")[0])["manifest"]
            else:
                document = json.loads(text) if name.endswith(".done.json") else None
        except (OSError, ValueError, LookupError, TypeError):
            return False
        return isinstance(document, dict) and {"inputs", "output", "facts"} <= set(document)

    def look(
        directory: int,
        depth: int,
        mounted: tuple[int, str],
        task_ids: list[str],
        others: set[tuple[int, int]],
        found: dict[str, float],
    ) -> None:
        own = os.fstat(directory)
        if mount(directory) != mounted:
            raise ValueError("something is mounted in it")
        if own.st_uid != os.getuid():
            raise ValueError("a directory in it belongs to somebody else")
        if (own.st_dev, own.st_ino) in others:
            raise ValueError("another run has its scratch directory here, by another path")
        # That it has another name changes the time of its inode.
        found["newest"] = max(found["newest"], own.st_mtime, own.st_ctime if depth else 0.0)
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
                    look(child, depth + 1, mounted, task_ids, others, found)
                finally:
                    os.close(child)
                continue
            found["files"] += 1
            # A file with several names, as the journal of a pack, counts with its share.
            found["bytes"] += seen.st_blocks * 512 / seen.st_nlink
            wanted = name in records[:1] or not found["ours"]
            if wanted and stat.S_ISREG(seen.st_mode) and depth <= 3:
                found["ours"] += is_mark(directory, name, task_ids, found)

    def delete(parent: int, name: str, mounted: tuple[int, str]) -> None:
        seen = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(seen.st_mode):
            os.unlink(name, dir_fd=parent)
            return
        directory = os.open(name, flags, dir_fd=parent)
        try:
            if mount(directory) != mounted:
                raise ValueError("something is mounted in it: a part of it was removed")
            with os.scandir(directory) as entries:
                names = [entry.name for entry in entries]
            for each in names:
                delete(directory, each, mounted)
        finally:
            os.close(directory)
        os.rmdir(name, dir_fd=parent)

    def measure(
        directory: int, task_ids: list[str], others: set[tuple[int, int]]
    ) -> dict[str, float]:
        found = dict.fromkeys(("bytes", "files", "newest", "ours", "foreign", "kept"), 0.0)
        look(directory, 0, mount(directory), task_ids, others, found)
        return found

    def refuse(found: dict[str, float], seconds: float) -> None:
        if found["kept"]:
            raise ValueError(f"it is kept for what is in it: {' or '.join(kept_for)}")
        if not found["ours"]:
            raise ValueError("nothing in it says that headrace made it")
        if found["foreign"]:
            raise ValueError("a batch job of a run that is not known has its record in it")
        if found["newest"] > time.time() - seconds:
            raise ValueError("something in it was changed since")

    def put_back(parent: int, name: str, aside: str) -> str:
        words = "something in it was changed meanwhile"
        try:
            os.rename(aside, name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError:  # another one has been made there: neither is removed
            kept = f"{name}.headrace-kept-{time.time_ns()}"
            os.rename(aside, kept, src_dir_fd=parent, dst_dir_fd=parent)
            words += f"; it is now {kept}"
        return words

    def treat(wanted: dict[str, object], answer: dict[str, object]) -> None:
        tasks = wanted["task_ids"]
        task_ids = [str(task) for task in tasks] if isinstance(tasks, list) else []
        parent, name = open_parent(str(wanted["path"]), there)
        aside = "." + name + suffix
        try:
            if remove:
                try:  # what a removal that was interrupted has left
                    delete(parent, aside, mount(parent))
                    answer["removed"] = True
                except FileNotFoundError:
                    pass
            try:
                directory = os.open(name, flags, dir_fd=parent)
            except FileNotFoundError:
                if not answer["removed"]:
                    os.close(os.open(aside, flags, dir_fd=parent))
                return
            answer["removed"] = False
            try:
                if mount(directory) != mount(parent):
                    raise ValueError("something is mounted there")
                found = measure(directory, task_ids, there | above)
                answer["bytes"], answer["files"] = int(found["bytes"]), int(found["files"])
                refuse(found, float(str(wanted["seconds"])))
                if not remove:
                    return
                os.rename(name, aside, src_dir_fd=parent, dst_dir_fd=parent)
                # A run may have begun to write into it.
                again = measure(directory, task_ids, there | above)
                moved = os.stat(aside, dir_fd=parent, follow_symlinks=False)
                if again != found or identity(moved) != identity(os.fstat(directory)):
                    raise ValueError(put_back(parent, name, aside))
            finally:
                os.close(directory)
            delete(parent, aside, mount(parent))
            answer["removed"] = True
        finally:
            os.close(parent)

    there, above = identities()
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
            treat(wanted, answer)
        except FileNotFoundError:
            answer["problem"] = "it is not there any more"
        except OSError as error:
            answer["problem"] = f"{error.filename or path}: {error.strerror}"
        except ValueError as error:
            answer["problem"] = str(error)
        except RecursionError:
            answer["problem"] = "its directories lie too deep in each other"
        answers.append(answer)
    return answers


def cleaner_code() -> str:
    """Return the function as the text that is registered."""
    return source_code(NAME, inspect.getsource(headrace_scratch))
