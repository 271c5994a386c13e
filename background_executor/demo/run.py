"""``make demo``: bench, executor and dashboard until Ctrl-C, then none of them."""

import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from background_executor import instance, queries
from background_executor.commands import StartHvCheck, StartScan, StopScan
from background_executor.config import SiteConfig
from background_executor.demo import bench
from background_executor.demo.asking import ask, have_ended, wait_until
from background_executor.demo.children import (
    LOOPBACK,
    PROJECT,
    Child,
    Children,
    free_port,
    wait_until_served,
)
from background_executor.demo.scenario import (
    NOMINAL_V,
    SERIAL_NUMBERS,
    THIS_MACHINE,
    DemoFolders,
    make_fresh,
    write_settings,
)
from background_executor.errors import CommandError
from background_executor.store import Store
from server_side.scan import ScanKind, Slot

SECONDS_PER_POINT = 5.0
"""21 positions in under two minutes."""


def run_demo(folder: Path, port: int, place: Mapping[str, object] = THIS_MACHINE) -> int:
    """Run the demo at a place until it is interrupted and return the exit code."""
    folders = make_fresh(folder)
    config = write_settings(folders, sys.executable, place)
    interrupted = _interruption()
    with Children(folders.top / "logs") as children:
        try:
            _show(children, folders, config, port, interrupted)
        finally:
            _stop(config)
    print("The bench, the executor and the dashboard have ended.")
    return 0


def _interruption() -> threading.Event:
    event = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda *_: event.set())
    return event


def _show(
    children: Children,
    folders: DemoFolders,
    config: SiteConfig,
    port: int,
    interrupted: threading.Event,
) -> None:
    dashboard = _start_dashboard(children, folders, free_port(port))
    instance.start_detached(folders.settings)
    store = config.open_store()
    try:
        for slot, serial_number in zip(Slot, SERIAL_NUMBERS, strict=True):
            ask(store, config.site.name, StartScan(serial_number=serial_number, slot=slot))
        laser = bench.start(children, folders, ScanKind.POSITION, SECONDS_PER_POINT)
        print("Two photomultipliers are being scanned. Ctrl-C ends the demo.", flush=True)
        _wait(lambda: _position_scans_ended(store, config), (dashboard, laser), interrupted)
        if interrupted.is_set():
            return
        ask(
            store,
            config.site.name,
            StartHvCheck(serial_number=SERIAL_NUMBERS[0], slot=Slot.ONE, nominal_v=NOMINAL_V),
        )
        voltage = bench.start(children, folders, ScanKind.HV, SECONDS_PER_POINT)
        print("The scans are complete; an HV check of PMT 1 follows.", flush=True)
        _wait(interrupted.is_set, (dashboard, voltage), interrupted)
    finally:
        store.close()


def _start_dashboard(children: Children, folders: DemoFolders, port: int) -> Child:
    url = f"http://{LOOPBACK}:{port}"
    dashboard = children.start(
        "dashboard",
        [
            "-m",
            "streamlit",
            "run",
            str(PROJECT / "dashboard" / "app.py"),
            f"--server.port={port}",
            f"--server.address={LOOPBACK}",
            "--server.headless=true",
        ],
        PMT_MONITOR_SETTINGS=str(folders.settings),
    )
    wait_until_served(f"{url}/_stcore/health", dashboard)
    print(f"\n    Dashboard: {url}\n", flush=True)
    return dashboard


def _position_scans_ended(store: Store, config: SiteConfig) -> bool:
    return have_ended(store, queries.scans(store, config.site.name))


def _wait(
    is_so: Callable[[], bool], children: tuple[Child, ...], interrupted: threading.Event
) -> None:
    """Wait until something is so or the demo is interrupted.

    Raises
    ------
    ChildProcessError
        When a process failed meanwhile.
    """
    while not (interrupted.wait(0.5) or is_so()):
        for child in children:
            if child.process.poll() not in (None, 0):
                raise ChildProcessError(f"the {child.name} failed:\n{child.tail()}")


def _stop(config: SiteConfig) -> None:
    """End the scans, so that no job stays behind, then the executor."""
    if not instance.is_running(config):
        return
    store = config.open_store()
    try:
        for scan in queries.running_scans(store, config.site.name):
            ask(store, config.site.name, StopScan(scan_id=scan.scan_id, reason="the demo ended"))
        wait_until(lambda: not _open_jobs(store, config), 30.0)
    except CommandError as error:
        print(f"A scan could not be stopped: {error}", file=sys.stderr)
    finally:
        store.close()
        instance.stop(config)


def _open_jobs(store: Store, config: SiteConfig) -> bool:
    jobs = queries.open_jobs(store, config.site.name)
    return bool(jobs)
