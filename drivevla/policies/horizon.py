"""The steps that every baseline plans: 4 s at 0.25 s, as ``Plan`` has it unless a recipe says otherwise."""

import numpy as np

__all__ = ["DT_S", "STEPS", "TIMES_S"]

DT_S = 0.25
STEPS = 16
TIMES_S = np.arange(1, STEPS + 1) * DT_S
"""(16,) seconds from now of the waypoints."""
TIMES_S.flags.writeable = False
