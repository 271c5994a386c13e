"""Asking from a page: one press is one wish, and every wish is asked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.commands import StartHvCheck, StartScan, SyncNow
from background_executor.records import CommandState
from background_executor.store import Store
from dashboard.asking import ask
from server_side.scan import Slot

NOW = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
OPERATOR = "night shift"
START = StartScan(serial_number="KQ0146", slot=Slot.ONE)


@pytest.fixture
def empty_store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/store.sqlite", tmp_path)
    yield opened
    opened.close()


def answer_next(store: Store) -> None:
    with store.writing(NOW) as writer:
        claimed = writer.claim_next_command("demo")
        assert claimed is not None
        writer.answer_command(claimed.command_id, CommandState.DONE, "started")


def test_pressing_twice_is_one_wish_until_it_is_answered(empty_store: Store) -> None:
    first = ask(empty_store, "demo", START, OPERATOR)
    assert ask(empty_store, "demo", START, OPERATOR) == first
    other = StartHvCheck(serial_number="KQ0146", slot=Slot.ONE, nominal_v=1800)
    assert ask(empty_store, "demo", other, OPERATOR) != first
    answer_next(empty_store)
    assert ask(empty_store, "demo", START, OPERATOR) != first


def test_the_same_wish_of_two_operators_is_two_on_record(empty_store: Store) -> None:
    first = ask(empty_store, "demo", START, "anna")
    other = ask(empty_store, "demo", START, "ben")
    assert other != first
    answer_next(empty_store)
    # What anna was answered is no answer to ben, who still waits for his.
    assert ask(empty_store, "demo", START, "ben") == other
    asked = queries.commands(empty_store, "demo")
    assert [(command.operator, command.state.value) for command in asked] == [
        ("ben", "waiting"),
        ("anna", "done"),
    ]


def test_a_wish_is_asked_again_however_many_others_came_between(empty_store: Store) -> None:
    first = ask(empty_store, "demo", START, OPERATOR)
    answer_next(empty_store)
    between = set()
    for _ in range(55):
        between.add(ask(empty_store, "demo", SyncNow(), OPERATOR))
        answer_next(empty_store)
    assert len(between) == 55
    assert ask(empty_store, "demo", START, OPERATOR) > max(between) > first
