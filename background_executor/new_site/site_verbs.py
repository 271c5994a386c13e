"""What the command line does for a new site: doctor, enrol, deploy, roll-back, the job script.

Acts that use the network take the executor's lock: none runs beside them.
"""

import argparse
import contextlib
import getpass
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from background_executor import instance
from background_executor.config import SiteConfig, SshSection, load_config
from background_executor.errors import SettingsError
from background_executor.new_site.deploy import deploy, roll_back
from background_executor.new_site.doctor import CheckState
from background_executor.new_site.job_preview import preview_job
from background_executor.new_site.way_checks import diagnose
from background_executor.site import open_transport
from background_executor.ssh import (
    HostKeyOffer,
    connect_record,
    next_host_key,
    read_route,
    store_host_key,
)
from background_executor.terminal import say, say_at_length

EXIT_DONE = 0
EXIT_FAILED = 1


def run_doctor(given: argparse.Namespace) -> int:
    """Print every check of a site; fail when one does."""
    config, failures = load_config(given.settings), 0
    # Beside a running executor it would be a second connection to the login node.
    with instance.hold_lock(config, instance.LockAct.DOCTOR):
        _wait_for_turn(config)
        for finding in diagnose(config):
            say_at_length(finding.line())
            failures += finding.state is CheckState.FAILED
    say("the site is ready" if not failures else f"failed checks: {failures}")
    return EXIT_FAILED if failures else EXIT_DONE


def enrol(given: argparse.Namespace) -> int:
    """Show each host key that is not pinned yet, and pin it on the operator's word."""
    config = load_config(given.settings)
    section = config.site.ssh
    if section is None:
        raise SettingsError(f"site {config.site.name} has no section [site.ssh]: nothing to enrol")
    last_hop, enrolled = read_route(section)[-1], list[str]()
    with instance.hold_lock(config, instance.LockAct.ENROL):
        while (offer := _ask_for_key(config, section)) is not None:
            if not _is_confirmed(offer, given.fingerprint):
                say(f"enrolled before it, and pinned: {', '.join(enrolled) or 'nothing'}")
                return EXIT_FAILED
            store_host_key(offer, section.known_hosts)
            key = f"{offer.hop.key_name}, {offer.kind} {offer.fingerprint}"
            _record(config, "host key enrolled", key)
            say(f"enrolled {offer.hop.key_name} in {section.known_hosts}")
            enrolled.append(offer.hop.key_name)
            if offer.hop == last_hop:
                break
    say("every host key on the way is enrolled")
    return EXIT_DONE


def _ask_for_key(config: SiteConfig, section: SshSection) -> HostKeyOffer | None:
    _wait_for_turn(config)
    connect_record(config.site, section).note()
    return next_host_key(section)


def _wait_for_turn(config: SiteConfig) -> None:
    """Wait until a connect is allowed: login nodes ban clients that come back too soon."""
    if config.site.ssh is None:
        return
    record = connect_record(config.site, config.site.ssh)
    wait_s = record.wait_s()
    if wait_s > 0:
        interval_s = config.site.ssh.connect_interval_s
        say(f"waits {wait_s:.0f} s: one connect in {interval_s:.0f} s, no more")
        time.sleep(wait_s)


def enrol_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``enrol``."""
    parser.add_argument(
        "--fingerprint",
        action="append",
        default=[],
        help="enrol without a question a key that has this one; once for each host on the way",
    )


def ship(given: argparse.Namespace) -> int:
    """Put server_side on the server, or go back to the version before."""
    config = load_config(given.settings)
    with instance.hold_lock(config, instance.LockAct.DEPLOY):
        _wait_for_turn(config)
        return _roll_back(config) if given.roll_back else _deploy(config, given)


def ship_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``deploy``."""
    parser.add_argument(
        "--base-python", default="python3", help="interpreter there, 3.11 or newer, to build with"
    )
    parser.add_argument(
        "--packages-of",
        default="",
        help="interpreter there whose packages are used, so that nothing is downloaded",
    )
    parser.add_argument("--roll-back", action="store_true", help="go back to the version before")


def show_script(given: argparse.Namespace) -> int:
    """Print the script of the next job as it would be with the settings as they are now."""
    preview = preview_job(load_config(given.settings), datetime.now(UTC))
    sys.stdout.write(preview.script)
    say("# It is given to the batch system by:")
    say(f"# {preview.command}")
    return EXIT_DONE


def _deploy(config: SiteConfig, given: argparse.Namespace) -> int:
    transport = open_transport(config)
    try:
        done = deploy(
            config.site,
            transport,
            base_python=given.base_python,
            packages_of=given.packages_of,
            tell=say,
        )
    finally:
        transport.close()
    _record(config, "server_side deployed", done.name)
    say(f"server_side {done.name} is current" + (" (it was there)" if done.was_there else ""))
    if str(done.python) != config.site.python:
        say(f'put into the settings, section [site]: python = "{done.python}"')
    return EXIT_DONE


def _roll_back(config: SiteConfig) -> int:
    transport = open_transport(config)
    try:
        name = roll_back(config.site, transport)
    finally:
        transport.close()
    _record(config, "server_side rolled back", name)
    say(f"server_side {name} is current again")
    return EXIT_DONE


def _record(config: SiteConfig, act: str, after: str) -> None:
    """Write what was done to a site into its audit."""
    site = config.site.name
    with contextlib.closing(config.open_store()) as store, store.writing() as writer:
        writer.add_event(site, getpass.getuser(), f"site {site}", act, after=after)


def _is_confirmed(offer: HostKeyOffer, expected: Sequence[str]) -> bool:
    """Compare a key with what was given, or ask; say why it is refused."""
    say(f"{offer.hop.key_name} shows {offer.kind} {offer.fingerprint}")
    if expected:
        is_one = offer.fingerprint in expected
        why = "its fingerprint is none of those given with --fingerprint, one for each host"
    else:
        question = "Is this what the site publishes? Type 'yes' to enrol it: "
        is_one, why = input(question).strip() == "yes", "it was not confirmed by 'yes'"
    if not is_one:
        say(f"{offer.hop.key_name} was not enrolled: {why}")
    return is_one
