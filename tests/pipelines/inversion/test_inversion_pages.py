"""Pages of inversions: true to the files, whatever is missing, half written or hostile."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.seismic.inversion import commands
from headrace.web.changes.local_files import LocalChanges
from tests.support.killed_action import send_and_kill
from tests.support.web import WebSite, forms_of, rows_of, words_of
from tests.support.web_inversion import PROJECT, WebInversion, no_services

pytestmark = pytest.mark.service

PAGE = "inversions/inversion"


def test_all_inversions_are_listed(web: WebSite) -> None:
    (row,) = rows_of(web.get("inversions").text, "list")
    assert row[:4] == ["inversion", "Rays", "2 of 3", "not ended"]
    assert '<a href="inversions/inversion">' in web.get("inversions").text


def test_the_grid_has_iterations_stages_and_trials(web: WebSite, inversion: WebInversion) -> None:
    page = web.get(f"{PAGE}?part=grid")
    rows = rows_of(page.text, "grid")
    summary = json.loads(inversion.both.home.summary(0).read_text())
    names = [row[0] for row in rows]
    assert names[:2] == ["2 short", "1 long"]
    assert "0 long" in names
    trials = [trial["name"] for trial in summary["trials"]]
    assert [name for name in names if name.startswith("000_trial")] == trials
    accepted = next(row for row in rows if row[0] == summary["accepted"])
    assert accepted[1] == "accepted"
    first = next(row for row in rows if row[0] == "0 long")
    assert first[1:3] == ["done", f"{summary['misfit']:.4g}"]
    assert re.fullmatch(r"[0-9.]+ s", first[4]), "time of the forward simulations"
    assert page.text.count('<td class="done">') > 10


def test_misfits_are_drawn_and_stand_in_a_table(web: WebSite, inversion: WebInversion) -> None:
    page = web.get(f"{PAGE}?part=misfits").text
    assert '<svg class="plot"' in page
    assert "style=" not in page
    rows = rows_of(page, "misfits")
    summaries = [json.loads(inversion.both.home.summary(n).read_text()) for n in (1, 0)]
    assert [row[0] for row in rows] == ["1", "0"]
    assert [row[2] for row in rows] == [f"{one['misfit']:.5g}" for one in summaries]


def test_costs_add_up(web: WebSite, inversion: WebInversion) -> None:
    total = sum(
        json.loads(inversion.both.home.summary(n).read_text())["core_hours"] for n in (0, 1)
    )
    assert f"{total:.4g} core hours" in words_of(web.get(f"{PAGE}?part=costs").text)


def test_bands_and_who_did_what_are_shown(web: WebSite) -> None:
    bands = rows_of(web.get(f"{PAGE}?part=bands").text, "bands")
    assert [row[:3] for row in bands] == [
        ["long", "0.3 to 2", "2 of 2"],
        ["short", "0.2 to 2", "0 of 1"],
    ]
    assert rows_of(web.get(f"{PAGE}?part=history").text, "history")[0][2] == "start"


def test_what_runs_is_not_known_where_nothing_answers(web: WebSite) -> None:
    words = words_of(web.get(f"{PAGE}?part=state").text)
    assert "unknown : its runs cannot be asked for" in words
    assert "2 events" not in words
    assert "Events 2 take part" in words


def test_pause_and_resume_each_once(web: WebSite, inversion: WebInversion) -> None:
    history = inversion.both.home.history
    before = len(history.read_text().splitlines())
    (form, *_) = [
        one
        for one in forms_of(web.get(PAGE).text)
        if one.action == "pause" and one.fields["after"] == "iteration"
    ]
    first = web.resend(PAGE, form)
    again = web.resend(PAGE, form)
    assert first.headers["location"] == again.headers["location"]
    assert len(history.read_text().splitlines()) == before + 1
    page = words_of(web.follow(PAGE, first).text)
    assert "Done: it stops after this iteration" in page
    assert "asked for it stops after this iteration" in page
    done = web.follow(PAGE, web.send_form(PAGE, "resume"))
    assert "Done: the pause is taken back" in words_of(done.text)
    assert json.loads(inversion.both.home.steering.read_text())["pause"] == ""
    # What was resumed can be paused again: the form is another one.
    assert "Done: it stops" in words_of(web.follow(PAGE, web.send_form(PAGE, "pause")).text)


def test_an_old_pause_whose_server_was_killed_does_not_undo_a_resume(
    web: WebSite, inversion: WebInversion
) -> None:
    def pause() -> str:
        return str(json.loads(inversion.both.home.steering.read_text())["pause"])

    form = next(one for one in forms_of(web.get(PAGE).text) if one.action == "pause")
    send_and_kill(web, PAGE, form, after=False)
    assert pause() == ""
    send_and_kill(web, PAGE, form)
    assert pause() == "iteration"
    commands.resume(inversion.home)
    assert "Not known" in words_of(web.follow(PAGE, web.resend(PAGE, form)).text)
    assert pause() == ""
    assert "Done: it stops" in words_of(web.follow(PAGE, web.send_form(PAGE, "pause")).text)


def test_an_iteration_that_paused_says_so_and_goes_on(inversion: WebInversion) -> None:
    commands.pause(inversion.home, "iteration")
    inversion.both.home.steering.write_text(
        inversion.both.home.steering.read_text().replace(
            '"pause_iteration": 2', '"pause_iteration": 1'
        )
    )
    assert inversion.run(2)["outcome"] == "paused"
    web = inversion.pages()
    words = words_of(web.get(f"{PAGE}?part=state").text)
    assert "paused : paused before the iteration" in words
    assert rows_of(web.get(PAGE).text, "grid")[0][:2] == ["2 short", "paused"]
    done = words_of(web.follow(PAGE, web.send_form(PAGE, "resume")).text)
    assert "Done: iteration 2 is published" in done
    assert not inversion.both.home.summary(2).exists()
    web.close()


def test_band_and_stations_are_changed(web: WebSite, inversion: WebInversion) -> None:
    done = web.follow(PAGE, web.send_form(PAGE, "set_band", band="long", why="once more"))
    assert "Done: Iteration 2 has band long" in words_of(done.text)
    assert "once more" in words_of(web.get(f"{PAGE}?part=history").text)
    done = web.follow(PAGE, web.send_form(PAGE, "drop", kind="station", name="AA.S01"))
    assert "Done: station AA.S01 is left out from iteration 3 on" in words_of(done.text)
    assert json.loads(inversion.both.home.steering.read_text())["stations"] == ["AA.S01"]
    done = web.follow(PAGE, web.send_form(PAGE, "drop", undo="yes", name="AA.S01"))
    assert "Done: station AA.S01 takes part again" in words_of(done.text)


def test_a_band_is_asked_for_until_an_iteration_has_it(
    web: WebSite, inversion: WebInversion
) -> None:
    """Iteration 2, of band short, has not begun; then it has the band that was asked for."""
    done = web.follow(PAGE, web.send_form(PAGE, "set_band", band="long"))
    words = words_of(done.text)
    assert "Band long Events" in words, "it is going to have this band"
    assert "Band asked for long, from iteration 2 on" in words
    assert [row[4] for row in rows_of(done.text, "bands")] == ["asked for", ""]
    inversion.run(2)
    page = web.get(PAGE).text
    assert rows_of(page, "grid")[0][0] == "3 long"
    assert "Band long Events" in words_of(page)
    state = words_of(web.get(f"{PAGE}?part=state").text)
    assert "Band asked for" not in state
    assert 'name="iteration" min="0" max="3"' in web.get(f"{PAGE}?part=changes").text
    bands = [row[4] for row in rows_of(page, "bands")]
    assert bands == ["the last iteration's", ""]


@pytest.mark.parametrize(
    ("action", "fields", "reason"),
    [
        ("set_band", {"band": "<b>"}, "no band <b>; there are long, short"),
        ("drop", {"kind": "event", "name": "../../etc"}, "event ../../etc does not take part"),
        ("drop", {"kind": "station", "name": "*"}, "no seismogram of station *"),
        ("back_to", {"iteration": "9"}, "no iteration 9; there are 0 to 2"),
        ("back_to", {"iteration": "-1"}, "must be a number from 0 on"),
        ("redo", {"iteration": "0", "stage": "all"}, "must be one of forward, windows"),
        ("branch", {"iteration": "0", "name": "../out"}, "is no name for its directory"),
        ("branch", {"iteration": "9", "name": "out"}, "no such model to branch from"),
        ("branch", {"iteration": "0", "name": "inversion"}, "is there already"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    web: WebSite, inversion: WebInversion, action: str, fields: dict[str, str], reason: str
) -> None:
    before = inversion.both.home.history.read_text()
    done = words_of(web.follow(PAGE, web.send_form(PAGE, action, **fields)).text)
    assert "Not done: " in done
    assert reason in done
    assert inversion.both.home.history.read_text() == before


def test_going_back_archives_later_iterations(web: WebSite, inversion: WebInversion) -> None:
    done = web.follow(PAGE, web.send_form(PAGE, "back_to", iteration="1"))
    assert "Done: the inversion goes on from model 001" in words_of(done.text)
    assert rows_of(done.text, "grid")[0][0] == "1 long"
    assert (inversion.both.home.superseded / "002.1").is_dir()


def test_a_branch_has_a_page_of_its_own(web: WebSite, inversion: WebInversion) -> None:
    done = web.send_form(PAGE, "branch", iteration="1", name="with..dots")
    page = web.follow(PAGE, done)
    assert "Done: with..dots begins with model 001" in words_of(page.text)
    assert page.text.count("<h1>") == 1
    assert (inversion.home.parent / "with..dots" / "models" / "000.h5").is_file()
    names = [row[0] for row in rows_of(web.get("inversions").text, "list")]
    assert names == ["inversion", "with..dots"]


def test_who_only_looks_changes_nothing(inversion: WebInversion) -> None:
    web = inversion.pages(role="look")
    page = web.get(PAGE).text
    assert "/do/" not in page
    before = inversion.both.home.history.read_text()
    for action in ("start", "pause", "resume", "set_band", "drop", "back_to", "redo", "branch"):
        answer = web.request("POST", f"{PAGE}/do/{action}", form={"iteration": "0"})
        assert answer.status_code == 403, action
    assert inversion.both.home.history.read_text() == before
    web.close()


def test_pictures_of_an_iteration_and_its_neighbours(web: WebSite) -> None:
    page = web.get(f"{PAGE}/iteration?iteration=0")
    assert page.text.count('<img src="data:image/png;base64,') == 1
    assert len(page.content) < 300_000
    assert "Model vp" in words_of(page.text)
    assert (
        'rel="next" href="../../inversions/inversion/iteration?iteration=1&amp;picture=model_vp"'
        in page.text
    )
    kernel = web.get(f"{PAGE}/iteration?iteration=0&picture=kernel_vp")
    assert 'alt="Kernel vp of iteration 0"' in kernel.text
    assert kernel.text != page.text
    newest = words_of(web.get(f"{PAGE}/iteration").text)
    assert "The newest iteration of inversion" in newest
    assert "Evaluations of iteration 1" in newest
    assert "Pictures of iteration 1 are not here yet" in newest
    assert web.get(f"{PAGE}/iteration?iteration=7").status_code == 404


def test_a_picture_that_is_none_is_not_sent(web: WebSite, inversion: WebInversion) -> None:
    place = inversion.both.home.results(0) / "pictures"
    secret = inversion.root / "secret"
    secret.write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    (place / "model_vp.png").unlink()
    (place / "model_vp.png").symlink_to(secret)
    (place / "update_vp.png").write_text("<svg onload=alert(1)>")
    assert "is a link" in web.get(f"{PAGE}/iteration?iteration=0").text
    assert "is no PNG picture" in web.get(f"{PAGE}/iteration?iteration=0&picture=update_vp").text


def test_fits_the_worst_first(web: WebSite, inversion: WebInversion) -> None:
    page = web.get(f"{PAGE}/fits?iteration=1").text
    stations = rows_of(page, "stations")
    assert {row[0] for row in stations} == {"AA.S00", "AA.S01", "AA.S02"}
    misfits = [float(row[1]) for row in stations]
    assert misfits == sorted(misfits, reverse=True)
    summary = json.loads(inversion.both.home.summary(1).read_text())
    events = rows_of(page, "events")
    assert sum(float(row[1]) for row in events) == pytest.approx(summary["misfit_after"], rel=0.3)
    done = web.send_form(f"{PAGE}/fits?iteration=1", "drop", kind="event", name="002")
    assert "fits?iteration=1&outcome=" in done.headers["location"]
    assert json.loads(inversion.both.home.steering.read_text())["events"] == ["002"]


def test_fits_of_stations_come_home_with_their_iteration(
    web: WebSite, inversion: WebInversion
) -> None:
    here = rows_of(web.get(f"{PAGE}/fits?iteration=1").text, "stations")
    shutil.rmtree(inversion.both.staging.root)
    page = web.get(f"{PAGE}/fits?iteration=1").text
    assert rows_of(page, "stations") == here
    misfits = inversion.both.home.results(1) / "misfits.json"
    known = json.loads(misfits.read_text())
    for evaluation in known.values():
        del evaluation["stations"]  # as earlier versions wrote it
    misfits.write_text(json.dumps(known))
    words = words_of(web.get(f"{PAGE}/fits?iteration=1").text)
    assert "cannot be seen from here" in words
    assert "2 events in evaluation" in words


def test_half_written_files_spoil_their_iteration_alone(
    web: WebSite, inversion: WebInversion
) -> None:
    home = inversion.both.home
    whole = home.summary(1).read_text()
    home.summary(1).write_text(whole[: len(whole) // 2])
    records = home.results(0) / "records.jsonl"
    records.write_text(records.read_text() + '{"stage": "forward", "sec')
    rows = rows_of(web.get(PAGE).text, "grid")
    broken = next(row for row in rows if row[0].startswith("1"))
    assert broken[1].startswith("cannot be read")
    assert next(row for row in rows if row[0] == "0 long")[1] == "done"
    assert web.get("inversions").status_code == 200
    home.summary(1).write_text(whole)
    rows = rows_of(web.get(PAGE).text, "grid")
    assert next(row for row in rows if row[0] == "1 long")[1] == "done"


def test_settings_that_cannot_be_used_leave_what_needs_none(
    web: WebSite, inversion: WebInversion
) -> None:
    inversion.both.home.settings.write_text("[[bands]\n")
    page = web.get(PAGE)
    assert page.status_code == 200
    assert "inversion.toml" in words_of(page.text)
    assert rows_of(page.text, "grid")[0][0] == "2"
    assert "inversion.toml" in rows_of(web.get("inversions").text, "list")[0][1]


def test_an_inversion_that_is_gone_is_not_there(web: WebSite, inversion: WebInversion) -> None:
    assert web.get("inversions/other").status_code == 404
    assert web.get("inversions/..%2f..").status_code == 404
    inversion.home.rename(inversion.home.with_name(".gone"))
    assert web.get(PAGE).status_code == 404
    assert "There is no inversion" in words_of(web.get("inversions").text)


def test_a_hostile_name_is_text_and_has_an_address(made: WebInversion, tmp_path: Path) -> None:
    other = made.copied(tmp_path / "rays")
    name = "<img src=x onerror=1>?%2e#é"
    other.home.rename(other.home.with_name(name))
    settings = other.home.with_name(name) / "inversion.toml"
    settings.write_text(settings.read_text().replace('"Rays"', '"<script>1</script>"'))
    web = other.pages()
    page = web.get("inversions").text
    assert "<img" not in page
    assert "<script>1" not in page
    (address,) = re.findall(r'<a href="(inversions/[^"]+)">', page)
    shown = web.get(address)
    assert shown.status_code == 200
    assert "<script>1" not in shown.text
    (topic,) = set(re.findall(r'data-topics="([^"]+)"', shown.text))
    assert re.fullmatch(r"[A-Za-z0-9_.:-]+", topic), "the event stream knows no other topics"
    done = web.follow(address, web.send_form(address, "pause"))
    assert "Done: it stops after this iteration" in words_of(done.text)
    web.close()


@pytest.mark.service
def test_without_the_libraries_the_pages_say_so() -> None:
    """The pages are declared without importing numpy."""
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from headrace.pipelines.inversion.pages import INVERSIONS, PAGES\n"
        "from headrace.web import NotHere\n"
        "try: INVERSIONS.parts[0].load(None)\n"
        "except NotHere as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "numpy is not installed where these pages are served" in done.stdout


def test_a_project_without_inversions_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text(PROJECT)
    web = WebSite(tmp_path, services=no_services)
    assert "headrace inversion init makes one" in words_of(web.get("inversions").text)
    web.close()


def test_a_command_in_a_terminal_is_a_change_of_the_page(
    web: WebSite, inversion: WebInversion
) -> None:
    topic = "inversion:inversion"
    assert f'data-topics="{topic}"' in web.get(PAGE).text
    changes = LocalChanges(web.site.project, "local")
    changes_named = []
    web.site.watch = lambda topic, paths: changes_named.append((topic, tuple(paths)))  # type: ignore[method-assign]
    web.get(PAGE)
    for named, paths in changes_named:
        changes.name(named, paths)
    assert topic not in changes.look({topic})
    commands.pause(inversion.home, "iteration")
    assert topic in changes.look({topic})
    assert topic not in changes.look({topic})
    changes.close()
