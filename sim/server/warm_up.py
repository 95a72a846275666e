"""``python -m drivevla.sim.server.warm_up``: compile the simulator's loops now rather than in its first start.

Run by ``make setup``. It takes about 30 s of processor time once, and next to nothing when all is compiled already.
"""

import sys

from drivevla.errors import DriveVLAError
from drivevla.sim.server.numba_import import COMPILING, is_everything_kept

__all__ = ["main"]


def main() -> int:
    """Start a server and stop it: every server compiles what is not kept yet before it listens."""
    if is_everything_kept():
        return 0
    sys.stdout.write(f"{COMPILING}\n")
    sys.stdout.flush()
    from drivevla.sim.maps.find import find_map  # only here: they take a second to import
    from drivevla.sim.server.serve import DEFAULT_MAP
    from drivevla.sim.server.server import Server

    try:
        with Server(find_map(DEFAULT_MAP), port=0):
            pass
    except DriveVLAError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
