"""The pages as scripts: each runs over a filled and over an empty store."""

import ast
from pathlib import Path

import pytest

from tests.dashboard.conftest import ROOT, EmptySite, PageRunner, shown_texts
from tests.seed_store import RUNNING_SCAN, Seeded, seed_site

PAGES = ["live", "point", "hv", "scans", "log", "wall"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_a_filled_store(run_pages: PageRunner, seeded: Seeded, page: str) -> None:
    app = run_pages(seeded.config_path, f"app_pages/{page}.py")
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_an_empty_store(
    run_pages: PageRunner, empty_site: EmptySite, page: str
) -> None:
    app = run_pages(empty_site.config_path, f"app_pages/{page}.py")
    assert not app.exception
    assert not app.error


def test_without_settings_the_page_names_the_variable(run_pages: PageRunner) -> None:
    app = run_pages(None)
    assert not app.exception
    assert "PMT_MONITOR_SETTINGS" in app.code[0].value


def test_wrong_settings_are_answered_with_every_fault(
    run_pages: PageRunner, tmp_path: Path
) -> None:
    path = tmp_path / "site.toml"
    path.write_text('[site]\nname = "a b"\ntransport = "pigeon"\nscheduler = "process"\n')
    app = run_pages(path)
    assert not app.exception
    for key in ("site.name", "site.transport", "site.base_folder", "site.state_dir"):
        assert key in app.code[0].value


def test_the_address_chooses_the_point(run_pages: PageRunner, seeded: Seeded) -> None:
    app = run_pages(seeded.config_path, p1="theta20_phi180")
    assert "θ 20°, φ 180°" in shown_texts(app)


def test_the_controls_wait_for_the_operators_name(run_pages: PageRunner, seeded: Seeded) -> None:
    assert run_pages(seeded.config_path).button(key="start-scan1").disabled
    assert (
        not run_pages(seeded.config_path, operator="night shift").button(key="start-scan1").disabled
    )


def test_the_serial_number_is_that_of_the_scan_until_another_is_given(
    run_pages: PageRunner, seeded: Seeded
) -> None:
    assert run_pages(seeded.config_path).text_input(key="sn1").value == "KQ0146"
    assert run_pages(seeded.config_path, sn1="KQ7").text_input(key="sn1").value == "KQ7"


def test_a_hostile_address_shows_no_markup(run_pages: PageRunner, seeded: Seeded) -> None:
    bad = "<img src=x onerror=alert(1)>"
    app = run_pages(seeded.config_path, sn1=bad, p1=bad, scan=bad, operator=bad)
    assert not app.exception
    assert "<img" not in shown_texts(app)


def test_the_point_page_shows_checks_and_origin(run_pages: PageRunner, seeded: Seeded) -> None:
    app = run_pages(
        seeded.config_path, "app_pages/point.py", scan=RUNNING_SCAN, point="theta0_phi0"
    )
    texts = shown_texts(app)
    for wanted in ("Checks of the verdict", "gain_peak", "Raw files", "settings", "Takes"):
        assert wanted in texts


def test_a_damaged_picture_is_said_and_all_else_is_shown(
    run_pages: PageRunner, tmp_path: Path
) -> None:
    site = seed_site(tmp_path)
    for picture in site.config.results_folder.rglob("*.png"):
        picture.write_bytes(b"torn")
    app = run_pages(site.config_path, "app_pages/point.py", scan=RUNNING_SCAN, point="theta0_phi0")
    assert not app.exception
    assert "is damaged and cannot be shown" in shown_texts(app)
    assert "Checks of the verdict" in shown_texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_a_short_script_without_sql_and_arithmetic(page: str) -> None:
    text = (ROOT / "dashboard" / "app_pages" / f"{page}.py").read_text()
    assert text.count("\n") <= 60
    tree = ast.parse(text)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and is_sum(node)]
    assert "sqlalchemy" not in text


@pytest.mark.parametrize("page", PAGES)
def test_every_live_part_of_a_page_is_drawn_anew_each_second(page: str) -> None:
    text = (ROOT / "dashboard" / "app_pages" / f"{page}.py").read_text()
    turns = [
        ast.unparse(mark)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        for mark in node.decorator_list
    ]
    assert turns
    assert set(turns) == {"st.fragment(run_every=1)"}


def is_sum(node: ast.BinOp) -> bool:
    return not isinstance(node.op, ast.BitOr)


def test_the_pages_start_without_the_extra_packages() -> None:
    for path in (ROOT / "dashboard").rglob("*.py"):
        assert "streamlit_autorefresh" not in path.read_text()
        assert "streamlit_extras" not in path.read_text()


READS_MARKDOWN = {"write", "markdown", "error", "warning", "info", "success", "caption", "toast"}


@pytest.mark.parametrize("path", sorted((ROOT / "dashboard").rglob("*.py")), ids=lambda p: p.name)
def test_text_of_people_is_made_plain_where_markdown_is_read(path: Path) -> None:
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    for call in calls:
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in READS_MARKDOWN:
            continue
        for part in (part for text in call.args[:1] for part in ast.walk(text)):
            if isinstance(part, ast.FormattedValue):
                assert isinstance(part.value, ast.Call), ast.unparse(call)
                assert ast.unparse(part.value.func) == "plain", ast.unparse(call)
