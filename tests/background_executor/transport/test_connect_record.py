"""The pace of connects holds across processes and restarts."""

from pathlib import Path

from background_executor.ssh.connect_record import ConnectRecord


def test_a_connect_of_another_process_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "state" / "last-connect"
    now_s = [0.0]
    mine = ConnectRecord(path, 15.0, lambda: now_s[0])
    assert mine.wait_s() == 0
    ConnectRecord(path, 15.0).note()
    began_s = path.stat().st_mtime
    waits = []
    for now_s[0] in (began_s, began_s + 10, began_s + 15, began_s + 3600):
        waits.append(round(mine.wait_s(), 3))
    assert waits == [15, 5, 0, 0]


def test_a_clock_that_was_set_back_does_not_lock_a_site_out(tmp_path: Path) -> None:
    path = tmp_path / "last-connect"
    ConnectRecord(path, 15.0).note()
    before_s = path.stat().st_mtime - 3600
    assert ConnectRecord(path, 15.0, lambda: before_s).wait_s() == 0


def test_a_state_folder_that_cannot_be_written_costs_the_note_and_no_connection(
    tmp_path: Path,
) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    record = ConnectRecord(tmp_path / "state" / "last-connect", 15.0)
    record.note()
    assert record.wait_s() == 0
