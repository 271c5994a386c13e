"""A job keeps the version it was made with, whatever is deployed while it waits."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from background_executor import queries
from background_executor.jobs.submit import write_job_files
from background_executor.new_site.deployed import (
    CURRENT,
    SOFTWARE_FOLDER,
    interpreter_now,
    other_version,
    version_here,
)
from background_executor.new_site.job_preview import preview_job
from background_executor.records import JobState
from background_executor.status import status_report, status_text
from background_executor.transport import LocalTransport
from server_side.journal import JobStart
from tests.background_executor.bench import HANGS, ROOT, WAITS, Bench


def test_an_interpreter_behind_the_link_is_named_by_its_versions_folder(bench: Bench) -> None:
    section = bench.config.site
    software = Path(section.base_folder, SOFTWARE_FOLDER)
    software.mkdir()
    (software / CURRENT).symlink_to("0.1.0-abc")
    linked = section.model_copy(update={"python": f"{software}/{CURRENT}/venv/bin/python"})
    found = interpreter_now(linked, LocalTransport())
    assert found == f"{software}/0.1.0-abc/venv/bin/python"


@pytest.mark.parametrize("python", ["python3", "/opt/env/bin/python", "current"])
def test_another_interpreter_and_one_without_a_link_stay_as_settings_name_them(
    bench: Bench, python: str
) -> None:
    current = PurePosixPath(bench.config.site.base_folder, SOFTWARE_FOLDER, CURRENT)
    named = str(current / "bin/python") if python == "current" else python
    section = bench.config.site.model_copy(update={"python": named})
    assert interpreter_now(section, LocalTransport()) == named


def test_the_job_script_names_the_interpreter_that_was_asked_for_its_version(
    bench: Bench,
) -> None:
    bench.behave(replace(HANGS, publish=0))
    scan = bench.start_scan()
    job = bench.jobs(scan)[0].job
    write_job_files(bench.site, scan.scan_id, job, "/software/0.1.0-abc/venv/bin/python")
    script = Path(bench.layout(scan).script_file(job)).read_text()
    assert "exec /software/0.1.0-abc/venv/bin/python -m server_side watch" in script


def test_another_server_side_on_this_machine_is_shown_and_not_run(
    bench: Bench, tmp_path: Path
) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "server_side", tmp_path / "old" / "server_side", ignore=ignored)
    (tmp_path / "old" / "server_side" / "__init__.py").write_text('__version__ = "0.0.9"\n')
    python = Path(bench.config.site.python)
    good = python.read_text()
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path}/old exec {sys.executable} "$@"\n')
    scan = bench.start_scan()
    for _ in range(3):
        bench.step(60)
    assert bench.jobs(scan)[0].state == "intent"
    said = queries.executor(bench.store, "here")
    assert said is not None
    assert "0.0.9" in said.message
    assert "deploy" in said.message
    python.write_text(good)
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    assert len(bench.jobs(scan)) == 1


def test_the_script_that_is_shown_names_the_interpreter_that_jobs_are_given(bench: Bench) -> None:
    config = bench.config
    current = PurePosixPath(config.site.base_folder, SOFTWARE_FOLDER, CURRENT)
    site = config.site.model_copy(update={"python": str(current / "venv" / "bin" / "python")})
    preview = preview_job(config.model_copy(update={"site": site}), bench.now)
    version = current.parent / version_here().name
    assert f"exec {version}/venv/bin/python -m server_side watch" in preview.script
    assert preview_job(config, bench.now).script.count(config.site.python) == 1


OLD = "0.0.9-000000000000"


def test_a_job_that_outlived_an_upgrade_is_shown_with_its_version_until_it_ends(
    bench: Bench,
) -> None:
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].state is JobState.RUNNING)
    job = bench.jobs(scan)[0]
    assert job.software == version_here().name
    assert "runs server_side" not in status_text(status_report(bench.config, bench.store))
    with bench.store.writing(bench.now) as writer:  # as an executor of the version before made it
        writer.note_software(job.job, OLD)
    assert f"runs server_side {OLD}, not {version_here().name}" in status_text(
        status_report(bench.config, bench.store)
    )
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    assert "runs server_side" not in status_text(status_report(bench.config, bench.store))


def test_the_version_that_a_job_itself_says_is_shown_where_it_is_another(bench: Bench) -> None:
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].state is JobState.RUNNING)
    job = bench.jobs(scan)[0].job
    start = JobStart(
        seq=1,
        at=bench.now,
        job=job,
        scan_id=scan.scan_id,
        software_version="9.9.9",
        host="n1",
        pid=1,
    )
    with bench.store.writing(bench.now) as writer:
        writer.apply_line(job, start)
    assert other_version(bench.jobs(scan)[0]).startswith("runs server_side 9.9.9, not")
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    assert other_version(bench.jobs(scan)[0]) == ""
