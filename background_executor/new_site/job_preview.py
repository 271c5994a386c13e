"""The job script as the next job of a site would have it, for the operator to read before use.

Made from settings alone: nothing is asked of the server. What a job is to do
stands in its order file, so that the scripts of all jobs differ in names only.
"""

import shlex
from dataclasses import dataclass, replace
from datetime import datetime

from background_executor.config import SiteConfig
from background_executor.new_site.deployed import interpreter_of, version_here
from background_executor.scheduler import JobScript
from background_executor.site import open_scheduler
from server_side.layout import ScanLayout
from server_side.scan import NewAcquisitions, ScanKind, ScanPlan, Slot

EXAMPLE_JOB = "00000000-0000-4000-8000-000000000000"
EXAMPLE_SCAN = "000000000000"
EXAMPLE_SERIAL_NUMBER = "EXAMPLE"


@dataclass(frozen=True)
class JobPreview:
    """How a job of the site will be made."""

    script: str
    """What the batch system is given."""
    command: str
    """What gives it to the batch system, as it would be typed."""


def preview_job(config: SiteConfig, now: datetime) -> JobPreview:
    """Return script and command of an example job with the settings as they are now."""
    plan = ScanPlan(
        scan_id=EXAMPLE_SCAN,
        site=config.site.name,
        kind=ScanKind.POSITION,
        serial_number=EXAMPLE_SERIAL_NUMBER,
        slot=Slot.ONE,
        started_at=now,
        zone=config.site.zone,
        points=config.position_points(),
        raw=NewAcquisitions(began_after=now),
        settings=config.measurement,
    )
    scheduler = open_scheduler(config)
    # No other version than the one that stands here is submitted: its folder is known.
    python = interpreter_of(config.site, version_here().name)
    job = JobScript.of(ScanLayout(config.site.base_folder, plan), EXAMPLE_JOB)
    job = replace(job, python=python)
    return JobPreview(scheduler.script(job), shlex.join(scheduler.submit_argv(job)))
