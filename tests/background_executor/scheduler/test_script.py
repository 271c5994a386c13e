"""A command in the environment of a site's jobs is the command itself, in another environment."""

import os
import signal
from pathlib import Path

import pytest

from background_executor.config import SchedulerName, SiteSection
from background_executor.scheduler.script import run_in_job_environment
from background_executor.transport import CommandOutput, LocalTransport

CHATTY_MODULE = "echo Loading Python/3.11.3; read -r answer; export LOADED=yes"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiteSection:
    monkeypatch.setenv("HOME", str(tmp_path))  # its user's start-up files decide about no test
    return SiteSection.model_validate(
        {
            "name": "here",
            "transport": "local",
            "scheduler": "slurm",
            "base_folder": str(tmp_path),
            "raw_base": str(tmp_path),
            "state_dir": str(tmp_path),
            "submit": {"module_lines": [CHATTY_MODULE], "activate_lines": ["ACTIVE=$LOADED"]},
        }
    )


def run(site: SiteSection, *argv: str) -> CommandOutput:
    return run_in_job_environment(LocalTransport(), site, argv, timeout_s=60, stdin=b"given\n")


def test_what_modules_set_is_there_and_what_they_print_and_read_is_not_the_commands(
    site: SiteSection,
) -> None:
    output = run(site, "sh", "-c", 'cat; echo "loaded: $LOADED"; echo trouble >&2; exit 7')
    assert output.stdout == "given\nloaded: yes\n"
    assert output.exit_status == 7
    assert output.stderr == "trouble\n"
    assert output.greeting == "Loading Python/3.11.3\n"


def test_arguments_arrive_as_they_are(site: SiteSection) -> None:
    odd = ("two words", "$HOME", "a'b\"c", "line\nbreak", "*", "")
    assert run(site, "printf", "%s|", *odd).stdout == "|".join((*odd, ""))


def test_a_program_that_is_not_there_is_told_from_one_that_fails(site: SiteSection) -> None:
    output = run(site, "/no/such/python", "-c", "1")
    assert output.exit_status == 127
    assert "/no/such/python" in output.stderr


def test_what_a_profile_leaves_running_does_not_hold_up_the_command(site: SiteSection) -> None:
    lines = ("sleep 30 </dev/null >/dev/null 2>&1 & echo $!",)
    submit = site.submit.model_copy(update={"module_lines": lines})
    busy = site.model_copy(update={"submit": submit})
    output = run_in_job_environment(LocalTransport(), busy, ["echo", "done"], timeout_s=20)
    left = int(output.greeting)
    os.kill(left, signal.SIGTERM)  # it still runs
    assert output.stdout == "done\n"


def test_a_job_without_a_batch_system_has_the_environment_of_its_launcher(
    site: SiteSection,
) -> None:
    process = site.model_copy(update={"scheduler": SchedulerName.PROCESS})
    output = run(process, "sh", "-c", 'echo "loaded: $LOADED"')
    assert (output.stdout, output.greeting) == ("loaded: \n", "")
