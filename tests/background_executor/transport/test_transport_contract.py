"""What every transport must do; runs against each one that conftest.py names."""

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from background_executor.errors import NoAnswerError, RemoteFileError, UntrustedFileError
from background_executor.transport import FilePart, Transport

NAME = PurePosixPath


def remote(path: Path) -> PurePosixPath:
    return PurePosixPath(path)


def test_a_command_gives_status_output_and_errors(transport: Transport) -> None:
    output = transport.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_s=20)
    assert (output.exit_status, output.stdout, output.stderr) == (3, "out\n", "err\n")


@pytest.mark.parametrize(
    "argument",
    ["two words", "$HOME", "`id`", "a'b\"c", "*", "-n", "; true", "a\nb", "", "ä", "!!", "\\n \\'"],
)
def test_an_argument_arrives_as_it_is(transport: Transport, argument: str) -> None:
    output = transport.run(["printf", "%s|", "x", argument, "y"], timeout_s=20)
    assert output.stdout == f"x|{argument}|y|"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_any_text_survives_as_an_argument(transport: Transport, argument: str) -> None:
    assert transport.run(["printf", "%s", argument], timeout_s=20).stdout == argument


def test_a_command_reads_what_it_is_given(transport: Transport) -> None:
    output = transport.run(["cat"], timeout_s=20, stdin=b"line\n")
    assert output.stdout == "line\n"


def test_a_command_without_input_finds_its_input_at_the_end(transport: Transport) -> None:
    assert transport.run(["cat"], timeout_s=20).stdout == ""


def test_a_missing_program_is_exit_status_127(transport: Transport) -> None:
    output = transport.run(["no-such-program-here"], timeout_s=20)
    assert output.exit_status == 127
    assert "no-such-program-here" in output.stderr


def test_a_command_that_does_not_end_gives_no_answer_in_time(transport: Transport) -> None:
    with pytest.raises(NoAnswerError, match="sleep"):
        transport.run(["sleep", "3600"], timeout_s=0.5)
    assert transport.run(["echo", "again"], timeout_s=20).stdout == "again\n"


def test_a_file_written_is_read_back_whole_and_in_parts(
    transport: Transport, server_folder: Path
) -> None:
    path = remote(server_folder / "new" / "deeper" / "file.json")
    transport.write(path, b"0123456789")
    assert transport.read(path) == b"0123456789"
    assert transport.read(path, offset=4, limit=3) == b"456"
    assert transport.read(path, offset=10) == b""
    assert transport.read(path, offset=1000) == b""


def test_writing_replaces_and_leaves_nothing_beside(
    transport: Transport, server_folder: Path
) -> None:
    path = server_folder / "file"
    transport.write(remote(path), b"old and longer")
    transport.write(remote(path), b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in server_folder.iterdir()] == ["file"]


def test_a_write_that_fails_keeps_the_old_file(transport: Transport, server_folder: Path) -> None:
    (server_folder / "file").write_bytes(b"in the way")
    with pytest.raises(RemoteFileError, match="file/below"):
        transport.write(remote(server_folder / "file" / "below"), b"x")
    (server_folder / "folder").mkdir()
    with pytest.raises(RemoteFileError):
        transport.write(remote(server_folder / "folder"), b"x")
    assert sorted(entry.name for entry in server_folder.iterdir()) == ["file", "folder"]


def test_reading_what_is_no_file_is_an_answer(transport: Transport, server_folder: Path) -> None:
    with pytest.raises(RemoteFileError, match="missing"):
        transport.read(remote(server_folder / "missing"))
    with pytest.raises(RemoteFileError):
        transport.read(remote(server_folder))


def test_existence_is_told_for_files_folders_and_dangling_links(
    transport: Transport, server_folder: Path
) -> None:
    (server_folder / "file").touch()
    (server_folder / "link").symlink_to("nowhere")
    assert transport.exists(remote(server_folder))
    assert transport.exists(remote(server_folder / "file"))
    assert transport.exists(remote(server_folder / "link"))
    assert not transport.exists(remote(server_folder / "missing"))
    assert not transport.exists(remote(server_folder / "file" / "below"))


def test_a_tree_is_listed_to_its_depth_sorted_and_without_links(
    transport: Transport, server_folder: Path
) -> None:
    (server_folder / "b" / "c" / "d").mkdir(parents=True)
    (server_folder / "b" / "c" / "deep").write_bytes(b"12345")
    (server_folder / "a name\nwith a break").write_bytes(b"1")
    (server_folder / "link").symlink_to(server_folder / "b")
    os.mkfifo(server_folder / "pipe")
    os.utime(server_folder / "a name\nwith a break", (1e9, 1e9 + 0.5))

    two = transport.list_tree(remote(server_folder), depth=2)

    assert [(str(e.path), e.is_folder, e.size_bytes) for e in two] == [
        ("a name\nwith a break", False, 1),
        ("b", True, 0),
        ("b/c", True, 0),
    ]
    assert two[0].modified_s == pytest.approx(1e9 + 0.5)
    three = transport.list_tree(remote(server_folder), depth=3)
    assert [str(e.path) for e in three][-2:] == ["b/c/d", "b/c/deep"]


def test_listing_a_missing_folder_is_an_answer_not_an_empty_list(
    transport: Transport, server_folder: Path
) -> None:
    with pytest.raises(RemoteFileError, match="missing"):
        transport.list_tree(remote(server_folder / "missing"), depth=1)


def test_a_folder_that_cannot_be_read_spoils_a_listing_and_is_named(
    folder_with_closed_one: Path, ordinary_transport: Transport
) -> None:
    server_folder = folder_with_closed_one
    assert len(ordinary_transport.list_tree(remote(server_folder), depth=1)) == 2
    with pytest.raises(RemoteFileError, match=r"closed.*Permission denied"):
        ordinary_transport.list_tree(remote(server_folder), depth=2)
    with pytest.raises(RemoteFileError, match=r"closed.*Permission denied"):
        ordinary_transport.list_tree(remote(server_folder / "closed"), depth=1)
    with pytest.raises(RemoteFileError, match="Permission denied"):
        ordinary_transport.write(remote(server_folder / "new"), b"x")
    with pytest.raises(RemoteFileError, match="Permission denied"):
        list(ordinary_transport.fetch(remote(server_folder), [NAME("closed")], max_bytes=9))


def test_folders_and_files_are_fetched_whole(transport: Transport, server_folder: Path) -> None:
    (server_folder / "one" / "sub").mkdir(parents=True)
    (server_folder / "one" / "sub" / "x").write_bytes(b"x" * 100_000)
    (server_folder / "one" / ".hidden").write_bytes(b"")
    (server_folder / "two").write_bytes(b"two")
    (server_folder / "left alone").write_bytes(b"")

    got = list(
        transport.fetch(remote(server_folder), [NAME("two"), NAME("one")], max_bytes=1 << 20)
    )

    assert [str(file.path) for file in got] == ["two", "one/.hidden", "one/sub/x"]
    assert got[2].content == b"x" * 100_000


def test_more_than_allowed_is_not_fetched(transport: Transport, server_folder: Path) -> None:
    (server_folder / "a").write_bytes(b"x" * 600)
    (server_folder / "b").write_bytes(b"x" * 600)
    with pytest.raises(UntrustedFileError, match="larger"):
        list(transport.fetch(remote(server_folder), [NAME("a"), NAME("b")], max_bytes=1000))


def test_a_link_in_a_fetched_folder_is_refused(transport: Transport, server_folder: Path) -> None:
    (server_folder / "secret").write_bytes(b"not yours")
    (server_folder / "take").mkdir()
    (server_folder / "take" / "a").symlink_to(server_folder / "secret")
    with pytest.raises(UntrustedFileError, match="regular"):
        list(transport.fetch(remote(server_folder), [NAME("take")], max_bytes=1000))


def test_a_special_file_in_a_fetched_folder_is_refused(
    transport: Transport, server_folder: Path
) -> None:
    (server_folder / "take").mkdir()
    os.mkfifo(server_folder / "take" / "pipe")
    with pytest.raises(UntrustedFileError, match="regular"):
        list(transport.fetch(remote(server_folder), [NAME("take")], max_bytes=1000))


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../outside"])
def test_a_name_that_leaves_the_folder_is_refused(
    transport: Transport, server_folder: Path, name: str
) -> None:
    (server_folder.parent / "outside").write_bytes(b"not yours")
    with pytest.raises(UntrustedFileError):
        list(transport.fetch(remote(server_folder), [NAME(name)], max_bytes=1000))


def test_fetching_what_is_not_there_is_an_answer(transport: Transport, server_folder: Path) -> None:
    with pytest.raises(RemoteFileError, match="gone"):
        list(transport.fetch(remote(server_folder), [NAME("gone")], max_bytes=1000))


def test_a_folder_is_moved_and_nothing_is_overwritten(
    transport: Transport, server_folder: Path
) -> None:
    for name in ("take", "taken"):
        (server_folder / name).mkdir()
    (server_folder / "FLAG").mkdir()
    transport.rename(remote(server_folder / "take"), remote(server_folder / "FLAG" / "take"))
    assert (server_folder / "FLAG" / "take").is_dir()
    with pytest.raises(RemoteFileError, match="exists"):
        transport.rename(remote(server_folder / "taken"), remote(server_folder / "FLAG" / "take"))
    with pytest.raises(RemoteFileError):
        transport.rename(remote(server_folder / "gone"), remote(server_folder / "elsewhere"))
    with pytest.raises(RemoteFileError):
        transport.rename(remote(server_folder / "taken"), remote(server_folder / "no" / "such"))
    assert (server_folder / "taken").is_dir()


def test_parts_of_several_files_come_together_and_in_order(
    transport: Transport, server_folder: Path
) -> None:
    (server_folder / "journal").write_bytes(b"0123456789")
    (server_folder / "live").write_bytes(b"now")
    (server_folder / "folder").mkdir()
    parts = [
        FilePart(remote(server_folder / "journal"), 4, 3, is_growing=True),
        FilePart(remote(server_folder / "missing"), 0, 10, is_growing=True),
        FilePart(remote(server_folder / "live"), 0, 1000, is_growing=False),
        FilePart(remote(server_folder / "journal"), 1000, 3, is_growing=True),
    ]
    assert transport.read_parts(parts) == (b"456", None, b"now", b"")
    assert transport.read_parts([]) == ()
    assert not transport.read_parts(
        [FilePart(remote(server_folder / "folder"), 0, 10, is_growing=False)]
    )[0]


def test_a_growing_file_is_followed_and_a_replaced_one_seen_anew(
    transport: Transport, server_folder: Path
) -> None:
    journal, live = server_folder / "journal", server_folder / "live"
    read, written = b"", b""
    for turn in range(5):
        with journal.open("ab") as file:
            file.write(piece := bytes([turn]) * (100 + 40_000 * turn))
        written += piece
        aside = server_folder / "aside"
        aside.write_bytes(b"%d" % turn * 50_000)
        aside.rename(live)
        found = transport.read_parts(
            [
                FilePart(remote(journal), len(read), 1 << 20, is_growing=True),
                FilePart(remote(live), 0, 1 << 20, is_growing=False),
            ]
        )
        read += found[0] or b""
        assert read == written
        assert found[1] == live.read_bytes()
    journal.unlink()
    part = FilePart(remote(journal), 0, 10, is_growing=True)
    assert transport.read_parts([part]) == (None,)


@pytest.mark.parametrize("limit", [1, 32767, 32768, 32769, 65536, 70_000])
def test_a_part_is_never_longer_than_asked_for(
    transport: Transport, server_folder: Path, limit: int
) -> None:
    content = os.urandom(100_000)
    (server_folder / "file").write_bytes(content)
    part = FilePart(remote(server_folder / "file"), 5, limit, is_growing=True)
    assert transport.read_parts([part]) == (content[5 : 5 + limit],)
