"""What is drawn: sectors in their places, and no text that becomes markup."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from background_executor import queries
from background_executor.judging.health import HealthSettings
from background_executor.store import Store
from dashboard.components.curve_svg import draw_curve
from dashboard.components.geometry import CENTRE, RIM, lay_out
from dashboard.components.markup import age_of, chip, facts, icon_css, paragraph
from dashboard.components.photocathode_svg import draw_photocathode
from dashboard.components.spectrum_svg import draw_spectrum
from dashboard.components.tables import table
from dashboard.components.tile_list import draw_tile_row
from dashboard.icons import Icon
from dashboard.theme import LOOKS, Face, Look
from dashboard.views.curve import show_curve
from dashboard.views.spectrum import fitted_spectrum
from dashboard.views.tiles import Moment, Tile, make_tile
from server_side.scan import VoltagePoint, position_points
from tests.dashboard.conftest import NOW, make_point
from tests.seed_store import HV_SCAN, POOR_HV_SCAN

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
SIZE = (440.0, 400.0)


def standard_tiles(label: str = "healthy") -> tuple[Tile, ...]:
    return tuple(
        Tile(point.name, point, Face.HEALTHY, "1.025", label, 1, Moment("measured", NOW))
        for point in position_points()
    )


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def test_the_standard_plan_is_a_disc_and_five_rings_of_four_sectors() -> None:
    sectors = lay_out(position_points())
    assert len(sectors) == 21
    centre = sectors[0]
    assert (centre.inner, centre.to_deg - centre.from_deg) == (0.0, 360.0)
    for sector in sectors[1:]:
        assert sector.to_deg - sector.from_deg == 90.0
    assert max(sector.outer for sector in sectors) == pytest.approx(RIM)


def test_phi_grows_counter_clockwise_from_the_right() -> None:
    places = {sector.point.name: sector.label_at for sector in lay_out(position_points())}
    right, top = places["theta50_phi0"], places["theta50_phi90"]
    left, bottom = places["theta50_phi180"], places["theta50_phi270"]
    assert right[0] > CENTRE > left[0]
    assert top[1] < CENTRE < bottom[1]


def test_sectors_do_not_overlap() -> None:
    sectors = lay_out(position_points())
    for theta in range(10, 60, 10):
        ring = [sector for sector in sectors if sector.point.theta_deg == theta]
        assert sum(sector.to_deg - sector.from_deg for sector in ring) == 360.0
        inside = [s for s in sectors if s.point.theta_deg == theta - 10]
        assert {sector.inner for sector in ring} == {sector.outer for sector in inside}


def test_every_sector_is_a_button_with_a_name_icon_and_gain() -> None:
    root = parse(draw_photocathode(standard_tiles(), "PMT 1"))
    buttons = [g for g in root.iter("g") if g.get("role") == "button"]
    assert len(buttons) == 21
    for button in buttons:
        assert button.get("tabindex") == "0"
        assert button.get("aria-label")
        assert [e for e in button.iter("path") if e.get("class") == "icon"]
        assert [e.text for e in button.iter("text")] == ["1.025"]


def test_a_tile_without_gain_shows_no_number() -> None:
    tiles = tuple(replace(tile, number="", face=Face.NO_LIGHT) for tile in standard_tiles())
    root = parse(draw_photocathode(tiles, "PMT 1"))
    assert not [e for g in root.iter("g") for e in g.iter("text")]


@pytest.mark.parametrize("face", list(Face))
def test_every_face_can_be_drawn(face: Face) -> None:
    tiles = tuple(replace(tile, face=face) for tile in standard_tiles())
    drawn = draw_photocathode(tiles, "PMT 1")
    parse(drawn)
    assert drawn.count(f'd="{LOOKS[face].icon.value}"') >= 21


def test_a_live_face_can_be_hatched_by_the_clock_and_a_stored_one_cannot() -> None:
    tiles = standard_tiles()
    tiles = (replace(tiles[0], face=Face.ACQUIRING), *tiles[1:])
    drawn = draw_photocathode(tiles, "PMT 1")
    assert drawn.count('class="live-stale"') == 1
    assert drawn.count('class="stale"') == 1


def test_user_text_stays_text_in_every_drawing(store: Store) -> None:
    told_of = Moment(HOSTILE, NOW)
    voltage = Tile("HV_1800", VoltagePoint(voltage_v=1800), Face.FAILED, "", HOSTILE, 1, told_of)
    curve = queries.hv_curve(store, HV_SCAN, HealthSettings())
    assert curve is not None
    view = show_curve(curve)
    spectrum = fitted_spectrum(first_result(store), None)
    assert spectrum is not None
    poisoned = replace(
        spectrum,
        curves=tuple(c.model_copy(update={"label": HOSTILE}) for c in spectrum.curves),
    )
    view = replace(view, points=tuple(replace(p, note=HOSTILE) for p in view.points))
    drawings = [
        draw_photocathode(standard_tiles(HOSTILE), HOSTILE),
        draw_tile_row((voltage,), HOSTILE),
        draw_spectrum(poisoned, HOSTILE, SIZE),
        draw_curve(view, HOSTILE, SIZE),
    ]
    for drawing in drawings:
        assert not [e for e in parse(drawing).iter() if e.tag in ("script", "img")]
        assert "<script" not in drawing
        assert "<img" not in drawing


def test_user_text_stays_text_in_every_piece_of_markup() -> None:
    look = Look(HOSTILE, Icon.FLAG, "#FFFFFF", "#000000")
    pieces = [
        chip(look, HOSTILE),
        facts([(HOSTILE, HOSTILE)]),
        paragraph(HOSTILE),
        age_of(NOW, HOSTILE),
        table([HOSTILE], [[HOSTILE, look]]),
    ]
    for piece in pieces:
        assert "<script" not in piece
        assert "<img" not in piece
        assert "&lt;script&gt;" in piece


def test_a_tile_made_from_a_hostile_error_keeps_it_as_text() -> None:
    tile = make_tile(replace(make_point(), error=HOSTILE), NOW)
    root = parse(draw_photocathode((tile,), "PMT 1"))
    button = next(g for g in root.iter("g") if g.get("role") == "button")
    assert HOSTILE in (button.get("aria-label") or "")


def test_an_age_does_not_change_its_markup_while_nothing_happens() -> None:
    assert age_of(NOW, "heartbeat ", 15) == age_of(NOW, "heartbeat ", 15)
    assert f'data-age-of="{NOW.timestamp():.3f}"' in age_of(NOW)
    assert "never" in age_of(None, "heartbeat ")


def test_icons_are_drawn_without_a_network() -> None:
    css = icon_css()
    assert css.count("data:image/svg+xml,") == 2 * len(Icon)
    assert not re.search(r"url\(\"(?!data:)", css)
    assert "<" not in css


def test_a_spectrum_is_drawn_with_error_bars_fit_components_and_pulls(store: Store) -> None:
    view = fitted_spectrum(first_result(store), None)
    assert view is not None
    drawn = parse(draw_spectrum(view, "spectrum", SIZE))
    classes = [element.get("class") for element in drawn.iter()]
    assert classes.count("counts") == 1
    assert classes.count("bars") == 1
    assert "fit" in classes
    assert classes.count("part") >= 2
    assert classes.count("pulls") == 1
    assert "peak" in classes
    assert "stamp" not in classes


def test_a_spectrum_without_a_valid_fit_says_so_and_has_no_pulls(store: Store) -> None:
    view = fitted_spectrum(first_result(store), None)
    assert view is not None
    without = replace(view, pulls=(), is_fit_valid=False, peak_pc=None)
    assert "NO VALID FIT" in draw_spectrum(without, "spectrum", SIZE)
    early = replace(without, curves=(), is_preliminary=True)
    assert "PRELIMINARY" in draw_spectrum(early, "spectrum", SIZE)


@pytest.mark.parametrize(("scan_id", "has_answer"), [(HV_SCAN, True), (POOR_HV_SCAN, False)])
def test_the_curve_marks_a_voltage_only_when_there_is_one(
    store: Store, scan_id: str, has_answer: bool
) -> None:
    record = queries.hv_curve(store, scan_id, HealthSettings())
    assert record is not None
    classes = [e.get("class") for e in parse(draw_curve(show_curve(record), "HV", SIZE)).iter()]
    assert ("answer" in classes) == has_answer
    assert "band" in classes


def first_result(store: Store):  # type: ignore[no-untyped-def]
    scan = queries.scan(store, HV_SCAN)
    assert scan is not None
    return queries.results_of_point(store, HV_SCAN, scan.plan.points[2])[0].result
