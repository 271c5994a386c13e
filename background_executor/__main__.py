"""``python -m background_executor``."""

import sys

from background_executor.cli import main

if __name__ == "__main__":
    sys.exit(main())
