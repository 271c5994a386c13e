"""All verbs of the command line, in the order of the help."""

import argparse
import contextlib
import sys
from typing import Any

from background_executor import audit_verb, instance
from background_executor.asking import (
    EXIT_DONE,
    EXIT_REFUSED,
    Arguments,
    asks,
    existing_arguments,
    hv_arguments,
    pmt_arguments,
    scan_arguments,
    wait_arguments,
)
from background_executor.commands import (
    ListAcquisitions,
    PreviousScan,
    ProcessExisting,
    Reset,
    ResumeScan,
    StartHvCheck,
    StartScan,
    StopScan,
    SyncNow,
)
from background_executor.config import load_config
from background_executor.decisions.verbs import DECISION_VERBS
from background_executor.judging.quality_verbs import QUALITY_VERBS
from background_executor.logs import LOG_FILE, set_up_logging
from background_executor.new_site import site_verbs
from background_executor.old_data.verb import import_arguments, import_old_data
from background_executor.rebuild.verb import rebuild, rebuild_arguments
from background_executor.scans_verb import list_scans, scans_arguments
from background_executor.status import status_json, status_report, status_text
from background_executor.terminal import say
from background_executor.verb import Verb
from server_side.scan import Slot


def _nothing_more(_parser: argparse.ArgumentParser) -> None:
    pass


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--detach", action="store_true", help="start it in the background and print its process id"
    )
    parser.add_argument(
        "--timeout-s", type=float, default=60.0, help="how long --detach waits for a sign of life"
    )


def _run(given: Arguments) -> int:
    if given.detach:
        say(f"{instance.spawn(given.settings, given.timeout_s)}")
        return EXIT_DONE
    config = load_config(given.settings)
    set_up_logging(config)
    status = instance.run(config)
    if status != 0:
        say(f"the executor crashed; see {config.log_folder / LOG_FILE}", is_error=True)
    return status


def _stop_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout-s", type=float, default=30.0, help="how long to wait")


def _stop(given: Arguments) -> int:
    was_running = instance.stop(load_config(given.settings), given.timeout_s)
    say("the executor has ended; jobs go on" if was_running else "no executor runs")
    return EXIT_DONE


def _status_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def _status(given: Arguments) -> int:
    config = load_config(given.settings)
    if not config.has_store:
        say(
            f"site {config.site.name} has no store yet, below {config.site.state_dir}: "
            f"no executor ever ran with {given.settings}",
            is_error=True,
        )
        return EXIT_REFUSED
    with contextlib.closing(config.open_store()) as store:
        report = status_report(config, store)
    text = status_json(report) if given.json else status_text(report)
    sys.stdout.write(f"{text}\n")
    return EXIT_DONE if report.is_running else EXIT_REFUSED


def _start_fields(given: Arguments) -> dict[str, Any]:
    """Return what the three ways to begin a scan have in common."""
    return {
        "serial_number": given.serial_number,
        "slot": Slot(given.slot),
        "previous": PreviousScan(given.previous),
        "previous_reason": given.previous_reason,
    }


VERBS: tuple[Verb, ...] = (
    Verb("run", "work until asked to end", "run --detach", _run_arguments, _run),
    Verb("stop", "end the running executor; jobs go on", "stop", _stop_arguments, _stop),
    Verb("status", "how it is", "status --json", _status_arguments, _status),
    Verb(
        "scans",
        "every scan with its id, state and dates, newest first",
        "scans --serial KQ0146",
        scans_arguments,
        list_scans,
    ),
    Verb(
        "start-scan",
        "begin a position scan",
        "start-scan KQ0146 --slot 1 --wait",
        pmt_arguments,
        asks(lambda a: StartScan(**_start_fields(a))),
    ),
    Verb(
        "start-hv-check",
        "begin an HV check",
        "start-hv-check KQ0146 --slot 1 --nominal-v 1800",
        hv_arguments,
        asks(lambda a: StartHvCheck(**_start_fields(a), nominal_v=a.nominal_v)),
    ),
    Verb(
        "stop-scan",
        "end a scan or HV check; what was measured stays",
        "stop-scan 0123456789ab --reason 'laser off'",
        scan_arguments,
        asks(lambda a: StopScan(scan_id=a.scan_id, reason=a.reason)),
    ),
    Verb(
        "resume-scan",
        "go on with a scan that lost its job and asks what to do",
        "resume-scan 0123456789ab --reason 'more memory'",
        scan_arguments,
        asks(lambda a: ResumeScan(scan_id=a.scan_id, reason=a.reason)),
    ),
    Verb(
        "process-existing",
        "make a scan of raw data that are there already",
        "process-existing KQ0146 wavedump_output_20260220_144123 --slot 1",
        existing_arguments,
        asks(
            lambda a: ProcessExisting(
                **_start_fields(a),
                scan_kind=a.kind,
                acquisition=a.acquisition,
            )
        ),
    ),
    Verb(
        "list-acquisitions",
        "look which raw data are there",
        "list-acquisitions --wait",
        wait_arguments,
        asks(lambda _: ListAcquisitions()),
    ),
    Verb(
        "sync-now",
        "read everything new from the server at once",
        "sync-now --wait",
        wait_arguments,
        asks(lambda _: SyncNow()),
    ),
    Verb(
        "reset",
        "read everything from the server again; deletes nothing",
        "reset --wait",
        wait_arguments,
        asks(lambda _: Reset()),
    ),
    Verb(
        "audit",
        "who did what when: lines to read, or CSV or JSON to keep",
        "audit --scan 0123456789ab --since 2026-02-20 --format csv",
        audit_verb.audit_arguments,
        audit_verb.show_audit,
    ),
    Verb(
        "import",
        "read a result tree of the old system, which is left as it is",
        "import synced_data",
        import_arguments,
        import_old_data,
    ),
    Verb(
        "rebuild",
        "fill a new store from what lies on the server",
        "rebuild",
        rebuild_arguments,
        rebuild,
    ),
    *DECISION_VERBS,
    *QUALITY_VERBS,
    Verb(
        "doctor",
        "check a site, one thing after the other",
        "doctor",
        _nothing_more,
        site_verbs.run_doctor,
    ),
    Verb(
        "enrol",
        "pin the host key of a site on your word",
        "enrol",
        site_verbs.enrol_arguments,
        site_verbs.enrol,
    ),
    Verb(
        "deploy",
        "put server_side on the server, or go back",
        "deploy --base-python python3.11",
        site_verbs.ship_arguments,
        site_verbs.ship,
    ),
    Verb(
        "show-script",
        "print the job script as the next job would have it",
        "show-script",
        _nothing_more,
        site_verbs.show_script,
    ),
)
