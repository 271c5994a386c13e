"""``python -m tests.cluster.demo run|check``: the demo through a real sshd and a real SLURM.

The same as ``make demo`` and ``make demo-check``, but the executor reaches its
site by SSH, and the jobs that measure are jobs of SLURM.
"""

import sys

from background_executor.demo.__main__ import main
from tests.cluster.cluster import RealCluster, why_not
from tests.cluster.site_settings import pin_host_key
from tests.cluster.slurm_servers import PARTITION
from tests.run_guard import guard_this_process


def place_of(cluster: RealCluster) -> dict[str, object]:
    """Return the keys of ``[site]`` that lead to a cluster."""
    known_hosts, config_file = cluster.folder / "known_hosts", cluster.folder / "ssh_config"
    pin_host_key(cluster, known_hosts)
    config_file.touch()
    ssh = cluster.ssh
    return {
        "transport": "ssh",
        "scheduler": "slurm",
        "submit": {"partition": PARTITION, "time_limit": "01:00:00", "memory": "4G", "cpus": 1},
        "ssh": {
            "host": ssh.host,
            "port": ssh.port,
            "user": ssh.user,
            "identity": str(ssh.client_key),
            "known_hosts": str(known_hosts),
            "config_file": str(config_file),
        },
    }


if __name__ == "__main__":
    if reason := why_not():
        print(f"no test cluster here: {reason}", file=sys.stderr)
        sys.exit(1)
    guard_this_process()
    with RealCluster() as running:
        print(f"A real sshd and a real SLURM run below {running.folder}.", flush=True)
        status = main(place_of(running), "python -m tests.cluster.demo")
    sys.exit(status)
