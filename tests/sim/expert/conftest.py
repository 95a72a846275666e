"""A straight two-lane road, and whoever stands on it, as a truth."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from drivevla.geometry import matrix_from_yaw, rigid
from drivevla.types import (
    Command,
    EgoState,
    LaneTruth,
    LightState,
    LightTruth,
    ObjectTruth,
    Observation,
    SignTruth,
    Truth,
)

LANE_M = 3.5


@pytest.fixture(scope="session")
def road() -> Callable[..., Truth]:
    """A truth: the ego at the origin, its route straight ahead, one oncoming lane on its left.

    With ``left`` "same" the lane on the left goes our way; with None there is none. With ``crossing_m`` there is a
    junction so far ahead, with a lane that crosses ours from left to right.
    """

    def make(
        *objects: ObjectTruth,
        left: str | None = "oncoming",
        lights: Sequence[LightTruth] = (),
        signs: Sequence[SignTruth] = (),
        time_s: float = 0.0,
        distance_m: float = 50.0,
        limit_mps: float = 10.0,
        world_from_ego: np.ndarray | None = None,  # type: ignore[type-arg]
        commands: tuple[Command, ...] | None = None,
        crossing_m: float | None = None,
    ) -> Truth:
        along = np.arange(-1.0, 121.0)
        line = np.stack([along, np.zeros_like(along)], axis=-1)
        beside = line + np.array([0.0, LANE_M])
        lanes = [
            LaneTruth(
                lane_id="own",
                centerline_m=line,
                width_m=LANE_M,
                left_id="beside" if left else "",
                right_id="",
                left_same_direction=None if left is None else left == "same",
                successors=(),
            )
        ]
        if left:
            lanes.append(
                LaneTruth(
                    lane_id="beside",
                    centerline_m=beside if left == "same" else beside[::-1],
                    width_m=LANE_M,
                    left_id="" if left == "same" else "own",
                    right_id="own" if left == "same" else "",
                    successors=(),
                )
            )
        inside = np.zeros(len(line) - 1, dtype=np.bool_)
        if crossing_m is not None:
            inside[int(crossing_m) - 8 : int(crossing_m) + 8] = True
            down = np.arange(60.0, -61.0, -2.0)
            lanes.append(
                LaneTruth(
                    lane_id="across",
                    centerline_m=np.stack([np.full_like(down, crossing_m), down], axis=-1),
                    width_m=LANE_M,
                    in_junction=True,
                    left_id="",
                    right_id="",
                    successors=(),
                )
            )
        return Truth(
            timestamp_s=time_s,
            world_from_ego=np.eye(4) if world_from_ego is None else world_from_ego,
            objects=objects,
            lights=tuple(lights),
            signs=tuple(signs),
            lanes=tuple(lanes),
            route_m=line[1:],
            route_commands=commands or (Command.LANE_FOLLOW,) * (len(line) - 1),
            route_lane_ids=("own",) * (len(line) - 1),
            route_in_junction=inside,
            route_distance_m=distance_m,
            route_left_m=300.0,
            speed_limit_mps=limit_mps,
        )

    return make


@pytest.fixture(scope="session")
def body() -> Callable[..., ObjectTruth]:
    """Somebody: where its middle is, how it is turned and how fast it goes along its heading."""

    def make(
        x_m: float,
        y_m: float = 0.0,
        *,
        yaw_rad: float = 0.0,
        speed_mps: float = 0.0,
        category: str = "vehicle.car",
        size_m: tuple[float, float, float] = (4.0, 1.8, 1.5),
        name: str = "1",
        **more: object,
    ) -> ObjectTruth:
        return ObjectTruth(
            track_id=name,
            category=category,
            ego_from_object=rigid(matrix_from_yaw(yaw_rad), [x_m, y_m, size_m[2] / 2]),
            size_m=np.array(size_m),
            velocity_mps=speed_mps * np.array([np.cos(yaw_rad), np.sin(yaw_rad)]),
            acceleration_mps2=np.zeros(2),
            yaw_rate_radps=0.0,
            **more,  # type: ignore[arg-type]
        )

    return make


@pytest.fixture(scope="session")
def light() -> Callable[[LightState, float], LightTruth]:
    """A light over the ego's lane with its line so far from the ego's origin."""

    def make(state: LightState, stop_m: float) -> LightTruth:
        return LightTruth(
            light_id="l",
            state=state,
            position_m=np.array([stop_m + 10, 4.0, 5.0]),
            affects_ego=True,
            stop_distance_m=stop_m,
        )

    return make


@pytest.fixture(scope="session")
def seen() -> Callable[[float], Observation]:
    """What the ego sees at a speed: nothing but that."""

    def make(speed_mps: float) -> Observation:
        return Observation(timestamp_s=0.0, ego=EgoState(speed_mps=speed_mps))

    return make
