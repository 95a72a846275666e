"""How the car moves and where it was, from its own sensors: satellite fixes, compass and gyroscope, speedometer.

The runner and the official-harness agent share this one filter, so that a policy meets the same estimates in both. It
is an extended Kalman filter of a unicycle (x, y, yaw): wheel speed and yaw rate predict, fixes and compass correct.
Source of the method: Thrun, Burgard, Fox, "Probabilistic Robotics" (2005), section 3.3 and 5.3 (velocity motion model).
"""

import math
from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.geometry import compose_se2, invert_se2
from drivevla.types import EgoState, PastPoses

__all__ = ["EgoFilter"]

FIX_STD_M = 0.5
"""The leaderboard's receiver has a standard deviation of 5e-6 degrees, about 0.55 m (its ``agent_wrapper.py``)."""

COMPASS_STD_RAD = 0.01
SPEED_STD_SHARE = 0.01
YAW_RATE_STD_RADPS = 0.005
"""Trust in the other sensors: CARLA's compass has no noise, its gyroscope 0.001 rad/s in the leaderboard."""

READING_STD = (FIX_STD_M, FIX_STD_M, COMPASS_STD_RAD)
YAW = 2


class EgoFilter:
    """Filters one car's own sensors; one per episode.

    The world is ours: x east, y left of it, counter-clockwise yaw (``drivevla.geometry.carla`` converts).
    """

    def __init__(self, *, history_s: float = 2.0) -> None:
        self._history_s = history_s
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._pose: NDArray[np.float64] | None = None
        self._covariance = np.diag(READING_STD) ** 2
        self._odometry = np.zeros(3)
        self._heard: str | None = None
        self._heard_at = np.zeros(3)
        self._trail: deque[tuple[float, NDArray[np.float64]]] = deque()
        self._state = EgoState(speed_mps=0.0)
        self._time_s = -np.inf

    def update(
        self,
        *,
        time_s: float,
        fix_m: ArrayLike,
        yaw_rad: float,
        yaw_rate_radps: float,
        speed_mps: float,
        acceleration_mps2: float,
        steering_rad: float | None = None,
    ) -> None:
        """Take the readings of one tick.

        Args:
            time_s: When they were taken; must grow.
            fix_m: (2,) the satellite fix of the ego frame's origin, world.
            yaw_rad: The compass, as yaw.
            yaw_rate_radps: Gyroscope about z, counter-clockwise.
            speed_mps: Speedometer.
            acceleration_mps2: Along the car.
            steering_rad: Road-wheel angle, where known.

        Raises:
            ContractError: Time does not grow, or a reading is not finite.
        """
        fix = np.asarray(fix_m, dtype=np.float64)
        readings = np.array([time_s, *fix, yaw_rad, yaw_rate_radps, speed_mps, acceleration_mps2])
        if fix.shape != (2,) or not np.isfinite(readings).all():
            raise ContractError(f"the ego filter takes finite readings and a fix of 2 numbers, got {readings.tolist()}")
        if time_s <= self._time_s:
            raise ContractError(f"readings must follow each other in time: {time_s:g} s came after {self._time_s:g} s")
        if self._pose is None:
            self._pose = np.array([*fix, yaw_rad])
        else:
            self._predict(speed_mps, yaw_rate_radps, time_s - self._time_s)
            self._correct(fix, yaw_rad)
        self._time_s = time_s
        self._state = EgoState(
            speed_mps=speed_mps,
            acceleration_mps2=acceleration_mps2,
            yaw_rate_radps=yaw_rate_radps,
            steering_rad=steering_rad,
        )
        self._trail.append((time_s, self._odometry))
        while time_s - self._trail[0][0] > self._history_s + 1e-6:
            self._trail.popleft()

    @property
    def state(self) -> EgoState:
        """How the car moves now."""
        return self._state

    @property
    def world_from_ego(self) -> NDArray[np.float64]:
        """(3,) x, y, yaw: where the car is, as well as its sensors know.

        Raises:
            ContractError: No reading has come yet.
        """
        if self._pose is None:
            raise ContractError("the ego filter has had no reading yet; call update first")
        return self._pose

    def told_pose(self, instruction: str | None) -> NDArray[np.float64] | None:
        """(3,) x, y, yaw in the ego frame: where the car was when it first heard what it hears, from odometry alone.

        Args:
            instruction: What is asked for now; None where nothing is, and then there is no such place. The place stays
                until something else is asked for here.
        """
        if instruction != self._heard:
            self._heard, self._heard_at = instruction, self._odometry
        return None if instruction is None else compose_se2(invert_se2(self._odometry), self._heard_at)

    def past(self, *, step_s: float) -> PastPoses:
        """The trail, from odometry alone: over two seconds it is far smoother than fixes are.

        Args:
            step_s: Time between two poses; the newest is now.
        """
        times = np.array([time for time, _ in self._trail]) - self._time_s
        wanted = np.arange(0.0, times[0] - 1e-6, -step_s)[::-1]
        picked = np.abs(times[:, None] - wanted).argmin(axis=0)
        poses = compose_se2(invert_se2(self._odometry), np.stack([self._trail[index][1] for index in picked]))
        return PastPoses(times_s=np.minimum(times[picked], 0.0), poses=poses)

    def _predict(self, speed_mps: float, yaw_rate_radps: float, dt_s: float) -> None:
        assert self._pose is not None
        turn = yaw_rate_radps * dt_s
        distance = speed_mps * dt_s
        heading = float(self._pose[2]) + turn / 2
        east, north = math.cos(heading), math.sin(heading)
        jacobian = np.array([[1.0, 0.0, -distance * north], [0.0, 1.0, distance * east], [0.0, 0.0, 1.0]])
        along = SPEED_STD_SHARE * distance + 1e-3
        noise = np.array([[east * along, 0.0], [north * along, 0.0], [0.0, YAW_RATE_STD_RADPS * dt_s]])
        self._covariance = jacobian @ self._covariance @ jacobian.T + noise @ noise.T
        self._pose = _moved(self._pose, distance, turn)
        self._odometry = _moved(self._odometry, distance, turn)

    def _correct(self, fix_m: NDArray[np.float64], yaw_rad: float) -> None:
        assert self._pose is not None
        pose, covariance = self._pose, self._covariance
        # The three readings err independently, so they are taken one by one: the same estimate, and no matrix to
        # invert, for which NumPy wakes every core.
        for axis, (reading, std) in enumerate(zip((*fix_m, yaw_rad), READING_STD, strict=True)):
            surprise = reading - pose[axis]
            if axis == YAW:
                surprise = math.remainder(surprise, math.tau)
            gain = covariance[:, axis] / (covariance[axis, axis] + std**2)
            pose = pose + gain * surprise
            covariance = covariance - gain[:, None] * covariance[axis]
        pose[YAW] = _wrapped(pose[YAW])
        self._pose, self._covariance = pose, covariance


def _moved(pose: NDArray[np.float64], distance_m: float, turn_rad: float) -> NDArray[np.float64]:
    """A pose after driving along the chord of an arc."""
    x, y, yaw = pose.tolist()
    heading = yaw + turn_rad / 2
    return np.array([x + distance_m * math.cos(heading), y + distance_m * math.sin(heading), _wrapped(yaw + turn_rad)])


def _wrapped(angle_rad: float) -> float:
    # Single numbers at every tick: an array's ``wrap_angle`` takes ten times as long.
    wrapped = math.remainder(angle_rad, math.tau)
    return -math.pi if wrapped >= math.pi else wrapped
