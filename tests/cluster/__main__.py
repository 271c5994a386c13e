"""``python -m tests.cluster up|down``: a real sshd and SLURM to play with.

``up`` starts them, says how to log in and ends; ``down`` ends what ``up``
started. Which one that is stands in ``.cluster/folder`` of this checkout.
"""

import argparse
import sys
from pathlib import Path

from tests.cluster.cluster import RealCluster, remove_cluster, why_not

_STATE_FILE = Path(__file__).parents[2] / ".cluster" / "folder"


def running_folder() -> Path | None:
    """Return the folder of the cluster that ``up`` started and nobody ended."""
    if not _STATE_FILE.exists():
        return None
    folder = Path(_STATE_FILE.read_text())
    return folder if folder.is_dir() else None


def bring_up() -> int:
    """Start a cluster that outlives this process."""
    if (folder := running_folder()) is not None:
        print(f"there is one already, in {folder}; end it with: python -m tests.cluster down")
        return 1
    if reason := why_not():
        print(f"no test cluster here: {reason}", file=sys.stderr)
        return 1
    cluster = RealCluster(outlives_owner=True)
    cluster.start()
    _STATE_FILE.parent.mkdir(exist_ok=True)
    _STATE_FILE.write_text(str(cluster.folder))
    ssh = cluster.ssh
    print(f"cluster in {cluster.folder}, host key {ssh.host_key_fingerprint()}")
    print("for ~/.ssh/config, then 'ssh play' and, in [site.ssh], host = \"play\":")
    print(f"  Host play\n    HostName {ssh.host}\n    Port {ssh.port}\n    User {ssh.user}")
    print(f"    IdentityFile {ssh.client_key}")
    print("to ask SLURM from here:")
    print(f"  export SLURM_CONF={cluster.slurm.config_file}")
    return 0


def bring_down() -> int:
    """End the cluster that ``up`` started."""
    folder = running_folder()
    if folder is None:
        print("no cluster is up")
        return 0
    remove_cluster(folder)
    _STATE_FILE.unlink()
    print(f"ended the cluster in {folder}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("act", choices=("up", "down"))
    sys.exit(bring_up() if parser.parse_args().act == "up" else bring_down())
