"""Settings of a site: read whole, refused with every fault named, changed with comments kept."""

import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from background_executor.config import SchedulerName, SiteConfig, TransportName, load_config
from background_executor.config_file import change_settings, setting_keys
from background_executor.errors import SettingsError
from background_executor.judging.limits import DEFAULT_CHECKS
from server_side.scan import position_points, voltage_points
from server_side.settings import MeasurementSettings

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLES = sorted((DOCS / "examples").glob("*.toml"))

GOOD = """\
# our bench
[site]
name = "bench"             # as the rows have it
transport = "local"
scheduler = "process"
base_folder = "server"
raw_base = "/raw/WaveDumpSaves"
state_dir = "state"
"""
SSH = GOOD.replace('"local"', '"ssh"').replace('"server"', '"/data/pmt"')


def _write(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text)
    return path


def _faults(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_config(_write(folder, text))
    return str(caught.value)


def test_a_short_file_is_enough_and_the_rest_has_the_bench_s_numbers(tmp_path: Path) -> None:
    config = load_config(_write(tmp_path, GOOD))
    assert (config.site.transport, config.site.scheduler) == (
        TransportName.LOCAL,
        SchedulerName.PROCESS,
    )
    assert config.measurement == MeasurementSettings()
    assert config.position_points() == position_points()
    assert config.voltage_points(1800) == voltage_points(1800)
    gain = config.health.gain_limits("two_gaussian", config.health.judged_gain)
    assert gain is not None
    assert (gain.inner, gain.outer) == ((0.999e7, 1.049e7), (0.95e7, 1.05e7))


def test_relative_paths_count_from_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path, GOOD + 'python = ".venv/bin/python"\n')
    monkeypatch.chdir(tmp_path)
    for given in (path, Path("site.toml")):
        config = load_config(given)
        assert config.site.base_folder == PurePosixPath(tmp_path / "server")
        assert config.site.raw_base == PurePosixPath("/raw/WaveDumpSaves")
        assert config.site.python == str(tmp_path / ".venv/bin/python")
        assert config.results_folder == tmp_path / "state" / "results"
        assert config.lock_file == tmp_path / "state" / "executor.lock"
        assert config.log_folder == tmp_path / "state" / "logs"
        assert config.store_url == f"sqlite:///{tmp_path}/state/store.sqlite"


def test_the_store_may_be_elsewhere(tmp_path: Path) -> None:
    relative = load_config(_write(tmp_path, GOOD + 'store_url = "sqlite:///other.sqlite"\n'))
    assert relative.store_url == f"sqlite:///{tmp_path}/other.sqlite"
    url = "postgresql+psycopg://pmt@server/pmt"
    assert load_config(_write(tmp_path, GOOD + f'store_url = "{url}"\n')).store_url == url


def test_a_site_s_store_opens_in_folders_that_are_made(tmp_path: Path) -> None:
    config = load_config(_write(tmp_path, GOOD))
    store = config.open_store()
    store.close()
    assert (tmp_path / "state" / "store.sqlite").is_file()
    assert config.results_folder.is_dir()


def test_every_fault_is_listed_with_place_value_expectation_and_fix(tmp_path: Path) -> None:
    text = """\
[site]
name = "bad name"
transport = "shh"
scheduler = "process"
base_foldr = "server"
raw_base = "raw"
state_dir = "state"
zone = "Mars/Olympus"
poll_s = "often"

[daq]
adc_bits = 99

[plan]
positions = ["theta0_phi0", "HV_1800"]

[[health.checks]]
measurement = "occupancy"
inner_low = 2.0
outer_low = 3.0
"""
    message = _faults(tmp_path, text)
    lines = message.splitlines()
    assert lines[0] == f"10 faults in settings file {tmp_path / 'site.toml'}:"
    expected = [
        r"site\.name = 'bad name': string should match pattern .*; see docs/settings\.md",
        r"site\.transport = 'shh': input should be 'local' or 'ssh'; see docs/settings\.md",
        r"site\.base_folder: is missing; add 'base_folder = \.\.\.' to section \[site\]",
        r"site\.base_foldr: is no setting; did you mean 'base_folder'\?",
        r"site\.raw_base = 'raw': expected an absolute path on the server",
        r"site\.zone = 'Mars/Olympus': 'Mars/Olympus' is no time zone; write one like",
        r"site\.poll_s = 'often': input should be a valid number",
        r"daq\.adc_bits = 99: input should be less than or equal to 16",
        r"plan\.positions = .*: 'HV_1800' is no position: expected like 'theta10_phi90'",
        r"health\.checks\[1\]: limits must rise: outer_low <= inner_low",
    ]
    for pattern in expected:
        assert any(re.match(rf"\s+{pattern}", line) for line in lines[1:]), (pattern, message)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "site: is missing; add 'site = ...' to the file"),
        ("[site\n", "is no TOML"),
        (GOOD + "[site.submit]\nmodule_lines = ['a\\nb', 1]\n", "site.submit.module_lines[2] = 1"),
        (GOOD + "[health]\njudging_model = 'dft'\n", "add a [[health.gain]] entry"),
        (
            GOOD + "[health]\nhv_model = 'two_gaussian'\n",
            "is not fitted: add it to analysis.hv_models",
        ),
        (GOOD + "[health.damage]\n", "no limit is given"),
        (GOOD + "[plan]\npositions = ['theta0_phi0', 'theta0_phi0']\n", "twice"),
        (GOOD + "[plan]\npositions = ['north']\n", "no scan point in 'north'"),
        (GOOD + "[plan]\nhv_steps_v = [0, 0]\n", "twice"),
        (GOOD.replace('"local"', '"ssh"'), "expected an absolute path on the server"),
        (SSH.replace("/data/pmt", "/data/../etc"), "expected an absolute path on the server"),
        (GOOD + 'zone = "../../etc/passwd"\n', "is no time zone"),
        (GOOD + "[[health.checks]]\nmeasurement = 'a'\ninner_low = 1\n" * 2, "two checks for a"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    assert words in _faults(tmp_path, text)


def test_ssh_needs_its_section(tmp_path: Path) -> None:
    assert "needs a section [site.ssh]" in _faults(tmp_path, SSH)
    section = '[site.ssh]\nhost = "login"\nknown_hosts = "known_hosts"\n'
    ssh = load_config(_write(tmp_path, SSH + section)).site.ssh
    assert ssh is not None
    assert ssh.known_hosts == tmp_path / "known_hosts"


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "", "a;b", "a\n"])
def test_a_host_that_is_none_is_refused(tmp_path: Path, host: str) -> None:
    section = f'[site.ssh]\nhost = {host!r}\nknown_hosts = "known_hosts"\n'.replace("'", '"')
    assert "site.ssh.host" in _faults(tmp_path, SSH + section)


def test_a_missing_file_says_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml cannot be read: .* docs/examples"):
        load_config(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(SettingsError, match=r"latin\.toml cannot be read"):
        load_config(tmp_path / "latin.toml")


def test_a_change_keeps_comments_and_order(tmp_path: Path) -> None:
    path = _write(tmp_path, GOOD)
    changes = {"site.poll_s": 0.7, "site.submit.partition": "cascade", "watch.stable_s": 5.0}
    config = change_settings(SiteConfig, path, changes)
    assert (config.site.poll_s, config.site.submit.partition) == (0.7, "cascade")
    assert load_config(path) == config
    text = path.read_text()
    assert text.startswith(GOOD.splitlines()[0])
    assert 'name = "bench"             # as the rows have it' in text
    change_settings(SiteConfig, path, {"site.poll_s": None})
    assert load_config(path).site.poll_s == 0.5
    assert [entry.name for entry in tmp_path.iterdir()] == ["site.toml"]


def test_a_wrong_change_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = _write(tmp_path, GOOD)
    with pytest.raises(SettingsError, match=r"site\.poll_s = -1"):
        change_settings(SiteConfig, path, {"site.poll_s": -1})
    assert path.read_text() == GOOD


def test_a_change_keeps_who_may_read_the_file(tmp_path: Path) -> None:
    path = _write(tmp_path, GOOD)
    path.chmod(0o640)
    change_settings(SiteConfig, path, {"site.poll_s": 2})
    assert path.stat().st_mode & 0o777 == 0o640


def _documented() -> set[str]:
    """Read every documented key, ``section.name``, from the tables of the document."""
    section, keys = "", set()
    for line in (DOCS / "settings.md").read_text().splitlines():
        if heading := re.fullmatch(r"## `\[+([a-z._]+)\]+`", line):
            section = heading[1]
        elif row := re.match(r"\| `(\w+)` \|", line):
            keys.add(f"{section}.{row[1]}")
    return keys


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    assert _documented() == set(setting_keys(SiteConfig))


def test_every_default_check_is_documented_and_named_once() -> None:
    rows = re.findall(r"(?m)^\| .+ \| .+ \| `(\w+)` \|$", (DOCS / "settings.md").read_text())
    assert rows == [check.measurement for check in DEFAULT_CHECKS]
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_good_file(path: Path) -> None:
    assert load_config(path).site.name


def test_the_local_example_as_it_stands_runs_jobs_with_an_interpreter_that_has_the_analysis(
    tmp_path: Path,
) -> None:
    shutil.copy(DOCS / "examples" / "local.toml", tmp_path / "my-site.toml")
    python = load_config(tmp_path / "my-site.toml").site.python
    assert python == sys.executable
    command = [python, "-m", "server_side.job.process_launcher", "--help"]
    subprocess.run(command, check=True, capture_output=True)


def test_a_site_far_away_has_the_interpreter_that_its_shell_finds(tmp_path: Path) -> None:
    section = '[site.ssh]\nhost = "login"\nknown_hosts = "known_hosts"\n'
    assert load_config(_write(tmp_path, SSH + section)).site.python == "python3"


def test_there_is_an_example_for_each_kind_of_site() -> None:
    schedulers = {load_config(path).site.scheduler for path in EXAMPLES}
    assert schedulers == set(SchedulerName)
