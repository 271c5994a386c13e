"""Every error that the executor raises on purpose.

Tree::

    ExecutorError
    ├── SettingsError          a settings file is wrong; the message lists every fault
    ├── StoreError             the store cannot be opened, migrated or written
    │   └── StoreUnavailableError  disk full, database away: the same can be done later
    ├── LocalDiskError         this machine's disk refused a copy of a result; tried again
    ├── CommandError           a command cannot be done; the message is its answer
    ├── AlreadyRunningError    another executor of this site holds the lock
    ├── TransportError         the server could not be asked
    │   ├── UnreachableError       no connection; try again later
    │   │   └── NoAnswerError          one command hangs, the connection lives
    │   │       └── PutOffError            it hung the last time, and was not asked now
    │   ├── RefusedError           host key or login refused; needs a person
    │   └── RemoteFileError        the server answered: no such file, no permission, disk full
    ├── SchedulerError         the scheduler answered something that is no answer
    │   ├── SubmitUnknownError     nobody knows whether the job was made: ask before trying again
    │   └── SubmitRefusedError     the scheduler said no, and why: no job was made
    └── UntrustedFileError     a fetched file disagrees with its manifest

A message says what was wanted, what was found, where, and what to do.
"""


class ExecutorError(Exception):
    """Root of the tree."""


class SettingsError(ExecutorError):
    """A settings file is wrong; the message lists every fault."""


class StoreError(ExecutorError):
    """The store cannot be opened, migrated or written."""


class StoreUnavailableError(StoreError):
    """Disk full, database away: nothing was kept, and the same can be done later."""


class LocalDiskError(ExecutorError):
    """The disk of this machine refused a copy of a result; it will be tried again."""


class CommandError(ExecutorError):
    """A command cannot be done; the message is its answer."""


class AlreadyRunningError(ExecutorError):
    """Another executor of this site holds the lock."""


class TransportError(ExecutorError):
    """The server could not be asked."""


class UnreachableError(TransportError):
    """No connection; try again later."""


class NoAnswerError(UnreachableError):
    """One command did not end in time, while the connection lives: nothing else need wait."""


class PutOffError(NoAnswerError):
    """Something hung the last time and was not asked for now; all else had its turn."""


class RefusedError(TransportError):
    """Host key or login refused; needs a person."""


class RemoteFileError(TransportError):
    """The server answered: no such file, no permission, disk full."""


class SchedulerError(ExecutorError):
    """The scheduler answered something that is no answer."""


class SubmitUnknownError(SchedulerError):
    """Nobody knows whether the job was made: ask before trying again."""


class SubmitRefusedError(SchedulerError):
    """The scheduler said no, and why: no job was made."""


class UntrustedFileError(ExecutorError):
    """A fetched file disagrees with its manifest."""
