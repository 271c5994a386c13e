"""What people decide on the pages, carried out by a real executor on real folders.

The jobs publish made-up results, so that a scan takes seconds; all else is real:
the pages, the executor's process, the store, and the folders of the server.
"""

import contextlib
import os
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from background_executor import instance, queries
from background_executor.commands import StartScan, StopScan
from background_executor.config import SiteConfig, load_config
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_records import DecisionKind
from background_executor.records import CommandState, ScanRecord, ScanState
from background_executor.store import Store
from dashboard.views.wording import TIMES
from server_side.layout import ScanLayout
from server_side.scan import ScanKind, ScanPlan, Slot
from tests.background_executor.bench import make_site_folder
from tests.background_executor.fake_job import BEHAVIOUR_FILE, Behaviour
from tests.browser.conftest import PageServer, Watched, run_server, watch_page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

POINTS = ("theta0_phi0", "theta10_phi0", "theta10_phi90")
BAD_POINT = "theta10_phi90"
PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Shift:
    """A site with a running executor and its pages."""

    config: SiteConfig
    store: Store
    server: PageServer

    def measure(self, serial_number: str, slot: Slot = Slot.ONE) -> ScanRecord:
        """Run a scan to its end; none of its points is healthy."""
        command = StartScan(serial_number=serial_number, slot=slot)
        self.store.enqueue(self.config.site.name, command, "day shift", f"begin {serial_number}")
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < deadline:
            scan = self.current(serial_number)
            if scan is not None and scan.state is ScanState.COMPLETE:
                return scan
            time.sleep(0.1)
        pytest.fail(f"the scan of {serial_number} did not end: {scan}")

    def stop(self, scan: ScanRecord) -> None:
        """Free the scan's place for the next test."""
        command = StopScan(scan_id=scan.scan_id, reason="seen enough")
        self.store.enqueue(self.config.site.name, command, "day shift", f"stop {scan.scan_id}")

    def current(self, serial_number: str) -> ScanRecord | None:
        site = self.config.site.name
        return queries.current_scan(
            self.store, site, ScanKind.POSITION, serial_number=serial_number
        )

    def layout(self, scan: ScanRecord) -> ScanLayout:
        assert isinstance(scan.plan, ScanPlan)
        return ScanLayout(self.config.site.base_folder, scan.plan)

    def takes(self, scan: ScanRecord) -> set[str]:
        """Names of the take folders where results lie."""
        return {path.name for path in Path(self.layout(scan).results_folder).glob("data_*")}

    def flagged(self, scan: ScanRecord) -> set[str]:
        """Names of the take folders that were moved out of use."""
        folder = Path(self.layout(scan).flagged_folder(self.config.site.flag_folder))
        return {path.name for path in folder.glob("data_*")}


@pytest.fixture(scope="module")
def shift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shift]:
    folder = tmp_path_factory.mktemp("shift")
    settings = make_site_folder(folder, POINTS)
    behaviour = Behaviour(fail=(BAD_POINT,))
    (folder / "raw" / BEHAVIOUR_FILE).write_text(dumps(asdict(behaviour)))
    config = load_config(settings)
    instance.start_detached(settings)
    try:
        with contextlib.closing(config.open_store()) as store, run_server(settings) as server:
            yield Shift(config, store, server)
    finally:
        instance.stop(config)


@pytest.fixture
def live(browser: Browser, shift: Shift) -> Iterator[Watched]:
    with watch_page(browser, shift.server) as watched:
        yield watched


def sign(live: Watched, name: str) -> None:
    field = live.page.get_by_role("textbox", name="Your name")
    field.fill(name)
    field.press("Enter")


def button(live: Watched, key: str) -> Locator:
    return live.page.locator(f".st-key-{key} button")


def press(live: Watched, key: str) -> None:
    # While a page is drawn anew, the button of before stands beside the new one.
    expect(button(live, key)).to_have_count(1, timeout=PATIENCE_MS)
    expect(button(live, key)).to_be_enabled(timeout=PATIENCE_MS)
    button(live, key).click()


def expect_face(live: Watched, slot: int, point: str, face: str) -> None:
    expect(live.tile(slot, point)).to_have_attribute("data-face", face, timeout=PATIENCE_MS)


def expect_answer(live: Watched, act: str) -> None:
    """See that the newest command is this one, and answered."""
    newest = live.page.locator(".st-key-answers .answer").first
    expect(newest).to_contain_text(re.compile(f"done.*{act}.* — "), timeout=PATIENCE_MS)


def test_takes_are_flagged_together_and_undone_by_one_click(live: Watched, shift: Shift) -> None:
    scan = shift.measure("KQ0201")
    live.open("/", ".st-key-map1 .map")
    sign(live, "night shift")
    live.tile(1, "theta0_phi0").click(modifiers=["Shift"])
    live.tile(1, "theta10_phi0").focus()
    live.page.keyboard.press("Shift+Enter")
    press(live, "flag-map1")
    drawer = live.page.get_by_role("dialog")
    expect(drawer.get_by_text("data_theta0_phi0, data_theta10_phi0")).to_be_visible()
    expect(drawer.get_by_text("FLAG", exact=False).first).to_be_visible()
    expect(drawer.get_by_text("Proposed by the findings: fit failed")).to_be_visible()
    chosen = drawer.locator("button[data-selected]")
    expect(chosen).to_have_text("fit failed")
    expect(chosen).to_have_css("background-color", "rgb(204, 121, 167)")
    drawer.get_by_text("light leak", exact=True).click()
    press(live, "decide-sure")
    for point in ("theta0_phi0", "theta10_phi0"):
        expect_face(live, 1, point, "flagged")
    assert shift.flagged(scan) == {"data_theta0_phi0", "data_theta10_phi0"}
    assert not shift.takes(scan) & shift.flagged(scan)
    expect_answer(live, "Flag")
    press(live, "undo-0")
    for point in ("theta0_phi0", "theta10_phi0"):
        expect_face(live, 1, point, "fit_failed")
    assert shift.flagged(scan) == set()
    assert {"data_theta0_phi0", "data_theta10_phi0"} <= shift.takes(scan)
    decided = [
        (past.decision, past.operator, past.reason)
        for past in decision_queries.decisions_of_point(
            shift.store, scan.scan_id, scan.plan.points[0]
        )
    ]
    assert (DecisionKind.FLAGGED, "night shift", "light leak") in decided
    assert decided[0][0] is None


def test_a_defect_that_is_none_of_the_list_needs_a_comment(live: Watched, shift: Shift) -> None:
    scan = shift.measure("KQ0202")
    live.open("/?p1=theta0_phi0", ".st-key-map1 .map")
    sign(live, "night shift")
    press(live, "flag-map1")
    drawer = live.page.get_by_role("dialog")
    comment = drawer.get_by_label(re.compile("Comment"))
    # The findings, with which it begins, are no words of the operator's own.
    expect(comment).to_have_value(re.compile("two_gaussian"))
    drawer.get_by_text("other", exact=True).click()
    press(live, "decide-sure")
    expect(drawer.get_by_text("Say in the comment what is wrong")).to_be_visible()
    assert shift.flagged(scan) == set()


def test_a_retake_brings_the_next_take_and_leaves_the_first_where_it_is(
    live: Watched, shift: Shift
) -> None:
    scan = shift.measure("KQ0203")
    live.open("/?p1=theta0_phi0", ".st-key-map1 .map")
    sign(live, "night shift")
    press(live, "retake-map1")
    press(live, "decide-sure")
    tile = live.tile(1, "theta0_phi0")
    expect(tile).to_have_attribute("aria-label", re.compile("take 2 of 2"), timeout=PATIENCE_MS)
    expect(tile.locator(".takes")).to_have_text(f"{TIMES}2")
    assert {"data_theta0_phi0", "data_theta0_phi0_take2"} <= shift.takes(scan)
    expect_answer(live, "Retake")
    shift.stop(scan)


def test_an_unsettled_scan_is_not_archived_until_it_is_settled_and_comes_back(
    live: Watched, shift: Shift
) -> None:
    scan = shift.measure("KQ0204")
    folder = Path(shift.layout(scan).scan_folder)
    live.open("/", ".st-key-map1 .map")
    sign(live, "night shift")
    press(live, "archive1")
    drawer = live.page.get_by_role("dialog")
    expect(drawer.get_by_text("3 points are not settled")).to_be_visible()
    press(live, "archive-sure")
    expect(drawer.get_by_text(re.compile("not settled: theta"))).to_be_visible()
    assert folder.is_dir()
    settle(live, "accept", "known dark corner")
    expect_face(live, 1, "theta0_phi0", "accepted")
    press(live, "archive1")
    settle(live, "acknowledge", "the trigger was off")
    expect_face(live, 1, BAD_POINT, "acknowledged")
    press(live, "archive1")
    expect(drawer.get_by_text("not settled")).to_have_count(0)
    press(live, "archive-sure")
    archived = Path(shift.config.site.base_folder / shift.config.site.archive_folder) / folder.name
    expect(live.page.get_by_text(re.compile("rchived")).first).to_be_visible(timeout=PATIENCE_MS)
    assert archived.is_dir()
    assert not folder.exists()
    live.open(f"/scans?scan={scan.scan_id}", ".pmt-table")
    moves = decision_queries.moves_of_scan(shift.store, scan.scan_id)
    assert Path(moves[0].receipt).is_file()
    for move in moves:
        expect(live.page.get_by_text(move.receipt, exact=True)).to_be_visible()
    press(live, "restore")
    press(live, "restore-sure")
    expect(button(live, "archive")).to_be_visible(timeout=PATIENCE_MS)
    assert folder.is_dir()
    assert not archived.exists()


def settle(live: Watched, act: str, reason: str) -> None:
    press(live, f"settle-{act}")
    # The drawer of before has a reason, too.
    expect(button(live, "decide-sure")).to_be_visible()
    give_reason(live, reason)


def decide(live: Watched, act: str, reason: str) -> None:
    press(live, act)
    give_reason(live, reason)


def give_reason(live: Watched, reason: str) -> None:
    field = live.page.get_by_role("dialog").get_by_label("Reason")
    field.fill(reason)
    field.press("Enter")
    press(live, "decide-sure")
    expect(live.page.get_by_role("dialog")).to_have_count(0)


def test_the_next_scan_waits_for_a_word_about_the_previous_one(live: Watched, shift: Shift) -> None:
    scan = shift.measure("KQ0205", Slot.TWO)
    live.open("/?sn2=KQ0205", ".st-key-map2 .map")
    sign(live, "night shift")
    press(live, "start-scan2")
    drawer = live.page.get_by_role("dialog")
    expect(drawer.get_by_text("is not settled")).to_be_visible()
    drawer.get_by_text("Keep it aside").click()
    press(live, "start-sure")
    expect(drawer.get_by_text("Give a reason")).to_be_visible()
    field = drawer.get_by_label("Reason")
    field.fill("to be looked at by day")
    field.press("Enter")
    press(live, "start-sure")
    expect(drawer).to_have_count(0)
    expect(live.page.get_by_text(re.compile("begins with 3 points")).first).to_be_visible(
        timeout=PATIENCE_MS
    )
    previous = queries.scan(shift.store, scan.scan_id)
    assert previous is not None
    assert previous.is_kept_aside
    assert Path(shift.layout(scan).scan_folder).is_dir()


def test_two_browsers_see_each_others_acts_and_the_later_one_is_told(
    browser: Browser, shift: Shift
) -> None:
    scan = shift.measure("KQ0206")
    with watch_page(browser, shift.server) as one, watch_page(browser, shift.server) as other:
        for live, name in ((one, "night shift"), (other, "day shift")):
            live.open("/?p1=theta0_phi0", ".st-key-map1 .map")
            sign(live, name)
            press(live, "flag-map1")
            live.page.get_by_role("dialog").get_by_text("timing", exact=True).click()
        press(one, "decide-sure")
        expect_face(other, 1, "theta0_phi0", "flagged")
        other.page.get_by_role("dialog").get_by_text("noise", exact=True).click()
        press(other, "decide-sure")
        expect(other.page.get_by_text("refused").first).to_be_visible(timeout=PATIENCE_MS)
        expect(one.page.get_by_text("refused").first).to_be_visible(timeout=PATIENCE_MS)
    newest = queries.commands(shift.store, shift.config.site.name, limit=1)[0]
    assert (newest.operator, newest.state) == ("day shift", CommandState.REFUSED)
    decisions = decision_queries.decisions_of_point(shift.store, scan.scan_id, scan.plan.points[0])
    assert [past.operator for past in decisions] == ["night shift"]


NOTE_WHEN_SEEN = """(map, [point, face]) => {
  map.noter?.disconnect()
  map.dataset.seenAt = ""
  const look = () => {
    const tile = map.querySelector(`[data-point="${point}"]`)
    if (tile?.dataset.face === face && !map.dataset.seenAt) map.dataset.seenAt = Date.now()
  }
  map.noter = new MutationObserver(look)
  map.noter.observe(map, { subtree: true, childList: true, attributes: true })
}"""
SEEN_WITHIN_S = 2.0
"""On a machine that has a processor for everything that wants to run."""


def wanted_processors() -> float:
    """Return how many want to run for each processor, at least one."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_another_browser_sees_an_act_within_two_seconds_of_its_coming_into_force(
    browser: Browser, shift: Shift
) -> None:
    scan = shift.measure("KQ0210")
    busy = wanted_processors()
    with watch_page(browser, shift.server) as one, watch_page(browser, shift.server) as other:
        for live in (one, other):
            live.open("/?p1=theta0_phi0", ".st-key-map1 .map")
        sign(one, "night shift")
        taken_s = [
            seen_after_s((one, other), shift, scan, "flag", "flagged"),
            seen_after_s((one, other), shift, scan, "unflag", "fit_failed"),
            seen_after_s((one, other), shift, scan, "flag", "flagged"),
        ]
    busy = max(busy, wanted_processors())
    assert min(taken_s) > 0, taken_s
    assert statistics.median(taken_s) < SEEN_WITHIN_S * busy, taken_s


def seen_after_s(
    browsers: tuple[Watched, Watched], shift: Shift, scan: ScanRecord, act: str, face: str
) -> float:
    """Return how long after an act of one browser came into force the other shows it, in s."""
    one, other = browsers
    shown = other.page.locator(".st-key-map1 .photocathode")
    shown.evaluate(NOTE_WHEN_SEEN, ["theta0_phi0", face])
    press(one, f"{act}-map1")
    press(one, "decide-sure")
    expect_face(other, 1, "theta0_phi0", face)
    expect_face(one, 1, "theta0_phi0", face)
    expect(one.page.get_by_role("dialog")).to_have_count(0)
    seen_at_ms = float(shown.get_attribute("data-seen-at") or "nan")
    point = scan.plan.points[0]
    (decided, *_) = decision_queries.decisions_of_point(shift.store, scan.scan_id, point)
    return seen_at_ms / 1000 - decided.decided_at.timestamp()


def test_every_take_of_a_point_is_reached_and_a_good_one_stands_for_a_flagged_one(
    live: Watched, shift: Shift
) -> None:
    scan = shift.measure("KQ0208")
    live.open("/?p1=theta0_phi0", ".st-key-map1 .map")
    sign(live, "night shift")
    decide(live, "accept-map1", "known dark corner")
    expect_face(live, 1, "theta0_phi0", "accepted")
    press(live, "retake-map1")
    press(live, "decide-sure")
    tile = live.tile(1, "theta0_phi0")
    expect(tile).to_have_attribute("aria-label", re.compile("take 2 of 2"), timeout=PATIENCE_MS)
    expect_face(live, 1, "theta0_phi0", "fit_failed")
    press(live, "flag-map1")
    live.page.get_by_role("dialog").get_by_text("noise", exact=True).click()
    press(live, "decide-sure")
    expect_face(live, 1, "theta0_phi0", "accepted")
    expect(tile).to_have_attribute("aria-label", re.compile("take 1 of 2, take 2 is flagged"))
    assert shift.flagged(scan) == {"data_theta0_phi0_take2"}
    live.open(f"/point?scan={scan.scan_id}&point=theta0_phi0", ".map")
    live.page.get_by_role("button", name="Show", exact=True).click()
    press(live, "unflag-point")
    press(live, "decide-sure")
    expect(button(live, "flag-point")).to_be_visible(timeout=PATIENCE_MS)
    assert shift.flagged(scan) == set()
    shift.stop(scan)


def test_a_scan_that_changes_behind_an_open_drawer_is_not_archived(
    browser: Browser, shift: Shift
) -> None:
    scan = shift.measure("KQ0209")
    with watch_page(browser, shift.server) as one, watch_page(browser, shift.server) as other:
        for live, name in ((one, "night shift"), (other, "day shift")):
            live.open("/?p1=theta0_phi0", ".st-key-map1 .map")
            sign(live, name)
        press(one, "archive1")
        drawer = one.page.get_by_role("dialog")
        drawer.get_by_text("Archive it although these points are not settled").click()
        field = drawer.get_by_label("Reason")
        field.fill("the shift ends")
        field.press("Enter")
        decide(other, "accept-map1", "known dark corner")
        expect_face(one, 1, "theta0_phi0", "accepted")
        press(one, "archive-sure")
        words = re.compile("has just changed: somebody has decided about one of its takes")
        expect(one.page.get_by_text(words).first).to_be_visible(timeout=PATIENCE_MS)
    assert Path(shift.layout(scan).scan_folder).is_dir()


HOSTILE = (
    "<img src=x onerror='window.hacked=1'> **bold** :red[x] $x$ '; DROP TABLE takes; -- "
    "$(reboot) ../../etc \u202egnihtyna\u202c \u05d0\u05d1\u05d2 "
)


def test_hostile_comments_are_shown_as_text_everywhere(live: Watched, shift: Shift) -> None:
    scan = shift.measure("KQ0207")
    comment = HOSTILE + "x" * (10_000 - len(HOSTILE))
    live.open("/?p1=theta0_phi0", ".st-key-map1 .map")
    sign(live, "<b>night</b>")
    press(live, "flag-map1")
    drawer = live.page.get_by_role("dialog")
    drawer.get_by_text("other", exact=True).click()
    field = drawer.get_by_label(re.compile("Comment"))
    field.fill(comment)
    press(live, "decide-sure")
    expect_face(live, 1, "theta0_phi0", "flagged")
    (kept,) = decision_queries.decisions_of_point(shift.store, scan.scan_id, scan.plan.points[0])
    assert kept.comment == comment.strip()
    for address in ("/?p1=theta0_phi0", f"/scans?scan={scan.scan_id}", "/log"):
        live.open(address, ".map" if "p1" in address else ".pmt-table")
        live.page.wait_for_timeout(1500)
        assert live.page.evaluate("window.hacked === undefined")
        assert live.page.locator("img[src=x]").count() == 0
        width = live.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 1920
    expect(live.page.get_by_text("<img src=x").first).to_be_visible()
