"""Made-up observations of the right form, for tests that need no meaning."""

import numpy as np

from drivevla.types import (
    CameraFrame,
    CameraSpec,
    Command,
    EgoState,
    LidarSpec,
    LidarSweep,
    Observation,
    PastPoses,
    SensorRig,
)

__all__ = ["sample_observation"]


def sample_observation(
    rig: SensorRig,
    *,
    rng: np.random.Generator,
    timestamp_s: float = 0.0,
    instruction: str | None = "turn left at the next junction",
) -> Observation:
    """An observation with every sensor of the rig, filled with noise.

    Args:
        rig: Which sensors there are.
        rng: Source of the noise.
        timestamp_s: Now.
        instruction: What is asked for.
    """
    speed_mps = float(rng.uniform(0.0, 15.0))
    past_s = np.arange(-4, 1) / rig.capture_hz
    past = np.stack([past_s * speed_mps, np.zeros(5), np.zeros(5)], axis=-1)
    return Observation(
        timestamp_s=timestamp_s,
        ego=EgoState(speed_mps=speed_mps, yaw_rate_radps=float(rng.normal(scale=0.1))),
        cameras={name: _noise_frame(spec, rng, timestamp_s) for name, spec in rig.cameras.items()},
        lidar=_noise_sweep(rig.lidar, rng, timestamp_s) if rig.lidar is not None else None,
        past=PastPoses(times_s=past_s, poses=past),
        instruction=instruction,
        command=Command.LEFT,
        target_points_m=np.array([[10.0, 0.0], [30.0, 2.0]]),
    )


def _noise_frame(spec: CameraSpec, rng: np.random.Generator, timestamp_s: float) -> CameraFrame:
    return CameraFrame(
        image=rng.integers(0, 256, (spec.height_px, spec.width_px, 3), dtype=np.uint8),
        intrinsics_px=spec.intrinsics_px,
        ego_from_camera=spec.ego_from_camera,
        timestamp_s=timestamp_s,
    )


def _noise_sweep(spec: LidarSpec, rng: np.random.Generator, timestamp_s: float) -> LidarSweep:
    azimuth = rng.uniform(-np.pi, np.pi, spec.channels * spec.azimuths)
    distance = rng.uniform(2.0, spec.range_m, azimuth.shape)
    points = np.stack(
        [distance * np.cos(azimuth), distance * np.sin(azimuth), rng.uniform(-1.0, 3.0, azimuth.shape)], -1
    )
    return LidarSweep(
        points_m=points.astype(np.float32),
        intensity=rng.uniform(0.0, 1.0, azimuth.shape).astype(np.float32),
        timestamp_s=timestamp_s,
    )
