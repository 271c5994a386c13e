"""A published folder is there whole or not at all, and any copy can be checked."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server_side.errors import ManifestError, PublishError
from server_side.layout import MANIFEST_FILE
from server_side.publish import (
    Manifest,
    NewFile,
    manifest_sha256,
    publish_folder,
    remove_leftovers,
    verify_folder,
)
from server_side.scan import PositionPoint, Take

TAKE = Take(point=PositionPoint(theta_deg=10, phi_deg=90))
FILES = (NewFile("result.json", b"{}"), NewFile("plot.png", bytes(range(256)) * 40))


def publish(results: Path, take: Take = TAKE):
    return publish_folder(
        results, scan_id="0123456789ab", serial_number="KQ0146", take=take, files=FILES
    )


def test_a_published_folder_agrees_with_its_manifest(tmp_path):
    published = publish(tmp_path / "scan" / "KQ0146")
    assert published.folder.name == "data_theta10_phi90"
    assert verify_folder(published.folder).take == TAKE
    content = (published.folder / MANIFEST_FILE).read_bytes()
    assert published.manifest_sha256 == manifest_sha256(content)
    assert sorted(p.name for p in published.folder.iterdir()) == [
        MANIFEST_FILE,
        "plot.png",
        "result.json",
    ]
    assert [p.name for p in published.folder.parent.iterdir()] == ["data_theta10_phi90"]


def test_a_published_folder_is_never_overwritten(tmp_path):
    first = publish(tmp_path)
    before = (first.folder / MANIFEST_FILE).stat().st_mtime_ns
    with pytest.raises(PublishError, match="there already and is never overwritten"):
        publish(tmp_path)
    assert (first.folder / MANIFEST_FILE).stat().st_mtime_ns == before
    assert [p.name for p in tmp_path.iterdir()] == ["data_theta10_phi90"]


def test_a_name_that_is_no_plain_file_name_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ValueError, match="name"):
        publish_folder(
            tmp_path,
            scan_id="0123456789ab",
            serial_number="KQ0146",
            take=TAKE,
            files=[NewFile("../outside", b"")],
        )
    assert list(tmp_path.iterdir()) == []


KILLED_AT_EACH_CALL = """
import os, signal, sys
from pathlib import Path
from tests_publish import publish  # the module under test's own helper, see the caller

results = Path(sys.argv[1])
number = 0
while True:
    number += 1
    child = os.fork()
    if child == 0:
        seen = 0
        def count(event, args):
            global seen
            if event in ("open", "os.mkdir", "os.rename", "os.scandir", "os.remove"):
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(count)
        publish(results / str(number))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        print(number)
        break
"""


def run_python(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    loader = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('tests_publish', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['tests_publish'] = module\n"
        "spec.loader.exec_module(module)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", loader + code, *arguments], stdout=subprocess.PIPE
    )


def whole_or_absent(results: Path) -> bool:
    """Check every take folder there is, and return whether the wanted one is among them."""
    folders = list(results.glob("data_*")) if results.is_dir() else []
    for folder in folders:
        verify_folder(folder)
    return bool(folders)


def test_killed_at_any_call_a_folder_is_there_whole_or_not_at_all(tmp_path):
    process = run_python(KILLED_AT_EACH_CALL, str(tmp_path))
    output, _ = process.communicate(timeout=120)
    calls = int(output)
    assert calls > 8
    outcomes = [whole_or_absent(tmp_path / str(number)) for number in range(1, calls + 1)]
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert outcomes == sorted(outcomes), "once in place it stays in place"
    for number in range(1, calls + 1):
        remove_leftovers(tmp_path / str(number))
        left = list((tmp_path / str(number)).glob("*")) if (tmp_path / str(number)).is_dir() else []
        assert [p.name for p in left] in ([], ["data_theta10_phi90"])


PUBLISH_WITHOUT_END = """
from server_side.scan import PositionPoint, Take
from tests_publish import publish
import sys
from pathlib import Path
print("ready", flush=True)
take = 0
while take < 999:
    take += 1
    publish(Path(sys.argv[1]), Take(point=PositionPoint(theta_deg=10, phi_deg=90), take=take))
"""


def test_killed_at_random_moments_every_folder_there_is_whole(tmp_path):
    generator = random.Random(20260220)
    for number in range(12):
        results = tmp_path / str(number)
        process = run_python(PUBLISH_WITHOUT_END, str(results))
        assert process.stdout is not None
        process.stdout.readline()
        while not list(results.glob("data_*")):  # a busy disk may take long for the first
            time.sleep(0.001)
        time.sleep(generator.uniform(0.0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert whole_or_absent(results)


PLOT, RESULT = "plot.png", "result.json"


def alter(folder: Path) -> None:
    content = bytearray((folder / PLOT).read_bytes())
    content[100] ^= 1
    (folder / PLOT).write_bytes(content)


def link(folder: Path, name: str) -> None:
    (folder / name).rename(folder.parent / name)
    (folder / name).symlink_to(folder.parent / name)


def put_pipe(folder: Path) -> None:
    (folder / PLOT).unlink()
    os.mkfifo(folder / PLOT)


def rename_first(manifest, name: str) -> None:
    manifest["files"][0]["name"] = name


def rewrite(folder: Path, change) -> None:
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    change(manifest)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda f: (f / PLOT).unlink(), id="a file missing"),
        pytest.param(lambda f: (f / "more.txt").write_text("x"), id="an extra file"),
        pytest.param(lambda f: (f / ".more").write_text("x"), id="a hidden file"),
        pytest.param(lambda f: (f / "more").mkdir(), id="a folder"),
        pytest.param(alter, id="one bit altered"),
        pytest.param(lambda f: (f / PLOT).write_bytes(b""), id="a file shorter"),
        pytest.param(lambda f: (f / RESULT).write_bytes(b"{} "), id="a file longer"),
        pytest.param(lambda f: link(f, PLOT), id="a link to a file"),
        pytest.param(put_pipe, id="a pipe"),
        pytest.param(lambda f: link(f, MANIFEST_FILE), id="a link to the manifest"),
        pytest.param(lambda f: (f / MANIFEST_FILE).unlink(), id="no manifest"),
        pytest.param(
            lambda f: (f / MANIFEST_FILE).write_bytes(b" " * (2 << 20)), id="a manifest too large"
        ),
        pytest.param(
            lambda f: rewrite(f, lambda m: rename_first(m, "../result.json")), id="an outside name"
        ),
        pytest.param(
            lambda f: rewrite(f, lambda m: m["files"].append(m["files"][0])), id="a name twice"
        ),
        pytest.param(
            lambda f: rewrite(f, lambda m: rename_first(m, MANIFEST_FILE)), id="its own name"
        ),
        pytest.param(lambda f: rewrite(f, lambda m: m.update(note="x")), id="an unknown key"),
    ],
)
def test_a_copy_that_is_not_what_was_published_is_refused(tmp_path, damage):
    folder = publish(tmp_path).folder
    damage(folder)
    with pytest.raises(ManifestError, match=str(folder)):
        verify_folder(folder)


def test_the_manifest_itself_round_trips(tmp_path):
    folder = publish(tmp_path).folder
    manifest = verify_folder(folder)
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_only_what_a_killed_publication_leaves_is_taken_away(tmp_path):
    hexadecimal = "0123456789abcdef" * 2
    ours = tmp_path / f".building-data_theta10_phi90.{hexadecimal}"
    ours.mkdir()
    (ours / "result.json").write_text("{")
    kept = [
        tmp_path / f".building-other.{hexadecimal}",
        tmp_path / ".building-data_theta10_phi90.short",
        tmp_path / f"building-data_theta10_phi90.{hexadecimal}",
        tmp_path / f".building-data_theta20_phi0.{hexadecimal}",
    ]
    for folder in kept:
        folder.mkdir()
    (kept[3] / "inner").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("x")
    link = tmp_path / f".building-data_theta30_phi0.{hexadecimal}"
    link.symlink_to(outside, target_is_directory=True)
    assert remove_leftovers(tmp_path) == (ours.name,)
    assert not ours.exists()
    assert all(folder.is_dir() for folder in kept)
    assert (link / "file").exists()
    assert remove_leftovers(tmp_path / "nowhere") == ()
