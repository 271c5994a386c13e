"""Receipts on the server: written before an act, completed after it, read back, marked."""

from pathlib import PurePosixPath

from pydantic import ValidationError

from background_executor.decisions import decision_queries
from background_executor.decisions.decision_records import MoveRecord
from background_executor.decisions.receipt import Receipt, ReceiptOutcome, ReceiptPart, ReceiptTake
from background_executor.errors import RemoteFileError, UntrustedFileError
from background_executor.site import Site
from server_side.boundary import faults_in_words

RECEIPT_LIMIT_BYTES = 8 << 20


def mark_rolled_back(site: Site, move: MoveRecord, why: str) -> str:
    """Write into a receipt that is there that it does not count.

    Returns
    -------
    What is to be said of one that could not be marked, but counts for nothing as it is.

    Raises
    ------
    TransportError
        When there was no answer, or a receipt that counts could not be marked.
    """
    if not site.transport.exists(PurePosixPath(move.receipt)):
        return ""
    try:
        write_receipt(site, move, ReceiptOutcome.ROLLED_BACK, (), why)
    except RemoteFileError as error:
        if _counts(site, move):
            raise
        return f" (its receipt could not be marked: {error})"
    return ""


def _counts(site: Site, move: MoveRecord) -> bool:
    """Tell whether a receipt says that its act was done; one that cannot be read says nothing."""
    try:
        return read_receipt(site, move).outcome is ReceiptOutcome.DONE
    except UntrustedFileError:
        return False


def write_receipt(
    site: Site,
    move: MoveRecord,
    outcome: ReceiptOutcome,
    parts: tuple[ReceiptPart, ...],
    message: str = "",
) -> None:
    """Write the receipt of an act, or write it anew with another outcome.

    Raises
    ------
    TransportError
        When the server could not be asked, or its disk refuses.
    """
    plan = site.plan(move.scan_id)
    receipt = Receipt(
        outcome=outcome,
        message=message,
        act=move.act,
        site=move.site,
        scan_id=move.scan_id,
        kind=plan.kind,
        serial_number=plan.serial_number,
        operator=move.operator,
        reason=move.reason,
        comment=move.comment,
        decided_at=move.intended_at,
        takes=tuple(
            ReceiptTake(point=each.point, take=each.take, retake=each.retake) for each in move.takes
        ),
        source=move.source,
        target=move.target,
        parts=parts,
        files=sum(len(part.files) for part in parts),
        size_bytes=sum(part.size_bytes for part in parts),
        root_files=_root_files(site, move),
    )
    content = receipt.model_dump_json(indent=1).encode() + b"\n"
    site.transport.write(PurePosixPath(move.receipt), content)


def _root_files(site: Site, move: MoveRecord) -> tuple[str, ...]:
    """Return the ROOT files of what moves: they stay where they are."""
    if not move.parts:
        return ()
    takes = {(each.point.name, each.take) for each in move.takes}
    stored = decision_queries.stored_folders(site.store, move.scan_id)
    return tuple(
        each.root_file
        for each in stored
        if each.root_file and (not takes or (each.take.point.name, each.take.take) in takes)
    )


def read_receipt(site: Site, move: MoveRecord) -> Receipt:
    """Read the receipt of an act back.

    Raises
    ------
    UntrustedFileError
        When it is none any more.
    """
    path = PurePosixPath(move.receipt)
    content = site.transport.read(path, limit=RECEIPT_LIMIT_BYTES)
    try:
        return Receipt.model_validate_json(content)
    except ValidationError as error:
        raise UntrustedFileError(
            f"receipt {path} was changed by hand: {faults_in_words(error)}"
        ) from error
