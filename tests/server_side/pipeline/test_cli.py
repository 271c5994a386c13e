"""The command line: help, clean JSON, one clear line for an error."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server_side import cli
from server_side.acquisitions import ACQUISITION_LIST
from server_side.settings import DaqSettings, MeasurementSettings
from tests.server_side.pipeline.watched import ACQUISITION, settings

ROOT = Path(cli.__file__).parents[1]
VERBS = ["simulate", "process", "watch", "inspect", "fit", "hv-curve", "acquisitions"]
HEAVY = {"tensorflow", "zfit", "streamlit", "paramiko", "sqlalchemy"}


def run(*arguments: object, stdin: bytes = b"", **environment: str):
    return subprocess.run(
        [sys.executable, "-m", "server_side", *map(str, arguments)],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        env={**os.environ, **environment},
        timeout=200,
        check=False,
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([verb, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert f"python -m server_side {verb} " in text.replace("\n", " ")


def test_the_verbs_are_the_documented_ones():
    assert [verb.name for verb in cli.VERBS] == VERBS
    readme = (ROOT / "server_side" / "README.md").read_text()
    assert [verb for verb in VERBS if f"`{verb}" not in readme] == []


def test_without_a_verb_or_with_an_unknown_one_the_usage_is_shown():
    for arguments in ([], ["nonsense"]):
        done = run(*arguments)
        assert done.returncode == 2
        assert b"usage:" in done.stderr
        assert done.stdout == b""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["inspect", "/nowhere/wave0.txt"], "/nowhere/wave0.txt"),
        (["inspect", str(ROOT / "README.md"), "--settings", "/nowhere.json"], "name a JSON file"),
        (["watch", "/nowhere/job.json"], "/nowhere/job.json"),
        (["acquisitions", "--raw-base", "/nowhere"], "/nowhere"),
        (["hv-curve", "/nowhere/points.csv"], "/nowhere/points.csv"),
    ],
)
def test_an_error_is_one_line_and_exit_status_one(arguments, said, capsys):
    assert cli.main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"{arguments[0]}: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err


def test_an_order_that_is_no_order_is_said_in_one_line(tmp_path, capsys):
    order = tmp_path / "job.json"
    order.write_text('{"job": "x"}')
    assert cli.main(["watch", str(order)]) == 1
    text = capsys.readouterr().err
    assert "JobOrder" in text
    assert "claim: Field required" in text
    assert text.count("\n") == 1


@pytest.mark.parametrize("target", ["nan", "-1", "0", "inf", "much"])
def test_a_target_gain_that_is_none_is_wrong_usage(target, capsys):
    points = str(ROOT / "tests" / "data" / "gains.csv")
    with pytest.raises(SystemExit) as ended:
        cli.main(["hv-curve", points, f"--target-gain={target}"])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "--target-gain" in captured.err


def test_the_list_of_acquisitions_is_clean_json(make_raw, tmp_path, capsys):
    make_raw(ACQUISITION)
    assert cli.main(["acquisitions", "--raw-base", str(tmp_path / "raw"), "--json"]) == 0
    (listing,) = ACQUISITION_LIST.validate_json(capsys.readouterr().out)
    assert (listing.folder, listing.point_names) == (ACQUISITION, ("theta10_phi90",))
    assert cli.main(["acquisitions", "--raw-base", str(tmp_path / "raw")]) == 0
    assert f"{ACQUISITION}  KQ0146  position  1 points" in capsys.readouterr().out


def test_settings_may_come_through_the_standard_input(make_raw, tmp_path):
    make_raw("run_5")
    given = MeasurementSettings(daq=DaqSettings(acquisition_pattern="run_{stamp}"))
    arguments = ("acquisitions", "--raw-base", tmp_path / "raw", "--json", "--settings", "-")
    done = run(*arguments, stdin=given.model_dump_json().encode())
    assert [entry["folder"] for entry in json.loads(done.stdout)] == ["run_5"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["hv-curve", "{root}/tests/data/gains.csv"],
        ["inspect", "{file}"],
        ["acquisitions", "--raw-base", "{root}"],
    ],
)
def test_the_light_verbs_do_not_load_tensorflow(arguments, recorded):
    places = {"root": ROOT, "file": recorded() / "wave2.txt"}
    given = [argument.format(**places) for argument in arguments]
    code = (
        "import sys\nfrom server_side.cli import main\n"
        f"try:\n    main({given!r})\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("loaded: []\n")


def test_inspect_prints_json_about_one_raw_file(recorded, capsys):
    assert cli.main(["inspect", str(recorded() / "wave2.txt")]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert (seen["events"], seen["record_length"], seen["channel"]) == (1500, 260, 2)
    assert seen["baseline_mean"] == pytest.approx(8000.0, abs=1.0)


@pytest.fixture
def raw_tree(tmp_path, recorded):
    """Make an acquisition with two points and return it."""
    acquisition = tmp_path / "raw" / ACQUISITION
    for seed, name in enumerate(("wavesave_theta0_phi0", "wavesave_theta10_phi90"), 1):
        shutil.copytree(recorded(seed, 3000), acquisition / "KQ0146" / name)
    return acquisition


@pytest.fixture
def settings_file(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(settings().model_dump_json())
    return path


@pytest.mark.parametrize("below", ["", "KQ0146", "KQ0146/wavesave_theta10_phi90"])
def test_process_takes_an_acquisition_a_serial_number_or_a_point(
    raw_tree, settings_file, tmp_path, capsys, below
):
    out = tmp_path / "out"
    arguments = ["process", raw_tree / below, "--out", out, "--json", "--settings", settings_file]
    assert cli.main([str(argument) for argument in arguments]) == 0
    processed = json.loads(capsys.readouterr().out)
    points = ["theta10_phi90"] if "theta" in below else ["theta0_phi0", "theta10_phi90"]
    assert [entry["point"] for entry in processed] == points
    for entry in processed:
        assert 0.9e7 < entry["gain_peak"] < 1.15e7
        assert (Path(entry["folder"]) / "MANIFEST.json").is_file()


def test_process_of_a_folder_of_another_name_asks_for_serial_and_point(
    recorded, settings_file, tmp_path, capsys
):
    arguments = ["process", recorded(), "--out", tmp_path / "out", "--settings", settings_file]
    assert cli.main([str(argument) for argument in arguments]) == 1
    assert "give --serial-number and --point" in capsys.readouterr().err
    named = [*arguments, "--serial-number", "KQ0146", "--point", "theta0_phi0"]
    assert cli.main([str(argument) for argument in named]) == 0
    assert capsys.readouterr().out.startswith("theta0_phi0      gain (1.0")


def test_process_of_two_serial_numbers_asks_which(raw_tree, tmp_path, capsys):
    shutil.copytree(raw_tree / "KQ0146", raw_tree / "KQ0200")
    assert cli.main(["process", str(raw_tree), "--out", str(tmp_path / "out")]) == 1
    text = capsys.readouterr().err
    assert "KQ0146 (position), KQ0200 (position)" in text
    assert "--serial-number and --kind" in text


def test_process_tells_of_a_point_that_failed_and_goes_on(
    raw_tree, settings_file, tmp_path, capsys
):
    (raw_tree / "KQ0146" / "wavesave_theta0_phi0" / "wave2.txt").write_bytes(b"")
    arguments = ["process", raw_tree, "--out", tmp_path / "out", "--settings", settings_file]
    assert cli.main([str(argument) for argument in arguments]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("theta0_phi0      FAILED")
    assert second.startswith("theta10_phi90    gain (1.0")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_cluster_part_copied_alone_runs_without_the_other_parts_packages(
    raw_tree, settings_file, tmp_path
):
    alone = tmp_path / "alone"
    shutil.copytree(ROOT / "server_side", alone / "server_side")
    blocker = alone / "sitecustomize.py"
    blocker.write_text(
        "import sys\n"
        "for name in ('streamlit', 'paramiko', 'sqlalchemy', 'alembic',\n"
        "             'background_executor', 'dashboard', 'tests'):\n"
        "    sys.modules[name] = None\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "server_side", "process", str(raw_tree / "KQ0146" / "wavesave_theta0_phi0")),
            *("--out", str(tmp_path / "out"), "--json", "--settings", str(settings_file)),
        ],
        cwd=alone,
        env={**os.environ, "PYTHONPATH": str(alone)},
        capture_output=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    (entry,) = json.loads(done.stdout)
    assert entry["gain_peak"] is not None
