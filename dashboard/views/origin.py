"""Where the numbers of a result came from: acquisition, files, software, job."""

from background_executor.records import ResultRecord
from dashboard.views.wording import duration, local_time
from server_side.result import InputFile

Row = tuple[str, ...]


def take_label(record: ResultRecord) -> str:
    """Name take and revision of a result."""
    take = record.result.take
    return f"take {take.take}, revision {take.revision}"


def show_origin(record: ResultRecord, zone: str) -> tuple[tuple[str, str], ...]:
    """Say where a result came from, as names and values."""
    result, source = record.result, record.result.provenance
    acquisition = source.acquisition
    return (
        ("serial number", f"{result.serial_number}, PMT {result.slot.value}"),
        ("scan", result.scan_id),
        ("take", take_label(record)),
        ("triggers", f"{result.triggers:,}, {result.selected_charges:,} charges selected"),
        ("raw folder", acquisition.folder),
        (
            "data taken",
            f"{local_time(acquisition.began_at, zone)} to {local_time(acquisition.ended_at, zone)}",
        ),
        ("complete because", acquisition.complete_because),
        ("PMT channel", f"{acquisition.pmt_channel} {acquisition.channel_note}".strip()),
        ("analysed", f"{local_time(source.measured_at, zone)} on {source.host}"),
        ("analysis took", duration(source.duration_s)),
        ("job", source.job or ""),
        ("software", f"server_side {source.software_version}"),
        ("settings", f"sha256 {source.settings_sha256}"),
        ("manifest", f"sha256 {record.manifest_sha256}"),
        ("ROOT file", source.root_file or ""),
        ("verified copy", str(record.folder)),
        ("stored", local_time(record.stored_at, zone)),
    )


def show_input(entry: InputFile, zone: str) -> Row:
    """Show a raw file: channel, name, size and format, when, events, damage."""
    lost = (
        ("skipped", entry.skipped_events),
        ("torn", entry.torn_events),
        ("lost", entry.vanished_events),
        ("doubled", entry.doubled_events),
    )
    damage = [f"{number:,} {word}" for word, number in lost if number]
    return (
        str(entry.channel),
        entry.path,
        f"{entry.size_bytes:,} bytes, {entry.raw_format}",
        local_time(entry.modified_at, zone),
        f"{entry.events:,}",
        "; ".join([*damage, *entry.damage]) or "none",
    )
