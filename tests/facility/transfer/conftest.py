"""Two collections on this disk, and a short way to ask for things."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headrace.facility.transfer import Collection, delete, ls, mkdir, stat, transfer


def go_on() -> bool:
    return False


@dataclass
class Bench:
    """A source and a destination collection below one directory."""

    base: Path
    documents: list[dict[str, Any]] = field(default_factory=list)
    should_stop: Callable[[], bool] = go_on

    def __post_init__(self) -> None:
        self.source = self.base / "source"
        self.destination = self.base / "destination"
        self.outside = self.base / "outside"
        for directory in (self.source, self.destination, self.outside):
            directory.mkdir(parents=True, exist_ok=True)
        (self.outside / "secret").write_text("secret")
        self.collections = {
            "src": Collection("src", "workstation", self.source),
            "dst": Collection("dst", "hpc", self.destination),
        }

    def write(self, files: dict[str, bytes | str | None], root: Path | None = None) -> None:
        """Makes files; None makes a directory."""
        for name, content in files.items():
            path = (root or self.source) / name
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def transfer(
        self, *pairs: tuple[Any, ...], task: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """Transfers (source path, destination path[, recursive]) each."""
        data = []
        for pair in pairs or (("/", "/", True),):
            item = {"source_path": pair[0], "destination_path": pair[1]}
            if len(pair) > 2:
                item["recursive"] = pair[2]
            data.append(item)
        keywords = {"will_resume": options.pop("will_resume")} if "will_resume" in options else {}
        body = {"source_endpoint": "src", "destination_endpoint": "dst", "DATA": data, **options}
        task = task or str(uuid.uuid4())
        show = self.documents.append
        return transfer(body, self.collections, task, show, self.should_stop, **keywords)

    def delete(self, *paths: str, **options: Any) -> dict[str, Any]:
        keywords = {"resumed": options.pop("resumed")} if "resumed" in options else {}
        body = {"endpoint": "dst", "DATA": [{"path": path} for path in paths], **options}
        show = self.documents.append
        return delete(body, self.collections, "a task", show, self.should_stop, **keywords)

    def ls(self, path: str | None = None, **options: Any) -> dict[str, Any]:
        where = {} if path is None else {"path": path}
        return ls({"endpoint_id": "dst", **where, **options}, self.collections)

    def stat(self, path: str) -> dict[str, Any]:
        return stat({"endpoint_id": "dst", "path": path}, self.collections)

    def mkdir(self, path: str) -> dict[str, Any]:
        return mkdir({"endpoint_id": "dst", "path": path}, self.collections)

    def tree(self, root: Path | None = None) -> dict[str, bytes | None]:
        return tree(root or self.destination)


def tree(root: Path) -> dict[str, bytes | None]:
    """Contents of all files by path; None for directories, ``b"->..."`` for links."""
    found: dict[str, bytes | None] = {}
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = Path(directory, name)
            if path.is_symlink():
                found[str(path.relative_to(root))] = b"->" + os.fsencode(path.readlink())
            elif path.is_dir():
                found[str(path.relative_to(root))] = None
            elif path.is_file():
                found[str(path.relative_to(root))] = path.read_bytes()
            else:
                found[str(path.relative_to(root))] = b"special"
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="session")
def new_bench() -> type[Bench]:
    """For tests that need many, such as hypothesis's."""
    return Bench
