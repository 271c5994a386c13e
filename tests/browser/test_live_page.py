"""The operator's page over a filled store, in real Chromium."""

import contextlib
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from background_executor import queries
from background_executor.commands import StopScan
from background_executor.decisions.decision_records import DecisionKind
from background_executor.store import Store
from server_side.scan import ScanPlan, Take
from tests.browser.conftest import (
    PAGE_TIMEOUT_MS,
    PageServer,
    Watched,
    run_server,
    watch_page,
)
from tests.browser.overhang import overhangs, watch_overhang
from tests.seed_results import Fate, make_result
from tests.seed_store import RUNNING_SCAN, Seeded, beat, seed_site, store_point

pytestmark = pytest.mark.browser

SCREENS = [(1920, 1080, "dark"), (1600, 900, "light"), (390, 844, "dark")]
"""Widths and heights; colours have no width, each scheme is drawn on one at least."""


@contextlib.contextmanager
def open_store(seeded: Seeded) -> Iterator[Store]:
    with contextlib.closing(seeded.config.open_store()) as store:
        yield store


def plan_of(store: Store, scan_id: str) -> ScanPlan:
    scan = queries.scan(store, scan_id)
    assert scan is not None
    return scan.plan


def sign(live: Watched, name: str) -> None:
    field = live.page.get_by_role("textbox", name="Your name")
    field.fill(name)
    field.press("Enter")


def test_each_pmt_shows_its_21_points(live: Watched) -> None:
    live.open()
    for slot in (1, 2):
        expect(live.page.locator(f".st-key-map{slot} [role=button]")).to_have_count(21)


def test_a_click_on_a_sector_opens_its_point(live: Watched) -> None:
    live.open()
    live.tile(1, "theta10_phi180").click()
    expect(live.page.get_by_text("θ 10°, φ 180°", exact=True).first).to_be_visible()
    expect(live.tile(1, "theta10_phi180")).to_have_attribute("aria-pressed", "true")
    expect(live.page.locator(".st-key-spectrum1 .fit").first).to_be_visible()


def test_the_keyboard_walks_over_the_map_and_opens_a_point(live: Watched) -> None:
    live.open()
    live.tile(2, "theta0_phi0").focus()
    live.page.keyboard.press("ArrowRight")
    live.page.keyboard.press("ArrowRight")
    expect(live.tile(2, "theta20_phi0")).to_be_focused()
    live.page.keyboard.press("Enter")
    expect(live.page.get_by_text("θ 20°, φ 0°", exact=True).first).to_be_visible()
    expect(live.tile(2, "theta20_phi0")).to_be_focused()
    live.page.keyboard.press("ArrowLeft")
    live.page.keyboard.press(" ")
    expect(live.page.get_by_text("θ 10°, φ 0°", exact=True).first).to_be_visible()


def test_points_are_selected_together_without_a_mouse_and_without_a_keyboard(
    live: Watched,
) -> None:
    live.open()
    sign(live, "night shift")
    selected = live.page.locator(".st-key-map2 .tile.selected")
    said = live.page.locator(".st-key-selection-map2")
    live.tile(2, "theta0_phi0").focus()
    live.page.keyboard.press("Control+a")
    expect(selected).to_have_count(21)
    expect(said).to_contain_text("21 points selected")
    live.page.keyboard.press("Escape")
    expect(selected).to_have_count(0)
    expect(said).not_to_contain_text("selected")
    said.get_by_text("Several", exact=True).click()
    expect(live.page.locator(".st-key-map2 .photocathode.adding")).to_have_count(1)
    for point in ("theta10_phi0", "theta10_phi90", "theta10_phi180"):
        live.tile(2, point).click()
    expect(said).to_contain_text("3 points selected")
    expect(live.page.locator(".st-key-flag-map2 button")).to_have_text("Flag 3 takes")
    live.page.locator(".st-key-clear-map2 button").click()
    expect(selected).to_have_count(0)


def test_a_reload_brings_the_same_view_back(live: Watched) -> None:
    live.open()
    sign(live, "night shift")
    live.tile(1, "theta20_phi90").click()
    expect(live.page).to_have_url(re.compile("p1=theta20_phi90"))
    live.page.locator(".st-key-kind2").get_by_text("HV").click()
    expect(live.page).to_have_url(re.compile("kind2=HV"))
    serial = live.page.get_by_label("Serial number of PMT 1")
    serial.fill("KQ0999")
    serial.press("Enter")
    expect(live.page).to_have_url(re.compile("sn1=KQ0999"))
    live.page.reload()
    expect(live.page.get_by_text("θ 20°, φ 90°", exact=True).first).to_be_visible()
    expect(live.page.locator(".st-key-map2 [role=button]")).to_have_count(5)
    expect(live.page.get_by_label("Serial number of PMT 1")).to_have_value("KQ0999")
    expect(live.page.get_by_role("textbox", name="Your name")).to_have_value("night shift")


def test_a_wrong_serial_number_is_refused_in_words(live: Watched) -> None:
    live.open()
    sign(live, "night shift")
    serial = live.page.get_by_label("Serial number of PMT 1")
    serial.fill("<b>KQ 1</b>")
    serial.press("Enter")
    expect(live.page.get_by_text("no serial number in '<b>KQ 1</b>'").first).to_be_visible()
    start = live.page.locator(".st-key-start-scan1 button")
    expect(start).to_be_disabled()


def test_the_controls_wait_for_a_name(live: Watched) -> None:
    live.open()
    expect(live.page.locator(".st-key-start-scan1 button")).to_be_disabled()
    sign(live, "night shift")
    expect(live.page.locator(".st-key-start-scan1 button")).to_be_enabled()


def test_a_browser_remembers_the_operators_name(live: Watched) -> None:
    live.open()
    sign(live, "night shift")
    expect(live.page.locator(".st-key-start-scan1 button")).to_be_enabled()
    live.open("/log", ".pmt-table")
    live.open()
    expect(live.page.get_by_role("textbox", name="Your name")).to_have_value("night shift")
    expect(live.page.locator(".st-key-start-scan1 button")).to_be_enabled()


def test_a_name_is_not_forgotten_by_a_page_that_is_drawn_anew_before_it_knows_it(
    live: Watched,
) -> None:
    live.open()
    sign(live, "night shift")
    expect(live.page.locator(".st-key-start-scan1 button")).to_be_enabled()
    for _ in range(4):
        live.open(f"/point?scan={RUNNING_SCAN}&point=theta30_phi270")
        live.page.get_by_role("button", name="Show", exact=True).click()
        shown = live.page.locator(".pmt-heading", has_text="take 1, revision 1 of 2 results")
        expect(shown).to_be_visible()
        expect(live.page.get_by_role("textbox", name="Your name")).to_have_value("night shift")


def test_a_command_is_answered_at_once_with_its_waiting(live: Watched, seeded: Seeded) -> None:
    live.open("/?sn1=KQ0777")
    sign(live, "night shift")
    live.page.locator(".st-key-start-scan1 button").click()
    expect(live.page.get_by_text("Start scan KQ0777").first).to_be_visible()
    live.page.locator(".st-key-start-scan1 button").click()
    live.page.wait_for_timeout(1500)
    with open_store(seeded) as store:
        asked = [c for c in queries.commands(store, "demo") if "KQ0777" in c.arguments]
    assert [command.operator for command in asked] == ["night shift"]


def test_a_new_result_comes_to_the_page_by_itself(live: Watched, seeded: Seeded) -> None:
    live.open()
    waits = []
    with open_store(seeded) as store:
        plan = plan_of(store, RUNNING_SCAN)
        for point in plan.points[-3:]:
            expect(live.tile(1, point.name)).to_have_attribute("data-face", "waiting")
            now = datetime.now(UTC)
            result = make_result(plan, Take(point=point), now, fate=Fate.CHECK, seed=3)
            store_point(store, seeded.config, plan, result, now)
            began = time.monotonic()
            expect(live.tile(1, point.name)).to_have_attribute("data-face", "check")
            waits.append(time.monotonic() - began)
    print("from the store to the page:", ", ".join(f"{wait:.2f} s" for wait in waits))


def test_a_silent_executor_is_said_and_its_running_points_are_hatched(
    live: Watched, seeded: Seeded
) -> None:
    live.open()
    with open_store(seeded) as store:
        beat(store, datetime.now(UTC))
    expect(live.page.get_by_text("executor running").first).to_be_visible()
    expect(live.page.get_by_text("executor silent").first).to_be_visible(timeout=PAGE_TIMEOUT_MS)
    expect(live.page.locator("html")).to_have_css("--pmt-live-stale", "1")


def test_a_frozen_server_leaves_no_tile_standing_as_fresh(live: Watched) -> None:
    live.open()
    banner = live.page.get_by_text("No contact since")
    stale = live.page.locator(".st-key-map1 .stale")
    expect(banner).to_have_count(0)
    expect(stale).to_have_css("opacity", "0")
    with live.server.frozen():
        expect(banner).to_be_visible()
        expect(stale).not_to_have_css("opacity", "0")
        assert float(stale.evaluate("element => getComputedStyle(element).opacity")) > 0.5
    expect(banner).to_have_count(0)
    expect(stale).to_have_css("opacity", "0")


@pytest.mark.parametrize(("width", "height", "scheme"), SCREENS)
def test_no_page_is_ever_wider_than_the_screen(
    browser: Browser, server: PageServer, width: int, height: int, scheme: str
) -> None:
    size = {"width": width, "height": height}
    with watch_page(browser, server, viewport=size, color_scheme=scheme) as live:
        watch_overhang(live.page)
        for path in ("/", "/?kind1=HV", "/point", "/hv", "/log", "/wall"):
            live.open(path, ".pmt-table" if path == "/log" else ".map")
            live.settle()
            assert overhangs(live.page) == set(), path


def test_both_pmts_are_on_one_screen(live: Watched) -> None:
    live.open()
    live.settle()
    for slot in (1, 2):
        for part in (f".st-key-map{slot} .map", f".st-key-spectrum{slot} svg"):
            box = live.page.locator(part).bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 1080


def test_the_link_of_a_point_leads_to_everything_about_it(live: Watched) -> None:
    live.open("/?p1=theta10_phi90")
    live.page.get_by_text("All about this point").first.click()
    expect(live.page.get_by_text("Checks of the verdict")).to_be_visible()
    expect(live.page.get_by_text("θ 10°, φ 90°", exact=True).first).to_be_visible()
    expect(live.page.get_by_text("Raw files", exact=True)).to_be_visible()


def test_without_a_settings_file_the_page_says_what_to_do(browser: Browser) -> None:
    with run_server(None) as server, watch_page(browser, server) as live:
        live.open("/", "text=The monitor has no site to show")
        expect(live.page.get_by_text("PMT_MONITOR_SETTINGS").first).to_be_visible()


def test_hostile_text_in_the_store_stays_text(browser: Browser, tmp_path: Path) -> None:
    hostile = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    site = seed_site(tmp_path)
    with open_store(site) as store:
        plan = plan_of(store, RUNNING_SCAN)
        point = plan.points[-1]
        with store.writing() as writer:
            writer.add_failure(plan.scan_id, point, 1, 3, hostile, final=True)
            writer.set_scan_message(plan.scan_id, hostile)
            writer.add_decision(
                plan.scan_id,
                plan.points[0],
                1,
                DecisionKind.FLAGGED,
                reason=hostile,
                comment=hostile,
                operator=hostile,
            )
        store.enqueue("demo", StopScan(scan_id=plan.scan_id, reason=hostile), hostile, "hostile")
    addresses = ("/", f"/?p1={point.name}", f"/point?scan={plan.scan_id}&point=theta0_phi0", "/log")
    with run_server(site.config_path) as server, watch_page(browser, server) as live:
        for address in addresses:
            live.open(address, ".pmt-table" if address == "/log" else ".map")
            expect(live.page.get_by_text("<img src=x").first).to_be_visible()
            live.settle()
            assert live.page.evaluate("window.hacked === undefined")
            assert live.page.locator("img[src=x]").count() == 0
