"""A small made-up drive, for tests and for trying things out without a simulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.drivelog.writer import DriveLogWriter
from drivevla.geometry import matrix_from_yaw, rigid, transform_points
from drivevla.language import (
    Cause,
    Commentary,
    Instruction,
    InstructionKind,
    Lateral,
    Longitudinal,
    MetaAction,
    Side,
    goal_of,
)
from drivevla.types import (
    Alternative,
    CameraFrame,
    CameraSpec,
    Command,
    EgoState,
    Future,
    LaneTruth,
    LidarSpec,
    LidarSweep,
    LightState,
    LightTruth,
    ObjectTruth,
    Observation,
    PastPoses,
    Provenance,
    Sample,
    SensorRig,
    SignKind,
    SignTruth,
    Truth,
    VehicleLight,
    Visibility,
)

__all__ = ["RATE_HZ", "small_rig", "turning_drive", "write_fixture"]

RATE_HZ = 5.0
_SPEED_MPS, _YAW_RATE_RADPS = 8.0, 0.1


def small_rig() -> SensorRig:
    """Two small cameras and a LiDAR of 8 beams."""
    look_ahead = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    camera = {"width_px": 48, "height_px": 32, "fov_deg": 70.0}
    return SensorRig(
        name="small",
        cameras={
            "front": CameraSpec(**camera, ego_from_camera=rigid(look_ahead, [1.5, 0.0, 1.6])),  # type: ignore[arg-type]
            "left": CameraSpec(
                **camera,  # type: ignore[arg-type]
                ego_from_camera=rigid(matrix_from_yaw(np.pi / 3.0) @ look_ahead, [1.3, 0.5, 1.6]),
            ),
        },
        lidar=LidarSpec(
            channels=8,
            azimuths=90,
            range_m=80.0,
            upper_fov_deg=5.0,
            lower_fov_deg=-25.0,
            ego_from_lidar=rigid(np.eye(3), [1.2, 0.0, 1.9]),
        ),
        capture_hz=RATE_HZ,
        control_hz=20.0,
    )


def turning_drive(rig: SensorRig, *, frames: int, seed: int = 0, name: str = "drive") -> list[Sample]:
    """A car that goes round a wide left bend at 8 m/s, past a parked car, under a light; one recovery at frame 3."""
    rng = np.random.default_rng(seed)
    samples = []
    for frame in range(frames):
        samples.append(_sample(rig, rng, frame=frame, name=name))
        if frame == 3:
            samples.append(_recovery(rig, rng, frame=frame, name=name))
    return samples


def write_fixture(root: Path, *, episodes: int = 3, frames: int = 12) -> None:
    """A drive log of a few made-up drives, in two made-up towns."""
    rig = small_rig()
    writer = DriveLogWriter(root, rig=rig, dataset="made-up drives")
    for number in range(episodes):
        name, town = f"drive_{number:02d}", f"Gen_grid_{number % 2 + 1}"
        labels = {"weather": "ClearNoon", "log": f"log_{number // 2}"}
        with writer.episode(name, split="train", map_name=town, description="a bend", labels=labels) as episode:
            for sample in turning_drive(rig, frames=frames, seed=number, name=name):
                episode.add(sample)


def _world_from_ego(time_s: float) -> NDArray[np.float64]:
    yaw, radius_m = _YAW_RATE_RADPS * time_s, _SPEED_MPS / _YAW_RATE_RADPS
    return rigid(matrix_from_yaw(yaw), [radius_m * np.sin(yaw), radius_m * (1.0 - np.cos(yaw)), 0.0])


def _sample(rig: SensorRig, rng: np.random.Generator, *, frame: int, name: str) -> Sample:
    now_s = frame / RATE_HZ
    instruction = Instruction(kind=InstructionKind.CHANGE_LANE, side=Side.LEFT)
    return Sample(
        source=Provenance(dataset="made-up drives", scene=name, token=f"{name}/{frame}"),
        observation=_observation(rig, rng, now_s),
        truth=_truth(now_s, instruction),
        commentary="We slow down for the bend.",
        labels={"frame": str(frame)},
        refused=False,
        target_speed_mps=_SPEED_MPS,
        explanation=Commentary(
            action=MetaAction(Longitudinal.SLOW_DOWN, Lateral.KEEP_LANE), cause=Cause.CURVE, side=Side.LEFT
        ),
        alternatives=(
            Alternative(
                sentence="Turn right.", future=_future(-0.2), target_speed_mps=6.0, told_pose=np.array([-9.0, 0.5, 0.1])
            ),
            Alternative(sentence="Drive into the river.", future=_future(_YAW_RATE_RADPS), refused=True),
        ),
    )


def _recovery(rig: SensorRig, rng: np.random.Generator, *, frame: int, name: str) -> Sample:
    """The same instant from half a metre to the left, with the way back."""
    now_s = frame / RATE_HZ
    moved = _world_from_ego(now_s) @ rigid(np.eye(3), [0.0, 0.5, 0.0])
    return Sample(
        source=Provenance(dataset="made-up drives", scene=name, token=f"{name}/{frame}/recovery"),
        observation=_observation(rig, rng, now_s),
        truth=Truth(timestamp_s=now_s, world_from_ego=moved, future=_future(0.05)),
    )


def _future(yaw_rate_radps: float) -> Future:
    times_s = np.arange(1, 17) * 0.25
    yaw = yaw_rate_radps * times_s
    radius_m = _SPEED_MPS / yaw_rate_radps
    poses = np.stack([radius_m * np.sin(yaw), radius_m * (1.0 - np.cos(yaw)), yaw], axis=1)
    return Future(times_s=times_s, poses=poses, valid=np.ones(16, dtype=np.bool_))


def _observation(rig: SensorRig, rng: np.random.Generator, now_s: float) -> Observation:
    past_s = np.array([-0.4, -0.2, 0.0])
    return Observation(
        timestamp_s=now_s,
        ego=EgoState(speed_mps=_SPEED_MPS, acceleration_mps2=-0.3, yaw_rate_radps=_YAW_RATE_RADPS, steering_rad=0.03),
        cameras={
            name: CameraFrame(
                image=_picture(rng, spec),
                intrinsics_px=spec.intrinsics_px,
                ego_from_camera=spec.ego_from_camera,
                timestamp_s=now_s,
            )
            for name, spec in rig.cameras.items()
        },
        lidar=None if rig.lidar is None else _sweep(rng, rig.lidar, now_s),
        past=PastPoses(times_s=past_s, poses=np.stack([_SPEED_MPS * past_s, 0 * past_s, 0.1 * past_s], axis=1)),
        instruction="Change to the left lane.",
        command=Command.CHANGE_LANE_LEFT,
        target_points_m=np.array([[20.0, 1.25], [40.0, 6.5]]),
    )


def _picture(rng: np.random.Generator, spec: CameraSpec) -> NDArray[np.uint8]:
    """A sky, a road, and something in front of them."""
    picture = np.zeros((spec.height_px, spec.width_px, 3), dtype=np.uint8)
    picture[: spec.height_px // 2] = (120, 160, 220)
    picture[spec.height_px // 2 :] = (90, 90, 95)
    left, top = rng.integers(0, spec.width_px // 2), rng.integers(0, spec.height_px // 2)
    picture[top : top + 12, left : left + 16] = rng.integers(0, 256, 3)
    return picture


def _sweep(rng: np.random.Generator, spec: LidarSpec, now_s: float) -> LidarSweep:
    """Returns along the sensor's rays, a tenth of them missing."""
    elevation = np.radians(np.linspace(spec.upper_fov_deg, spec.lower_fov_deg, spec.channels))[:, None]
    azimuth = np.arange(spec.azimuths) * (2.0 * np.pi / spec.azimuths) - np.pi
    x, y = np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth)
    rays = np.stack([x, y, np.broadcast_to(np.sin(elevation), x.shape)], axis=-1).reshape(-1, 3)
    range_m = rng.uniform(3.0, 60.0, len(rays))
    there = rng.random(len(rays)) > 0.1
    points = transform_points(spec.ego_from_lidar, rays[there] * range_m[there, None])
    intensity = np.exp(-0.004 * range_m[there])
    return LidarSweep(points_m=points.astype(np.float32), intensity=intensity.astype(np.float32), timestamp_s=now_s)


def _truth(now_s: float, instruction: Instruction) -> Truth:
    along_m = np.arange(0.0, 50.0, 2.0)
    line_m = np.stack([along_m, along_m**2 / 160.0], axis=1)
    parked = ObjectTruth(
        track_id="17",
        category="vehicle.car",
        ego_from_object=rigid(matrix_from_yaw(0.31), [14.1234, -3.4567, 0.7891]),
        size_m=np.array([4.321, 1.812, 1.497]),
        velocity_mps=np.array([0.0, 0.0]),
        lidar_points=42,
        visibility=Visibility.BELOW_80_PERCENT,
        lights=frozenset({VehicleLight.BRAKE}),
        parked=True,
        lane_id="1_0_-1",
    )
    return Truth(
        timestamp_s=now_s,
        world_from_ego=_world_from_ego(now_s),
        map_name="Gen_grid_1",
        objects=(parked,),
        lights=(
            LightTruth(
                light_id="3",
                state=LightState.RED,
                position_m=np.array([30.0, 2.0, 5.5]),
                affects_ego=True,
                stop_distance_m=27.5,
                heads_m=np.array([[30.0, -3.0, 3.1], [48.0, -2.0, 5.8]]),
            ),
        ),
        signs=(SignTruth(sign_id="4", kind=SignKind.YIELD, position_m=np.array([9.0, -4.0, 2.0]), affects_ego=False),),
        lanes=(
            LaneTruth(
                lane_id="1_0_-1",
                centerline_m=line_m,
                width_m=3.5,
                left_id="1_0_-2",
                right_id="",
                left_same_direction=True,
                may_change_left=True,
                may_change_right=False,
                successors=("2_0_-1",),
            ),
        ),
        route_m=line_m,
        route_commands=(Command.LANE_FOLLOW,) * len(line_m),
        route_lane_ids=("1_0_-1",) * len(line_m),
        route_in_junction=np.zeros(len(line_m), dtype=np.bool_),
        route_distance_m=_SPEED_MPS * now_s,
        route_left_m=200.0,
        speed_limit_mps=13.89,
        instruction=instruction,
        goal=goal_of(instruction),
    )
