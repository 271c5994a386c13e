"""The command line as a user types it: each verb, its help, its answers and exit codes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor import instance, queries
from background_executor.cli import main
from background_executor.config import SETTINGS_VARIABLE
from background_executor.verbs import VERBS
from tests.background_executor.bench import HANGS, Bench


@pytest.fixture
def running(bench: Bench) -> Iterator[Bench]:
    bench.behave(HANGS)
    instance.start_detached(bench.settings)
    yield bench
    instance.stop(bench.config)


def type_in(bench: Bench, *words: str) -> int:
    return main([*words, "--settings", str(bench.settings)])


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    (example,) = [line for line in text.splitlines() if line.startswith("Example: ")]
    assert example.startswith(f"Example: python -m background_executor {verb}")
    assert example.endswith("--settings site.toml")
    assert "--settings" in text


def test_the_job_script_can_be_read_before_use(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in(bench, "show-script") == 0
    text = capsys.readouterr().out
    assert text.startswith("#!/bin/sh\n")
    assert "-m server_side watch" in text
    assert "# It is given to the batch system by:" in text


def test_a_scan_is_started_seen_and_stopped(
    running: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in(running, "start-scan", "KQ0146", "--slot", "1", "--wait") == 0
    assert "begins with 3 points" in capsys.readouterr().out
    assert type_in(running, "start-scan", "KQ0146", "--slot", "1", "--wait") == 3
    assert "stop it first" in capsys.readouterr().err

    assert type_in(running, "status", "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert status["is_running"]
    assert status["executor"]["state"] == "running"
    (scan,) = status["scans"]
    assert (scan["serial_number"], scan["points_planned"]) == ("KQ0146", 3)
    assert "plan" not in scan

    assert type_in(running, "status") == 0
    text = capsys.readouterr().out
    assert f"position scan {scan['scan_id']} of KQ0146, slot 1: running" in text

    assert type_in(running, "stop-scan", scan["scan_id"], "--reason", "laser off", "--wait") == 0
    assert "is stopped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["sync-now"], "everything new is being read"),
        (["reset"], "nothing was deleted"),
        (["list-acquisitions"], "0 acquisitions found"),
        (
            ["start-hv-check", "KQ0146", "--slot", "2", "--nominal-v", "1800"],
            "begins with 5 points",
        ),
    ],
)
def test_what_is_asked_is_answered(
    running: Bench, capsys: pytest.CaptureFixture[str], words: list[str], answer: str
) -> None:
    assert type_in(running, *words, "--wait") == 0
    assert answer in capsys.readouterr().out


def test_what_is_asked_while_nobody_runs_waits(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in(bench, "sync-now", "--operator", "night shift", "--key", "k") == 0
    assert type_in(bench, "sync-now", "--operator", "night shift", "--key", "k", "--wait") == 3
    assert "no executor of site here runs" in capsys.readouterr().out
    (command,) = queries.commands(bench.store, "here")
    assert (command.state, command.operator) == ("waiting", "night shift")
    assert type_in(bench, "status") == 3
    assert "no executor runs" in capsys.readouterr().out


def test_status_of_a_site_that_never_ran_says_so_and_makes_nothing(
    settings_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(settings_file.parent.rglob("*"))
    assert main(["status", "--settings", str(settings_file)]) == 3
    assert "has no store yet" in capsys.readouterr().err
    assert sorted(settings_file.parent.rglob("*")) == before


def test_a_wrong_serial_number_is_said_and_nothing_is_asked(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in(bench, "start-scan", "KQ 0146; rm", "--slot", "1") == 1
    assert "start-scan cannot be asked for" in capsys.readouterr().err
    assert queries.commands(bench.store, "here") == ()


def test_stop_without_an_executor_is_no_error(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in(bench, "stop") == 0
    assert "no executor runs" in capsys.readouterr().out


def test_settings_may_come_from_the_environment_and_must_come_from_somewhere(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SETTINGS_VARIABLE, str(bench.settings))
    assert main(["status"]) == 3
    monkeypatch.delenv(SETTINGS_VARIABLE)
    assert main(["status"]) == 1
    assert SETTINGS_VARIABLE in capsys.readouterr().err
    assert main(["status", "--settings", "/no/such/site.toml"]) == 1
    assert "/no/such/site.toml" in capsys.readouterr().err
