"""What the line at the top says: executor, link, ages, and the last commands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from background_executor.records import (
    CommandRecord,
    CommandState,
    ExecutorRecord,
    ExecutorState,
    LinkState,
)
from background_executor.silence import SILENT_AFTER, Silence, is_silent
from dashboard.theme import COMMAND_LOOKS, EXECUTOR_LOOKS, LINK_LOOKS, NEVER_STARTED, SILENT, Look
from dashboard.views.command_words import command_words

ANSWER_SHOWN_FOR = MappingProxyType(
    {CommandState.DONE: timedelta(minutes=3), CommandState.REFUSED: timedelta(minutes=15)}
)
"""How long an answered command stays in sight: what was refused, until somebody has read it."""


@dataclass(frozen=True)
class StatusView:
    """The executor as the page shows it."""

    executor: Look
    message: str
    link: Look | None
    """None while there is nobody who could know."""
    link_message: str
    beat_at: datetime | None
    synced_at: datetime | None
    is_running: bool
    """Whether it can be stopped; else it can be started."""
    silent_after: timedelta
    """From this age of the heartbeat on it is called silent."""


@dataclass(frozen=True)
class CommandView:
    """A command and how far it is."""

    command_id: int
    text: str
    look: Look
    answer: str
    operator: str
    asked_at: datetime
    is_open: bool


NEVER_HEARD = StatusView(
    executor=NEVER_STARTED,
    message="It was never started here.",
    link=None,
    link_message="",
    beat_at=None,
    synced_at=None,
    is_running=False,
    silent_after=SILENT_AFTER,
)


def show_status(executor: ExecutorRecord, silence: Silence, now: datetime) -> StatusView:
    """Show what the executor last said, and whether it still speaks."""
    has_ended = executor.state is ExecutorState.STOPPED
    is_gone = not has_ended and is_silent(executor, silence, now)
    is_heard = not has_ended and not is_gone
    return StatusView(
        executor=SILENT if is_gone else EXECUTOR_LOOKS[executor.state],
        message=_silence_message(executor, silence) if is_gone else executor.message,
        link=LINK_LOOKS[executor.link] if is_heard else None,
        link_message="" if executor.link is LinkState.CONNECTED else executor.link_message,
        beat_at=executor.beat_at,
        synced_at=executor.synced_at,
        is_running=is_heard or (is_gone and silence.is_locked),
        silent_after=silence.allowed,
    )


def show_command(command: CommandRecord) -> CommandView:
    """Show a command."""
    return CommandView(
        command_id=command.command_id,
        text=command_words(command.arguments),
        look=COMMAND_LOOKS[command.state],
        answer=command.answer,
        operator=command.operator,
        asked_at=command.asked_at,
        is_open=command.state in (CommandState.WAITING, CommandState.CLAIMED),
    )


def recent_commands(commands: tuple[CommandRecord, ...], now: datetime) -> tuple[CommandView, ...]:
    """Show the commands that wait, then the last ones that were answered, newest first."""
    shown = [show_command(command) for command in commands if _is_recent(command, now)]
    return (*(c for c in shown if c.is_open), *(c for c in shown if not c.is_open))


def _is_recent(command: CommandRecord, now: datetime) -> bool:
    if command.answered_at is None:
        return True
    return now - command.answered_at < ANSWER_SHOWN_FOR[command.state]


def _silence_message(executor: ExecutorRecord, silence: Silence) -> str:
    last = (
        f"Process {executor.pid} on {executor.host} said last that it was {executor.state.value}."
    )
    if silence.is_locked:
        return f"{last} It is there and may be waiting for the server or a full disk: see its log."
    return f"{last} Nothing is fetched or judged: start it."
