"""Named moments at which a test may kill the executor.

Between any two of them something was done and not yet noted, or noted and not
yet done: the moments where a sudden death could lose or double something. The
environment variable ``PMT_MONITOR_CRASH_AT`` names the one to die at; without
it ``reach`` does nothing.
"""

import os
import signal
from enum import StrEnum

VARIABLE = "PMT_MONITOR_CRASH_AT"


class CrashPoint(StrEnum):
    """A moment between two steps that must not come apart."""

    COMMAND_CLAIMED = "command-claimed"
    """A command is in hand and nothing was done for it."""
    COMMAND_ANSWERED = "command-answered"
    """A command's changes and its answer are committed."""
    FILES_WRITTEN = "files-written"
    """A job's files are on the server; the intent to submit was not moved on."""
    SUBMITTING_COMMITTED = "submitting-committed"
    """The store says that the scheduler is being asked; it was not."""
    SUBMITTED = "submitted"
    """The scheduler made the job; its id is not in the store."""
    SUBMIT_RECORDED = "submit-recorded"
    """The job's id is in the store."""
    JOURNAL_READ = "journal-read"
    """Lines were read and nothing of them is in the store."""
    JOURNAL_APPLIED = "journal-applied"
    """The lines and the cursor behind them are committed."""
    FILES_FETCHED = "files-fetched"
    """Files of a take were received; nothing is on this disk."""
    PART_WRITTEN = "part-written"
    """They are on this disk under a temporary name."""
    RESULT_IN_PLACE = "result-in-place"
    """The verified folder has its own name; its row is not in the store."""
    RESULT_STORED = "result-stored"
    """The result's row is committed."""


class MoveCrashPoint(StrEnum):
    """A moment in an act on the server, from its intent to its end."""

    INTENT_COMMITTED = "act-intent-committed"
    """The act is in the store; the server was not touched."""
    SOURCE_VERIFIED = "act-source-verified"
    """Its folders are as they were stored."""
    RECEIPT_WRITTEN = "act-receipt-written"
    """The receipt says what is intended; nothing was renamed."""
    PART_RENAMED = "act-part-renamed"
    """The first folder has its new place, the others may not."""
    ALL_RENAMED = "act-all-renamed"
    """All have, and the store does not know."""
    MOVED_COMMITTED = "act-moved-committed"
    """The store knows; nobody has looked at the new place."""
    TARGET_VERIFIED = "act-target-verified"
    """The receipt says that it is done; no decision is in force."""
    ACT_COMMITTED = "act-committed"
    """Decisions, events and the answer are in the store."""
    ROLL_BACK_COMMITTED = "act-roll-back-committed"
    """It cannot be done; nothing was brought back yet."""
    PART_RENAMED_BACK = "act-part-renamed-back"
    """The first folder is back, the others may not be."""
    COPY_TRASHED = "copy-trashed"
    """The first local copy of a clean-up is in the trash, the others may not be."""


def reach(point: CrashPoint | MoveCrashPoint) -> None:
    """Die here without any tidying up when a test asked for it."""
    if os.environ.get(VARIABLE) == point:
        os.kill(os.getpid(), signal.SIGKILL)
