"""Memory limits that the kernel keeps, as on most sites: SLURM's task/cgroup over cgroup version 1.

Each cluster has a part of the memory hierarchy of its own: SLURM names its
folders there by node and job, and two test clusters have the same nodes and jobs.
"""

import os
from pathlib import Path

NO_CGROUPS = """\
TaskPlugin=task/none
JobAcctGatherParams=OverMemoryKill"""
"""SLURM looks at the memory once a second and kills, and says FAILED of such a job."""

CGROUPS = "TaskPlugin=task/cgroup"
"""The kernel kills at once, and SLURM says OUT_OF_MEMORY."""
_HIERARCHY = Path("/sys/fs/cgroup/memory")
_CONFIG = """\
CgroupPlugin=cgroup/v1
CgroupMountpoint={folder}
ConstrainRAMSpace=yes
"""


def why_no_cgroups() -> str:
    """Say why memory cannot be limited by the kernel here; empty when it can."""
    if not (_HIERARCHY / "memory.limit_in_bytes").exists():
        return f"no memory controller of cgroup version 1 in {_HIERARCHY}"
    return "" if os.access(_HIERARCHY, os.W_OK) else f"{_HIERARCHY} is read-only"


def prepare_cgroups(cluster_folder: Path, config_file: Path) -> None:
    """Make a cluster's part of the hierarchy, and the configuration that leads to it."""
    mountpoint = cluster_folder / "cgroup"
    mountpoint.mkdir()
    part = _HIERARCHY / cluster_folder.name
    part.mkdir()
    # SLURM takes any folder for the place where the hierarchies are mounted.
    (mountpoint / "memory").symlink_to(part)
    config_file.write_text(_CONFIG.format(folder=mountpoint))


def remove_cgroups(cluster_folder: Path) -> None:
    """Remove a cluster's part of the hierarchy, where it has one; its processes are gone."""
    for folder, _, _ in os.walk(_HIERARCHY / cluster_folder.name, topdown=False):
        Path(folder).rmdir()
