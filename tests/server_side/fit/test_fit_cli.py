import json
from pathlib import Path

import pytest

from server_side.errors import InputFileError
from server_side.fit_cli import fit_file_json, hv_curve_file_json

REAL = Path(__file__).parents[2] / "data" / "spectra.json"


def written(folder: Path, text: str) -> Path:
    path = folder / "input.txt"
    path.write_text(text)
    return path


def test_several_spectra_give_a_list_in_their_order() -> None:
    reports = json.loads(fit_file_json(REAL, "two_gaussian"))
    published = [entry["published_gain"] for entry in json.loads(REAL.read_text())["spectra"]]
    assert len(reports) == len(published) == 10
    for report, gain in zip(reports, published, strict=True):
        assert report["valid"] is True
        assert report["model"] == "two_gaussian"
        assert report["gain_peak"] == pytest.approx(gain, rel=3e-3)
        assert report["gain_mean"] is None
        assert report["chi2"] > 0
        assert report["ndf"] == 45


def test_one_spectrum_gives_an_object_and_no_gain_without_a_valid_fit(tmp_path: Path) -> None:
    text = json.dumps({"charge_edges_pC": [0.5, 1, 1.5, 2], "counts": [900, 900, 900], "note": 1})
    report = json.loads(fit_file_json(written(tmp_path, text), "two_gaussian"))
    assert report["valid"] is False
    assert report["gain_peak"] is report["gain_peak_err"] is report["gain_mean"] is None
    assert "no peak" in report["message"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[", "no JSON"),
        ("[1]", "found a list"),
        ("{}", "charge_edges_pC: Field required"),
        ('{"spectra": []}', "spectra: "),
        ('{"spectra": [{"charge_edges_pC": [1, 2]}]}', "spectra[1].counts: "),
        ('{"charge_edges_pC": [1, 2], "counts": [1, 2]}', "2 edges do not hold 2 bins"),
        ('{"charge_edges_pC": [2, 1], "counts": [1]}', "edges must rise"),
        ('{"charge_edges_pC": [1, NaN], "counts": [1]}', "charge_edges_pC[2]: "),
        ('{"charge_edges_pC": [1, 2], "counts": [1.5]}', "counts[1]: "),
        ("[" * 100000, "no JSON"),
    ],
)
def test_a_bad_spectrum_file_is_named_with_its_key(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputFileError) as caught:
        fit_file_json(path, "two_gaussian")
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)


def test_moments_compare_with_the_dark_counts_of_the_file(tmp_path: Path) -> None:
    dark = [0, 4000, 12000, 4000, 0, 0, 0, 0, 0, 0]
    light = [0, 3000, 9000, 3100, 300, 600, 1500, 1900, 500, 100]
    edges = [round(-0.6 + 0.4 * k, 1) for k in range(11)]
    text = json.dumps({"charge_edges_pC": edges, "counts": light, "dark_counts": dark})
    report = json.loads(fit_file_json(written(tmp_path, text), "moments"))
    assert report["valid"] is True
    assert report["gain_peak"] is report["chi2"] is report["p_value"] is None
    assert report["gain_mean"] > 0
    occupancy = next(entry for entry in report["derived"] if entry["name"] == "occupancy")
    assert occupancy["value"] == pytest.approx(0.2877, abs=0.001)


def test_a_model_of_another_spectrum_says_which_it_describes() -> None:
    for name in ("poisson_gauss", "moments"):
        for report in json.loads(fit_file_json(REAL, name)):
            assert report["valid"] is False
            assert report["gain_mean"] is None
            assert "describes the window spectrum" in report["message"]


def test_an_unknown_model_is_an_error_of_the_input(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no model 'nope'"):
        fit_file_json(REAL, "nope")


GOOD = "hv_V,gain,gain_err\n1750,8.2e6,2e4\n1800,1e7,2.5e4\n1850,1.211e7,3e4\n"


def test_an_hv_file_gives_the_voltage(tmp_path: Path) -> None:
    report = json.loads(hv_curve_file_json(written(tmp_path, GOOD)))
    assert set(report) >= {
        "index", "index_err", "hv_at_target", "hv_at_target_err", "chi2", "ndf", "valid", "message",
    }  # fmt: skip
    assert report["valid"] is True
    assert report["hv_at_target"] == pytest.approx(1800, abs=2)


def test_spaces_a_byte_order_mark_and_other_columns_do_no_harm(tmp_path: Path) -> None:
    text = "\ufeffpoint, gain, hv_V, gain_err\r\n" + "".join(
        f"{k}, {g}, {v}, 2e4\r\n"
        for k, (v, g) in enumerate([(1750, 8.2e6), (1800, 1e7), (1850, 1.211e7)])
    )
    assert json.loads(hv_curve_file_json(written(tmp_path, text)))["valid"] is True


def test_a_point_without_a_gain_is_a_reason_not_an_error(tmp_path: Path) -> None:
    report = json.loads(hv_curve_file_json(written(tmp_path, GOOD + "1900,,\n")))
    assert report["valid"] is False
    assert report["hv_at_target"] is None
    assert "1900 V" in report["message"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1"),
        ("volt,gain\n1,2\n", "line 1: expected the columns hv_V,gain,gain_err, found volt,gain"),
        ("hv_V,gain,gain_err\n1700,1e7,1e5\n1750,abc,1e5\n", "line 3, column gain"),
    ],
)
def test_a_bad_hv_file_is_named_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputFileError) as caught:
        hv_curve_file_json(path)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)
