"""Entry of ``python -m server_side``."""

import sys

from server_side.cli import main

if __name__ == "__main__":
    sys.exit(main())
