"""A copy of every reference on the server, from which a lost store gets it again."""

import re
from pathlib import PurePosixPath
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from background_executor import queries
from background_executor.errors import RemoteFileError
from background_executor.judging.reference import ReferenceContent, ReferenceKind
from background_executor.site import Site
from server_side.boundary import BoundaryModel, faults_in_words

FOLDER = "references"
"""Below the base folder."""
FILE_NAME = re.compile(r"(?:pmt|type)_[A-Za-z0-9][A-Za-z0-9_.-]{0,31}_version(\d{1,6})\.json")
LIMIT_BYTES = 4 << 20


class ReferenceCopy(BoundaryModel):
    """Content of ``references/<kind>_<subject>_version<n>.json``."""

    format_version: Literal[1] = 1
    kind: ReferenceKind
    subject: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")
    version: int = Field(ge=1)
    content: ReferenceContent
    comment: str
    operator: str
    made_at: AwareDatetime

    @property
    def file_name(self) -> str:
        """Name of its file."""
        return f"{self.kind.value}_{self.subject}_version{self.version}.json"


def next_version(site: Site, kind: ReferenceKind, subject: str) -> int:
    """Return the version that the next reference of a subject has."""
    known = queries.references(site.store, site.name)
    versions = (each.version for each in known if (each.kind, each.subject) == (kind, subject))
    return max(versions, default=0) + 1


def write_copy(site: Site, copy: ReferenceCopy) -> None:
    """Put a copy on the server; the same one again changes nothing.

    Raises
    ------
    TransportError
        When the server could not be asked, or its disk refuses.
    """
    site.transport.write(_folder(site) / copy.file_name, copy.model_dump_json().encode() + b"\n")


def restore_references(site: Site) -> tuple[int, tuple[str, ...]]:
    """Put every reference of the server into the store; return how many, and what is wrong."""
    copies, notes = _read_copies(site)
    for copy in sorted(copies, key=lambda each: (each.made_at, each.version)):
        with site.store.writing(copy.made_at) as writer:
            writer.add_reference(
                site.name,
                copy.kind,
                copy.subject,
                copy.content,
                comment=copy.comment,
                operator=copy.operator,
                version=copy.version,
            )
    return len(copies), notes


def _read_copies(site: Site) -> tuple[list[ReferenceCopy], tuple[str, ...]]:
    folder = _folder(site)
    if not site.transport.exists(folder):
        return [], ()
    copies, notes = [], []
    for entry in site.transport.list_tree(folder, depth=1):
        if not FILE_NAME.fullmatch(entry.path.name):
            continue
        path = folder / entry.path.name
        try:
            content = site.transport.read(path, limit=LIMIT_BYTES)
            copy = ReferenceCopy.model_validate_json(content)
        except (ValidationError, RemoteFileError) as error:
            notes.append(
                f"reference {path} cannot be read and was left out: {faults_in_words(error)}"
            )
            continue
        if copy.file_name == entry.path.name:
            copies.append(copy)
        else:
            notes.append(f"reference {path} is that of {copy.file_name} and was left out")
    return copies, tuple(notes)


def _folder(site: Site) -> PurePosixPath:
    return site.config.site.base_folder / FOLDER
