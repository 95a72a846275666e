"""What the environment shows and takes, as Gymnasium's spaces; and an observation laid out in them."""

import string
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError, require
from drivevla.planner.control import VehicleControl
from drivevla.types import Command, Observation, SensorRig

__all__ = ["COMMANDS", "action_space", "control_of", "laid_out", "observation_space"]

COMMANDS = tuple(Command)
"""The numbers of ``command``: the order of ``drivevla.types.Command``."""

LONGEST_SENTENCE = 400
FASTEST_MPS, HARDEST_MPS2, SHARPEST_RADPS = 100.0, 100.0, 10.0
FARTHEST_M = 1000.0


def action_space() -> Any:
    """Box(2): pedals (1 full throttle, -1 full brake) and steering (1 fully left, -1 fully right)."""
    spaces = require("gymnasium.spaces", "gym")
    return spaces.Box(-1.0, 1.0, (2,), np.float32)


def control_of(action: NDArray[np.floating[Any]]) -> VehicleControl:
    """The control that an action asks for.

    Raises:
        ContractError: The action is not two numbers between -1 and 1.
    """
    values = np.asarray(action, dtype=np.float64)
    if values.shape != (2,) or not (np.abs(values) <= 1.0).all():  # NaN is not at most 1
        raise ContractError(f"an action is two numbers from -1 to 1 (pedals, steering), got {values.tolist()}")
    pedals, steering = values.tolist()
    return VehicleControl(throttle=max(pedals, 0.0), brake=max(-pedals, 0.0), steering=steering)


def observation_space(rig: SensorRig) -> Any:
    """Dict: a picture for every camera, the LiDAR where there is one, the ego's motion, and what is heard.

    Args:
        rig: Decides which pictures there are, and how many LiDAR points.
    """
    spaces = require("gymnasium.spaces", "gym")
    ego_high = np.array([FASTEST_MPS, HARDEST_MPS2, SHARPEST_RADPS], dtype=np.float32)
    parts: dict[str, Any] = {
        f"camera_{name}": spaces.Box(0, 255, (spec.height_px, spec.width_px, 3), np.uint8)
        for name, spec in rig.cameras.items()
    }
    if rig.lidar is not None:
        count = rig.lidar.channels * rig.lidar.azimuths
        parts["lidar"] = spaces.Box(-FARTHEST_M, FARTHEST_M, (count, 3), np.float32)
        parts["lidar_count"] = spaces.Box(0, count, (1,), np.int64)
    return spaces.Dict(
        {
            **parts,
            "ego": spaces.Box(-ego_high, ego_high, dtype=np.float32),
            "instruction": spaces.Text(LONGEST_SENTENCE, min_length=0, charset=string.printable),
            "command": spaces.Discrete(len(COMMANDS)),
            "target_points_m": spaces.Box(-FARTHEST_M, FARTHEST_M, (2, 2), np.float32),
        }
    )


def laid_out(observation: Observation, rig: SensorRig) -> dict[str, Any]:
    """An observation in the space above.

    Numbers beyond their box are brought to its edge. LiDAR rows behind the points that came are zero, and
    ``lidar_count`` tells how many came.

    Raises:
        ContractError: No command or no target points were given.
    """
    if observation.command is None or observation.target_points_m is None:
        raise ContractError("the environment's observation needs a command and target points: guide it by 'all'")
    laid: dict[str, Any] = {f"camera_{name}": observation.cameras[name].image.copy() for name in rig.cameras}
    if rig.lidar is not None:
        laid |= _lidar(observation, rig.lidar.channels * rig.lidar.azimuths)
    ego = observation.ego
    high = np.array([FASTEST_MPS, HARDEST_MPS2, SHARPEST_RADPS])
    motion = np.clip([ego.speed_mps, ego.acceleration_mps2, ego.yaw_rate_radps], -high, high)
    targets = np.clip(observation.target_points_m, -FARTHEST_M, FARTHEST_M)
    return {
        **laid,
        "ego": motion.astype(np.float32),
        "instruction": observation.instruction or "",
        "command": np.int64(COMMANDS.index(observation.command)),
        "target_points_m": targets.astype(np.float32),
    }


def _lidar(observation: Observation, count: int) -> dict[str, Any]:
    points = np.zeros((count, 3), dtype=np.float32)
    came = 0 if observation.lidar is None else min(len(observation.lidar.points_m), count)
    if observation.lidar is not None:
        points[:came] = observation.lidar.points_m[:came]
    return {"lidar": points, "lidar_count": np.array([came], dtype=np.int64)}
