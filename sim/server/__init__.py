"""The embedded simulator: a CPU server that the unmodified CARLA client connects to."""

from drivevla.sim.server.process import RunningServer, start_server

__all__ = ["RunningServer", "start_server"]
