"""What the drawer of a reference asks the executor for."""

import pytest

from background_executor import queries
from background_executor.judging.reference import ReferenceKind
from background_executor.store import Store
from dashboard.components.quality_drawers import ReferenceSource, reference_command
from tests.seed_store import RUNNING_SCAN


@pytest.mark.parametrize("of", list(ReferenceKind))
def test_a_scan_is_named_and_the_template_names_the_pmt_it_is_for(
    store: Store, of: ReferenceKind
) -> None:
    scan = queries.scan(store, RUNNING_SCAN)
    assert scan is not None
    from_scan = reference_command(scan, of, ReferenceSource.SCAN, "certified")
    assert (from_scan.scan_id, from_scan.serial_number) == (RUNNING_SCAN, None)
    template = reference_command(scan, of, ReferenceSource.TEMPLATE, "certified")
    named = scan.serial_number if of is ReferenceKind.PMT else None
    assert (template.scan_id, template.serial_number) == (None, named)
    assert {from_scan.comment, template.comment} == {"certified"}
