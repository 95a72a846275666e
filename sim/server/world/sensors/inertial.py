"""IMU and GNSS.

Definitions are those of carla.org, "Sensors reference": the accelerometer feels gravity and measures in the sensor's
own axes, the gyroscope likewise, the compass is 0 towards CARLA's -y (north) and grows clockwise. As in CARLA the
acceleration is the second difference of the sensor's own position, so that a lever arm counts.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import SimulatorError
from drivevla.sim.server.pose import Pose, rotation_matrices

if TYPE_CHECKING:
    import carla

__all__ = ["GRAVITY_MPS2", "Gnss", "Imu", "attribute_number"]

GRAVITY_MPS2 = 9.81

FloatArray = NDArray[np.float64]


def attribute_number(attributes: Mapping[str, str], name: str) -> float:
    """A sensor attribute as a finite number.

    Raises:
        SimulatorError: It is missing or no finite number.
    """
    try:
        value = float(attributes[name])
    except KeyError:
        raise SimulatorError(f"the sensor's blueprint lacks the attribute {name!r}") from None
    except ValueError:
        raise SimulatorError(f"attribute {name!r} must be a number, got {attributes[name]!r}") from None
    if not math.isfinite(value):
        raise SimulatorError(f"attribute {name!r} must be finite, got {attributes[name]!r}")
    return value


def _three(attributes: Mapping[str, str], pattern: str, axes: tuple[str, str, str]) -> FloatArray:
    return np.array([attribute_number(attributes, pattern.format(axis)) for axis in axes])


@dataclass(slots=True)
class Imu:
    """An inertial measurement unit.

    Attributes:
        accel_stddev: Noise of the three accelerometer axes, m/s2.
        gyro_stddev: Noise of the three gyroscope axes, rad/s.
        gyro_bias: Constant error of the gyroscope, rad/s.
    """

    accel_stddev: FloatArray
    gyro_stddev: FloatArray
    gyro_bias: FloatArray
    _location_m: FloatArray | None = field(default=None, repr=False)
    _velocity_mps: FloatArray | None = field(default=None, repr=False)
    _acceleration_mps2: FloatArray = field(default_factory=lambda: np.zeros(3), repr=False)

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> "Imu":
        """From the attributes of ``sensor.other.imu``.

        Raises:
            SimulatorError: An attribute is missing, no finite number, or a negative deviation.
        """
        axes = ("x", "y", "z")
        imu = cls(
            _three(attributes, "noise_accel_stddev_{}", axes),
            _three(attributes, "noise_gyro_stddev_{}", axes),
            _three(attributes, "noise_gyro_bias_{}", axes),
        )
        if (imu.accel_stddev < 0).any() or (imu.gyro_stddev < 0).any():
            raise SimulatorError("standard deviations of an IMU's noise cannot be negative")
        return imu

    def follow(self, location_m: FloatArray, step_s: float) -> None:
        """Note where the sensor is after a tick of ``step_s``; every tick, whether or not it measures."""
        if self._location_m is None:
            self._location_m = location_m.copy()
            return
        velocity_mps = (location_m - self._location_m) / step_s
        if self._velocity_mps is not None:
            self._acceleration_mps2 = (velocity_mps - self._velocity_mps) / step_s
        self._velocity_mps = velocity_mps
        self._location_m = location_m.copy()

    def lose_track(self) -> None:
        """Forget where the sensor was: it was put somewhere else, and no acceleration took it there."""
        self._location_m = self._velocity_mps = None
        self._acceleration_mps2 = np.zeros(3)

    def measure(
        self, pose: Pose, angular_velocity_dps: FloatArray, gravity_mps2: float, rng: Callable[[], np.random.Generator]
    ) -> list[object]:
        """Accelerometer (m/s2), gyroscope (rad/s), compass (rad), as the message carries them; ``rng`` is for noise."""
        sensor_from_world = rotation_matrices(pose.rotation_deg).T
        felt = sensor_from_world @ (self._acceleration_mps2 + np.array([0.0, 0.0, gravity_mps2]))
        turn = sensor_from_world @ np.radians(angular_velocity_dps)
        if self.accel_stddev.any() or self.gyro_stddev.any():
            noise = rng().standard_normal(6)
            felt = felt + noise[:3] * self.accel_stddev
            turn = turn + noise[3:] * self.gyro_stddev
        compass = math.radians(pose.rotation_deg[1] + 90.0) % (2.0 * math.pi)
        return [felt.tolist(), (turn + self.gyro_bias).tolist(), compass]


@dataclass(frozen=True, slots=True)
class Gnss:
    """A satellite receiver.

    Attributes:
        bias: Constant error of latitude (deg), longitude (deg), altitude (m).
        stddev: Noise of the three.
    """

    bias: FloatArray
    stddev: FloatArray

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> "Gnss":
        """From the attributes of ``sensor.other.gnss``.

        Raises:
            SimulatorError: An attribute is missing, no finite number, or a negative deviation.
        """
        axes = ("lat", "lon", "alt")
        gnss = cls(_three(attributes, "noise_{}_bias", axes), _three(attributes, "noise_{}_stddev", axes))
        if (gnss.stddev < 0).any():
            raise SimulatorError("standard deviations of a GNSS receiver's noise cannot be negative")
        return gnss

    def measure(
        self, location_m: FloatArray, carla_map: "carla.Map", rng: Callable[[], np.random.Generator]
    ) -> list[float]:
        """Latitude, longitude (degrees) and altitude (metres), as the message carries them; ``rng`` is for noise."""
        import carla

        x, y, z = location_m.tolist()
        geo = carla_map.transform_to_geolocation(carla.Location(x, y, z))
        fix = np.array([geo.latitude, geo.longitude, geo.altitude]) + self.bias
        if self.stddev.any():
            fix = fix + rng().standard_normal(3) * self.stddev
        position: list[float] = fix.tolist()
        return position
