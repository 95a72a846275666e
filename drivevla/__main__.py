"""`python -m drivevla` is the program `drivevla`."""

import sys

from drivevla.cli import main

if __name__ == "__main__":
    sys.exit(main())
