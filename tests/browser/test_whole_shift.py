"""From an empty store to 21 measured points, by the page alone, with a simulated bench.

Nothing is prepared: the executor is started on the page, the scan is started
on the page, a bench writes raw files as a digitiser would, and the real job
analyses them.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from background_executor import instance
from background_executor.config import SiteConfig, load_config
from tests.browser.conftest import ROOT, Watched, run_server, watch_page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

SERIAL = "KQ0146"
TRIGGERS = 12_000
DARK_POINT = "theta20_phi180"
SCAN_TIMEOUT_MS = 600_000

SITE_TOML = f"""\
[site]
name = "bench"
transport = "local"
scheduler = "process"
base_folder = "server"
raw_base = "raw"
state_dir = "state"
python = "{sys.executable}"
poll_s = 0.3
scheduler_poll_s = 1.0

[watch]
poll_s = 0.3
expected_events = {TRIGGERS}
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteConfig]:
    path = tmp_path / "site.toml"
    for folder in ("server", "raw", "state"):
        (tmp_path / folder).mkdir()
    text = SITE_TOML
    for folder in ("server", "raw", "state"):
        text = text.replace(f'"{folder}"', f'"{tmp_path / folder}"')
    path.write_text(text)
    config = load_config(path)
    yield config
    instance.stop(config)


@contextmanager
def simulated_bench(raw_base: Path) -> Iterator[None]:
    """Write the raw files of one PMT, one position a second, one of them dark."""
    arguments = ["--serial-number", SERIAL, "--triggers", str(TRIGGERS), "--occupancy", "0.3"]
    arguments += ["--seconds-per-point", "1", "--fault", f"1:{DARK_POINT}:no_light"]
    process = subprocess.Popen(
        [sys.executable, "-m", "server_side", "simulate", str(raw_base), *arguments], cwd=ROOT
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def press(live: Watched, key: str) -> None:
    button = live.page.locator(f".st-key-{key} button")
    expect(button).to_be_enabled(timeout=30_000)
    button.click()


def test_a_scan_is_run_from_an_empty_store_by_the_page_alone(
    browser: Browser, site: SiteConfig, tmp_path: Path
) -> None:
    with run_server(tmp_path / "site.toml") as server, watch_page(browser, server) as live:
        live.open("/", "text=executor not running")
        name = live.page.get_by_role("textbox", name="Your name")
        name.fill("night shift")
        name.press("Enter")
        press(live, "start-executor")
        expect(live.page.get_by_text("executor running")).to_be_visible(timeout=60_000)
        serial = live.page.get_by_label("Serial number of PMT 1")
        serial.fill(SERIAL)
        serial.press("Enter")
        press(live, "start-scan1")
        tiles = live.page.locator(".st-key-map1 [role=button]")
        expect(tiles).to_have_count(21, timeout=60_000)
        with simulated_bench(tmp_path / "raw"):
            expect(live.page.get_by_text("21 of 21 points")).to_be_visible(timeout=SCAN_TIMEOUT_MS)
        expect(live.page.locator(".st-key-map1 [data-face=no_light]")).to_have_count(1)
        expect(live.tile(1, DARK_POINT)).to_have_attribute("data-face", "no_light")
        live.tile(1, "theta0_phi0").click()
        expect(live.page.get_by_text("θ 0°, φ 0°", exact=True).first).to_be_visible()
        expect(live.page.locator(".pmt-gain").first).to_contain_text("10⁷")
        expect(live.page.locator(".st-key-spectrum1 .fit").first).to_be_visible()
        expect(live.page.locator(".st-key-spectrum1 .pulls")).to_be_visible()
        press(live, "stop-executor")
        press(live, "stop-executor-sure")
        expect(live.page.get_by_text("executor not running")).to_be_visible(timeout=60_000)
    assert not instance.is_running(site)
