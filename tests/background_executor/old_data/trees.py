"""Make result trees of the old system, and look whether one was touched."""

import hashlib
from pathlib import Path

from tests.seed_store import plain_png


def put(folder: Path, stem: str, gain: str | None = "1.033e+07", *, plot: bool = True) -> None:
    """Write the two files of a date of a point; each plot has other bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    if plot:
        width = 8 + int(hashlib.sha256(stem.encode()).hexdigest()[:2], 16)
        (folder / f"{stem}_charge.png").write_bytes(plain_png(width, 8))
    if gain is not None:
        (folder / f"{stem}_GAIN.txt").write_text(gain)


def put_point(parent: Path, serial: str, point: str, stamp: str, gain: str = "1.033e+07") -> None:
    """Write a date of a position."""
    put(parent / serial / f"data_{point}", f"live_data_{stamp}_{serial}_{point}", gain)


def put_hv(parent: Path, serial: str, volts: int, stamp: str, gain: str) -> None:
    """Write a date of a voltage, with the newer of the two names."""
    stem = f"hv_check_{stamp}_{serial}_HV_{volts}"
    put(parent / serial / f"data_HV_{volts}", stem, gain)


def make_old_tree(root: Path) -> Path:
    """Write every layout of the old system, once each."""
    synced = root / "synced_data"
    for stamp, gain in (("20260223_093919", "1.01e+07"), ("20260127_173532", "9.9e+06\n")):
        put_point(synced, "KQ0146", "theta10_phi90", stamp, gain)
    put_point(synced / "20260220", "KQ0146", "theta0_phi0", "20260220_144107")
    put_point(synced / "20260220", "KQ0146", "theta10_phi90", "20260220_144123", "0.000e+00")
    stem = "live_data_20260202_145446_KQ0151_theta20_phi0"
    put(synced / "data_theta20_phi0", stem, plot=False)
    hv = synced / "HV_output_20260216_140000"
    put(hv / "KQ0146" / "data_HV_1900", "hv_1900_check_20260216_140100", "7.1e+06\n0.1e+06")
    put_hv(hv, "KQ0146", 1950, "20260216_140200", "0.850e+07\n0.020e+07")
    put_hv(hv, "KQ0146", 2000, "20260216_140300", "1.01e+07\n0.020e+07")
    (hv / "KQ0146" / "KQ0146_HV_at_gain_1.00e+07.txt").write_text("2002.3")
    (hv / "KQ0146" / "KQ0146_gain_vs_hv_loglog.png").write_bytes(plain_png())
    put_hv(synced / "testHV_output_20260218", "KQ0151", 2050, "20260218_132940", "1.1e+07")
    server = root / "server"
    put_point(server / "scan_output_20260301_100000", "KQ0146", "theta0_phi0", "20260301_100500")
    archived = server / "archive" / "scan_output_20260302_100000"
    put_point(archived, "KQ0151", "theta0_phi0", "20260302_100500")
    flagged = server / "FLAG" / "scan_output_20260301_100000"
    put_point(flagged, "KQ0146", "theta30_phi180", "20260301_101500", "8.1e+06")
    return root


def fingerprint(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Return what a tree is: every name with mode, size, modification time and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        state = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        name = str(path.relative_to(root))
        found[name] = (state.st_mode, state.st_size, state.st_mtime_ns, content)
    return found
