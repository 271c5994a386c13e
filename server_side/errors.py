"""Every error that the cluster part raises on purpose.

Tree::

    ServerSideError
    ├── NameFormatError      a serial number, point or folder name is malformed
    ├── RawDataError         a raw file or folder cannot be used
    │   ├── NotWaveDumpError     the file is no WaveDump file
    │   └── RawFileChangedError  the file was truncated or rewritten while it was read
    ├── PublishError         a result folder cannot be published or verified
    │   └── ManifestError        a folder does not agree with its manifest
    ├── RootFileError        a ROOT file cannot be written or read
    ├── FeatureFileError     pulse features cannot be kept on disk
    ├── SimulationError      a simulated bench cannot be run
    ├── JournalError         a journal holds a line that cannot be understood
    └── InputFileError       a file given on the command line cannot be used

A message says what was wanted, what was found, where, and what to do.
"""


class ServerSideError(Exception):
    """Root of the tree."""


class NameFormatError(ServerSideError, ValueError):
    """A serial number, point or folder name is malformed."""


class RawDataError(ServerSideError):
    """A raw file or folder cannot be used."""


class NotWaveDumpError(RawDataError):
    """The file is no WaveDump file."""


class RawFileChangedError(RawDataError):
    """The file was truncated or rewritten while it was read."""


class PublishError(ServerSideError):
    """A result folder cannot be published or verified."""


class ManifestError(PublishError):
    """A folder does not agree with its manifest."""


class RootFileError(ServerSideError):
    """A ROOT file cannot be written or read."""


class FeatureFileError(ServerSideError):
    """Pulse features cannot be kept on disk."""


class SimulationError(ServerSideError):
    """A simulated bench cannot be run."""


class JournalError(ServerSideError):
    """A journal holds a line that cannot be understood."""


class InputFileError(ServerSideError):
    """A file given on the command line cannot be used."""
