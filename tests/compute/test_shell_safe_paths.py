"""Projects whose paths a shell or Slurm would take apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.compute import ComputeError, EndpointHost
from headrace.compute.shell_safe_paths import remove_link, shell_safe_path
from tests.support.compute.endpoints import Events, spec, task


def here() -> str:
    from pathlib import Path

    return str(Path.cwd())


ODD = ["my project", "my project (1)", 'it\'s "mine"', "100% $HOME `id` \\n", "été ~ #1 & {x}"]


@pytest.fixture(autouse=True)
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_LINKS", str(tmp_path / "links"))
    return tmp_path / "links"


def test_a_plain_path_stays_as_it_is(tmp_path: Path, links: Path) -> None:
    assert shell_safe_path(tmp_path / "project-1.2_a") == tmp_path / "project-1.2_a"
    assert not links.exists()


@pytest.mark.parametrize("name", ODD)
def test_another_one_has_a_link_that_stays_the_same(tmp_path: Path, links: Path, name: str) -> None:
    found = shell_safe_path(tmp_path / name)
    assert found.parent == links
    assert found.readlink() == tmp_path / name
    assert shell_safe_path(tmp_path / name) == found
    assert shell_safe_path(tmp_path / f"{name}2") != found
    assert links.stat().st_mode & 0o077 == 0


def test_where_no_link_can_be_made_the_way_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_LINKS", str(tmp_path / "with a space"))
    with pytest.raises(ComputeError, match="set HEADRACE_LINKS to a directory with a plain path"):
        shell_safe_path(tmp_path / "my project")


def test_links_that_lead_nowhere_are_removed_when_another_one_is_made(
    tmp_path: Path, links: Path
) -> None:
    kept, gone = tmp_path / "my project", tmp_path / "another project"
    for path in (kept, gone):
        path.mkdir()
        shell_safe_path(path)
    gone.rmdir()
    (links / "mine.txt").write_text("not a link\n")
    third = tmp_path / "third project"
    third.mkdir()
    shell_safe_path(third)
    left = {link.readlink() for link in links.iterdir() if link.is_symlink()}
    assert left == {kept, third}
    assert (links / "mine.txt").exists()


def test_a_link_is_removed_alone_where_it_leads_to_the_directory(
    tmp_path: Path, links: Path
) -> None:
    first, second = (
        shell_safe_path(tmp_path / "my project"),
        shell_safe_path(tmp_path / "project (2)"),
    )
    second.unlink()
    second.symlink_to(tmp_path / "elsewhere")
    for path in ("my project", "project (2)", "project-3", "never seen"):
        remove_link(tmp_path / path)
    assert not first.is_symlink()
    assert second.is_symlink()


@pytest.mark.timeout(240)
def test_functions_run_below_such_a_path(tmp_path: Path, links: Path) -> None:
    state_dir = tmp_path / "".join(ODD) / "state"
    events = Events()
    host = EndpointHost(spec(state_dir), events)
    try:
        one = task(here)
        host.submit(one)
        done = events.wait(one.task_id, timeout=120)
        assert [link.readlink().parent for link in links.iterdir()] == [state_dir / "run"]
    finally:
        host.stop()
    assert list(links.iterdir()) == []
    assert done.kind == "done", done.error
    assert done.result == str(state_dir / "tasks_working_dir")
