"""Two deployments at once, and what one that was cut off leaves: on this machine's own disk.

A script stands in for the interpreter: it makes a folder like a virtual
environment in which pip waits for a word, and fails where none may come.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from background_executor.config import SiteSection
from background_executor.errors import RemoteFileError
from background_executor.new_site.deploy import Deployment, deploy, software_folder
from background_executor.new_site.deployed import version_here
from background_executor.transport import LocalTransport

BASE_PYTHON = """\
#!/bin/bash
folder="${@: -1}"
mkdir -p "$folder/bin" "$folder/site"
cat >"$folder/bin/python" <<'PYTHON'
#!/bin/bash
folder=$(dirname "$(dirname "$0")")
case "$*" in
*purelib*) echo "$folder/site" ;;
*"-m pip"*)
    touch BEGUN
    until [ -e GO ]; do sleep 0.05; done
    [ RESULT = works ] || { echo "pip: the network is down" >&2; exit 1; }
    touch "$folder/site/all-packages" ;;
esac
PYTHON
chmod +x "$folder/bin/python"
"""


class Installer:
    """A stand-in for an interpreter whose pip waits until it may go on."""

    def __init__(self, folder: Path, *, works: bool) -> None:
        folder.mkdir()
        self.python = folder / "python"
        self._go, self._begun = folder / "go", folder / "begun"
        text = BASE_PYTHON.replace("GO", str(self._go)).replace("BEGUN", str(self._begun))
        self.python.write_text(text.replace("RESULT", "works" if works else "fails"))
        self.python.chmod(0o755)

    def let_go(self) -> None:
        """Let pip come to its end."""
        self._go.touch()

    def wait_until_it_works(self) -> None:
        """Wait until pip has begun."""
        give_up = time.monotonic() + 60
        while not self._begun.exists():
            assert time.monotonic() < give_up
            time.sleep(0.02)


@pytest.fixture
def site(tmp_path: Path) -> SiteSection:
    return SiteSection.model_validate(
        {
            "name": "here",
            "transport": "local",
            "scheduler": "process",
            "base_folder": str(tmp_path / "base $HOME"),
            "raw_base": str(tmp_path),
            "state_dir": str(tmp_path),
        }
    )


def ship(
    site: SiteSection, installer: Installer, tell: Callable[[str], object] = print
) -> Deployment:
    return deploy(site, LocalTransport(), base_python=str(installer.python), tell=tell)


def has_all_packages(site: SiteSection) -> bool:
    return Path(software_folder(site), version_here().name, "venv/site/all-packages").exists()


def test_one_that_outlived_its_cut_does_not_make_another_ones_folder_whole(
    site: SiteSection, tmp_path: Path
) -> None:
    slow, broken = Installer(tmp_path / "1", works=True), Installer(tmp_path / "2", works=False)
    first = threading.Thread(target=ship, args=(site, slow))
    first.start()
    slow.wait_until_it_works()
    second = threading.Thread(target=pytest.raises, args=(RemoteFileError, ship, site, broken))
    second.start()
    broken.wait_until_it_works()
    slow.let_go()
    first.join()
    assert has_all_packages(site)
    broken.let_go()
    second.join()
    assert has_all_packages(site)
    assert ship(site, broken).was_there


def test_of_two_that_work_the_first_gives_the_version_and_the_other_leaves_nothing(
    site: SiteSection, tmp_path: Path
) -> None:
    installers = [Installer(tmp_path / name, works=True) for name in ("1", "2")]
    threads = [threading.Thread(target=ship, args=(site, each)) for each in installers]
    for thread, installer in zip(threads, installers, strict=True):
        thread.start()
        installer.wait_until_it_works()
    for thread, installer in zip(threads, installers, strict=True):
        installer.let_go()
        thread.join()
    assert has_all_packages(site)
    assert len(list(Path(software_folder(site), "builds").iterdir())) == 1


def test_what_was_left_is_told_with_its_place_and_what_is_used_is_not(
    site: SiteSection, tmp_path: Path
) -> None:
    installer, told = Installer(tmp_path / "1", works=True), list[str]()
    installer.let_go()
    left = Path(software_folder(site), "builds", "0.0.9-cut-off")
    left.mkdir(parents=True)
    ship(site, installer, told.append)
    assert [line for line in told if str(left) in line and "remove it" in line]
    assert [line for line in told if "ten minutes" in line]
    told.clear()
    left.rmdir()
    ship(site, installer, told.append)
    assert told == []


def test_a_folder_that_is_not_whole_is_moved_aside_and_told(
    site: SiteSection, tmp_path: Path
) -> None:
    installer, told = Installer(tmp_path / "1", works=True), list[str]()
    installer.let_go()
    Path(software_folder(site), version_here().name).mkdir(parents=True)
    assert not ship(site, installer).was_there
    assert has_all_packages(site)
    assert ship(site, installer, told.append).was_there
    assert ".unfinished-" in told[0]


def test_a_version_whose_folder_was_removed_by_hand_is_deployed_anew(
    site: SiteSection, tmp_path: Path
) -> None:
    installer = Installer(tmp_path / "1", works=True)
    installer.let_go()
    software = Path(software_folder(site))
    software.mkdir(parents=True)
    (software / version_here().name).symlink_to("builds/removed")
    assert not ship(site, installer).was_there
    assert has_all_packages(site)
