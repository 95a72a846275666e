"""One drive in CARLA: connect, spawn the ego and its sensors, gather observations, apply controls, clean up."""

from drivevla.sim.session.ego_filter import EgoFilter
from drivevla.sim.session.sensors import Collision
from drivevla.sim.session.session import Session, Snapshot, open_session

__all__ = ["Collision", "EgoFilter", "Session", "Snapshot", "open_session"]
