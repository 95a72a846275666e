"""Baselines: what a trained policy has to beat.

=====================  ============================================================
``stand_still``        does not move
``constant_velocity``  keeps speed and heading
``lane_follower``      follows the route's lane blind to traffic; privileged
``replay``             answers with the plans of a recorded drive
=====================  ============================================================

They are in the registry's group ``policies`` by these names. ``Guarded`` puts the safety layer behind any of them.
"""

from drivevla.policies.constant_velocity import ConstantVelocity
from drivevla.policies.guarded import Guarded
from drivevla.policies.lane_follower import LaneFollower
from drivevla.policies.replay import Replay
from drivevla.policies.stand_still import StandStill

__all__ = ["ConstantVelocity", "Guarded", "LaneFollower", "Replay", "StandStill"]
