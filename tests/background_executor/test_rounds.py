"""What hangs is asked less and less often, and everything behind it has its turn."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from background_executor.errors import NoAnswerError, PutOffError, RemoteFileError, UnreachableError
from background_executor.rounds import MAX_DOUBLINGS, Rounds
from background_executor.work import PAUSE_AFTER_TROUBLE, REST, Work

CALL_S = 60.0
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Server:
    """Answers of some, and hangs at others."""

    def __init__(self, *hanging: str) -> None:
        self.hanging = set(hanging)
        self.closed: set[str] = set()
        self.asked: list[str] = []

    def ask(self, name: str) -> None:
        self.asked.append(name)
        if name in self.hanging:
            raise NoAnswerError(f"no answer from {name}")
        if name in self.closed:
            raise RemoteFileError(f"cannot list {name}")

    def asked_in(self, rounds: Rounds[str], now: datetime, names: str = "abcd") -> str:
        """Do one round and return whose turn it was, in order."""
        self.asked.clear()
        with pytest.raises(NoAnswerError):
            rounds.do(names, self.ask, now)
        return "".join(self.asked)


@pytest.fixture
def rounds() -> Rounds[str]:
    return Rounds(CALL_S, str)


def test_the_round_after_a_hang_begins_with_those_that_had_no_turn(rounds: Rounds[str]) -> None:
    server = Server("b")
    assert server.asked_in(rounds, NOW) == "ab"
    assert server.asked_in(rounds, NOW) == "acd"
    with pytest.raises(PutOffError, match="no answer from b"):
        rounds.do("abcd", server.ask, NOW)


def test_several_that_hang_cost_one_time_out_in_each_round_and_starve_nobody(
    rounds: Rounds[str],
) -> None:
    server = Server("a", "b", "c")
    turns = [server.asked_in(rounds, NOW) for _ in range(4)]
    assert turns == ["a", "b", "c", "d"]
    later = NOW + timedelta(seconds=2 * CALL_S)
    again = [server.asked_in(rounds, later) for _ in range(3)]
    assert again == ["da", "db", "dc"]  # the healthy one always first


def test_what_goes_on_hanging_is_asked_after_longer_and_longer_pauses(
    rounds: Rounds[str],
) -> None:
    server = Server("a")
    asked_at = [
        second
        for second in range(0, 3600, 10)
        if "a" in server.asked_in(rounds, NOW + timedelta(seconds=second), "ab")
    ]
    pauses = [later - earlier for earlier, later in pairwise(asked_at)]
    longest = 2 * CALL_S * 2**MAX_DOUBLINGS
    assert pauses[:4] == [2 * CALL_S, 4 * CALL_S, longest, longest]


def test_what_answers_again_has_its_old_place(rounds: Rounds[str]) -> None:
    server = Server("a")
    assert server.asked_in(rounds, NOW, "ab") == "a"
    server.hanging.clear()
    server.asked.clear()
    rounds.do("ab", server.ask, NOW + timedelta(seconds=2 * CALL_S))
    rounds.do("ab", server.ask, NOW + timedelta(seconds=2 * CALL_S))
    assert "".join(server.asked) == "baab"
    assert not rounds.hung("a")


def test_a_clock_that_is_set_back_puts_nothing_off_for_longer(rounds: Rounds[str]) -> None:
    server = Server("a")
    server.asked_in(rounds, NOW)
    assert server.asked_in(rounds, NOW - timedelta(hours=1)) == "bcda"


def test_an_error_of_one_lets_all_others_have_their_turn(rounds: Rounds[str]) -> None:
    server = Server()
    server.closed.update("ac")
    with pytest.raises(RemoteFileError, match="cannot list a"):
        rounds.do("abcd", server.ask, NOW)
    assert server.asked == list("abcd")


def test_a_dead_line_ends_the_round_and_is_nobodys_fault(rounds: Rounds[str]) -> None:
    def ask(_name: str) -> None:
        raise UnreachableError("connection lost")

    with pytest.raises(UnreachableError):
        rounds.do("ab", ask, NOW)
    assert not rounds.hung("a")


class Slow:
    """Takes a while by a clock of its own, and then says something."""

    def __init__(self, takes_s: float, error: Exception | None = None) -> None:
        self.takes_s = takes_s
        self.error = error
        self.clock_s = 0.0
        self.began_s: list[float] = []

    def act(self, _now: datetime) -> None:
        self.began_s.append(self.clock_s)
        self.clock_s += self.takes_s
        if self.error is not None:
            raise self.error

    def turn(self, work: Work, seconds: float) -> None:
        """Let turn follow turn for a while."""
        until_s = self.clock_s + seconds
        while self.clock_s < until_s:
            work.do_when_due(NOW + timedelta(seconds=self.clock_s))
            self.clock_s += 1.0


def work_of(slow: Slow, every_s: float) -> Work:
    return Work(slow.act, timedelta(seconds=every_s), clock=lambda: slow.clock_s)


@pytest.mark.parametrize("error", [None, NoAnswerError("no answer from squeue")])
def test_work_that_takes_longer_than_its_pause_leaves_most_of_the_time_to_others(
    error: Exception | None,
) -> None:
    slow = Slow(50.0, error)
    work = work_of(slow, every_s=30.0)
    slow.turn(work, 1000.0)
    assert len(slow.began_s) * slow.takes_s <= 1000.0 / (1.0 + REST) + slow.takes_s
    assert len(slow.began_s) >= 6


@pytest.mark.parametrize(("takes_s", "every_s"), [(0.5, 30.0), (20.0, 0.0)])
def test_work_that_is_quick_or_has_no_pause_keeps_its_own_pace(
    takes_s: float, every_s: float
) -> None:
    slow = Slow(takes_s)
    slow.turn(work_of(slow, every_s), 300.0)
    gaps = {later - earlier for earlier, later in zip(slow.began_s, slow.began_s[1:], strict=False)}
    assert max(gaps) <= max(every_s, takes_s) + 1.0 + takes_s


def refuse() -> Callable[[datetime], None]:
    def act(_now: datetime) -> None:
        raise PutOffError("no answer from one of them, the last time")

    return act


def test_what_was_put_off_is_said_and_slows_down_nobody_else() -> None:
    work = Work(refuse(), timedelta(0))
    work.do_when_due(NOW)
    assert work.trouble == "no answer from one of them, the last time"
    assert work.is_due(NOW + timedelta(milliseconds=100))
    assert timedelta(milliseconds=100) < PAUSE_AFTER_TROUBLE
