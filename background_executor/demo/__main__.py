"""``python -m background_executor.demo run|check``."""

import argparse
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from background_executor.demo.check import run_check
from background_executor.demo.run import run_demo
from background_executor.demo.scenario import THIS_MACHINE
from background_executor.errors import ExecutorError


def main(
    place: Mapping[str, object] = THIS_MACHINE, prog: str = "python -m background_executor.demo"
) -> int:
    """Read the arguments, do it at a place, and turn an error into one clear line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("what", choices=["run", "check"])
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="removed and made anew")
    parser.add_argument("--port", type=int, default=8501, help="of the dashboard, or the next free")
    arguments = parser.parse_args()
    # Asked to end, or its terminal closed: it ends what it started, as after Ctrl-C.
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.default_int_handler)
    try:
        if arguments.what == "check":
            return run_check(arguments.folder, place)
        return run_demo(arguments.folder, arguments.port, place)
    except (ExecutorError, ChildProcessError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
