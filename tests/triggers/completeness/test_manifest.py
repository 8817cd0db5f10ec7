"""A trigger that waits until all files of an arrival's manifest are there and whole."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
import xxhash

from headrace.triggers import Incomplete, Problem, Started, TriggerError, load_trigger
from headrace.triggers.completeness.file_digests import DigestGivenUp, FileDigests
from headrace.triggers.completeness.manifest_formats import (
    InvalidManifest,
    ManifestEntry,
    parse_manifest,
)
from tests.support.triggers.trigger_watch import (
    MemoryRunClient,
    make_event,
    make_trigger,
    watching,
)

SHA256 = hashlib.sha256(b"").hexdigest()
MD5 = hashlib.md5(b"").hexdigest()


def entry(path: str, size: int | None = None, kind: str = "", digest: str = "") -> ManifestEntry:
    return ManifestEntry(path, size, kind, digest)


@pytest.mark.parametrize(
    ("name", "text", "entries"),
    [
        ("SHA256SUMS", f"{SHA256}  a/b.dat\n", [entry("a/b.dat", None, "sha256", SHA256)]),
        ("sums", f"{SHA256} *./ b \n", [entry(" b ", None, "sha256", SHA256)]),
        ("sums", f"SHA256 (a (1).dat) = {SHA256}\n", [entry("a (1).dat", None, "sha256", SHA256)]),
        ("sums", f"\\{MD5}  a\\nb\\\\c\n", [entry("a\nb\\c", None, "md5", MD5)]),
        ("x.md5", f"# by us\n\n{MD5.upper()}  a\n", [entry("a", None, "md5", MD5)]),
        ("x.xxh", f"{'0' * 16}  a\n", [entry("a", None, "xxh64", "0" * 16)]),
        ("x.xxh", f"XXH3_{'0' * 16}  a\n", [entry("a", None, "xxh3_64", "0" * 16)]),
        ("x.xxh128", f"{'0' * 32}  a\n", [entry("a", None, "xxh128", "0" * 32)]),
        ("SUMS", f"{SHA256}  SUMS\n", []),
        ("manifest-md5.txt", f"{MD5}   data/a%0Ab%25\n", [entry("data/a\nb%", None, "md5", MD5)]),
        ("list.csv", 'a,3\n"b,c",4\n', [entry("a", 3), entry("b,c", 4)]),
        ("list.csv", f"a,3,{MD5}\n", [entry("a", 3, "md5", MD5)]),
        ("list.tsv", f"a\t3\tsha256:{SHA256}\n", [entry("a", 3, "sha256", SHA256)]),
        ("list.csv", f"sha-256,size,name\n{SHA256},3,a\n", [entry("a", 3, "sha256", SHA256)]),
        ("list.txt", "name,bytes\na,3\n", [entry("a", 3)]),
        ("list", "a\t3\n", [entry("a", 3)]),
    ],
)
def test_the_usual_manifests_are_read(name: str, text: str, entries: list[ManifestEntry]) -> None:
    assert list(parse_manifest(name, text)) == entries


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sums", f"{MD5}  a\nnonsense\n", "line 2: 'nonsense' is no digest and name"),
        ("sums", f"{MD5}  ../a\n", "line 1: '../a' is no file in the arrival"),
        ("sums", f"{MD5}  /etc/passwd\n", "is no file in the arrival"),
        ("sums", f"{MD5[:-1]}  a\n", "is no digest of any kind that is known"),
        ("sums", f"SHA256 (a) = {MD5}\n", "is no digest of SHA256"),
        ("sums", f"{MD5}  a\n{'0' * 32}  a\n", "line 2: a is listed twice, and differently"),
        ("list.csv", "a,x\nb,y\n", "line 1: has no columns 'name' and 'size'"),
        ("list.csv", "a,1\nb,y\n", "line 2: the size 'y' is no number of bytes"),
        ("manifest-sha512.txt", f"{MD5}  data/a\n", "is no digest of sha512"),
    ],
)
def test_a_manifest_that_cannot_be_read_names_the_line(name: str, text: str, message: str) -> None:
    with pytest.raises(InvalidManifest) as told:
        parse_manifest(name, text)
    assert message in str(told.value)


def tool(name: str) -> object:
    missing = shutil.which(name) is None
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=f"no {name} here"))


@pytest.mark.parametrize("observer", ["inotify", "poll"])
@pytest.mark.parametrize("program", [tool("sha256sum"), tool("md5sum"), tool("xxhsum")])
def test_a_run_starts_when_all_that_the_manifest_lists_is_there(
    tmp_path: Path, program: str, observer: str
) -> None:
    trigger = make_trigger(tmp_path, manifest="SUMS", observer=observer)
    source = make_event(tmp_path / "born" / "event")
    files = sorted(str(file.relative_to(source)) for file in source.rglob("*.dat"))
    sums = subprocess.run([program, *files], cwd=source, check=True, stdout=subprocess.PIPE)
    place = trigger.directory / "event"
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        place.mkdir()
        (place / "SUMS").write_bytes(sums.stdout)
        for count, file in enumerate(files, 1):
            reason = f"{len(files) - count + 1} of {len(files)} files of SUMS: {file}"
            wait_for_reason(watch, reason)
            assert client.runs == {}
            (place / file).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / file, place / file)
        watch.wait_for(Started)
        assert watch.of(Problem) == []
    assert client.files == {"event": len(files) + 1}


def wait_for_reason(watch: object, reason: str) -> None:
    count = 1
    while not any(e.missing == reason for e in watch.wait_for(Incomplete, count)):  # type: ignore[attr-defined]
        count += 1


def test_a_file_of_the_right_size_with_another_digest_is_told_once_by_its_name(
    tmp_path: Path,
) -> None:
    trigger = make_trigger(tmp_path, manifest="manifest-sha256.txt", interval=0.1, settle=0.1)
    place = trigger.directory / "bag"
    (place / "data").mkdir(parents=True)
    (place / "data" / "good.dat").write_bytes(b"good")
    (place / "data" / "bad.dat").write_bytes(b"bad")
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  data/{name}\n"
        for name, content in (("good.dat", b"good"), ("bad.dat", b"not"))
    ]
    (place / "manifest-sha256.txt").write_text("".join(lines))
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        (problem,) = watch.wait_for(Problem)
        assert f"{place / 'data' / 'bad.dat'}: its sha256 is not the one in manifest" in (
            problem.message
        )
        wait_for_reason(
            watch, "1 of 2 files of manifest-sha256.txt: data/bad.dat has another sha256"
        )
        # Another arrival is looked at meanwhile, and has its run.
        shutil.copytree(place, trigger.directory / "whole")
        (trigger.directory / "whole" / "data" / "bad.dat").write_bytes(b"not")
        watch.wait_for(Started, name="whole")
        assert [one for one in watch.of(Problem) if "bag" in one.message] == [problem]
        (place / "data" / "bad.dat").write_bytes(b"not")
        watch.wait_for(Started, name="bag")
    assert client.names == ["bag", "whole"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense\n", "a manifest list.csv that can be read"),
        ("", "a first file in the manifest list.csv"),
        ("a,2\n", "1 of 1 files of list.csv: a has 1 of 2 bytes"),
        ("sub,2\n", "1 of 1 files of list.csv: sub is no file"),
        ("a,1\nlink,1\n", "1 of 2 files of list.csv: link is no file"),
    ],
)
def test_what_is_not_as_listed_is_waited_for(tmp_path: Path, text: str, reason: str) -> None:
    trigger = make_trigger(tmp_path, manifest="list.csv", settle=0.1)
    place = trigger.directory / "event"
    (place / "sub").mkdir(parents=True)
    (place / "a").write_text("a")
    (place / "link").symlink_to("a")
    (place / "list.csv").write_text(text)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        wait_for_reason(watch, reason)
        assert client.runs == {}
        (place / "list.csv").write_text("a,1\n")
        watch.wait_for(Started)


def test_a_digest_is_computed_once_for_a_file_that_stays_as_it_is(tmp_path: Path) -> None:
    digests, asked = FileDigests(), []

    def is_cancelled() -> bool:
        asked.append(1)
        return False

    file = tmp_path / "file"
    file.write_bytes(b"one")
    for _ in range(3):
        found = digests.digest(file, "sha256", is_cancelled)
        assert found == hashlib.sha256(b"one").hexdigest()
    assert len(asked) == 1
    file.write_bytes(b"other")
    found = digests.digest(file, "sha256", is_cancelled)
    assert found == hashlib.sha256(b"other").hexdigest()
    with pytest.raises(DigestGivenUp):
        digests.digest(file, "md5", lambda: True)


@pytest.mark.parametrize("algorithm", ["xxh32", "xxh64", "xxh3_64", "xxh128"])
def test_digests_of_xxhash_are_known(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "file").write_bytes(b"content")
    expected = getattr(xxhash, algorithm)(b"content").hexdigest()
    assert FileDigests().digest(tmp_path / "file", algorithm, lambda: False) == expected


@pytest.mark.parametrize("key", ['manifest = "SUMS"', "minimum_count = 2"])
def test_a_file_has_no_manifest(tmp_path: Path, key: str) -> None:
    (tmp_path / "t.toml").write_text(
        f'[watch]\ncollection = "c"\npath = "/"\nwhat = "file"\n{key}\n[start]\nflow = "f"\n'
    )
    with pytest.raises(TriggerError, match='needs what = "directory"'):
        load_trigger(tmp_path / "t.toml", {"c": tmp_path})


@pytest.mark.parametrize("rule", [{"marker": "DONE"}, {}])
def test_so_many_files_have_to_be_there(tmp_path: Path, rule: dict[str, str]) -> None:
    trigger = make_trigger(tmp_path, minimum_count=4 if rule else 3, settle=0.1, **rule)
    place = trigger.directory / "event"
    (place / "deep").mkdir(parents=True)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        for name in ("DONE",) if rule else ():
            (place / name).touch()
        for number in range(2):
            (place / "deep" / str(number)).touch()
        wait_for_reason(watch, "files: 3 of 4 are there" if rule else "files: 2 of 3 are there")
        assert client.runs == {}
        (place / "last").touch()
        watch.wait_for(Started)
