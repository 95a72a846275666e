"""Driving as a Gymnasium environment: ``gymnasium.make("drivevla.env:DriveVLA-v0")``. See ``docs/gym.md``.

Importing this package registers ``DriveVLA-v0``.
"""

from drivevla.env.environment import DriveEnv
from drivevla.errors import require

__all__ = ["ENV_ID", "DriveEnv"]

ENV_ID = "DriveVLA-v0"


def _register() -> None:
    registration = require("gymnasium.envs.registration", "gym")
    if ENV_ID not in registration.registry:
        registration.register(id=ENV_ID, entry_point="drivevla.env.environment:DriveEnv")


_register()
