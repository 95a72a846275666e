"""The record of a drive: a Parquet table with a row for every tick, from which it can be scored again."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError, MissingExtra, require
from drivevla.evaluation.driving_score import ActorPose, Collision, Tick
from drivevla.planner.control import VehicleControl
from drivevla.runs.atomic import write_bytes_atomically
from drivevla.types import Command, Plan

__all__ = ["FORMAT", "DriveRecord", "Heard", "Recorder", "TickRow", "read_record"]

FORMAT = 2
_KEY = b"drivevla"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heard:
    """What the policy was told of its way when it was asked.

    Attributes:
        text: The sentence.
        command: Of the next target.
        target_points_m: (2, 2) ego frame.
        distance_m: How far along the route the car was, by its own estimate.
        offset_m: How far beside it.
    """

    text: str | None
    command: Command | None
    target_points_m: NDArray[np.float64] | None
    distance_m: float
    offset_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRow:
    """One tick of a drive.

    Attributes:
        tick: What the criteria were told.
        control: Pedals and wheel during the tick.
        plan: The plan that the policy gave after it; None where it was not asked. Its modes are not kept.
        heard: What it was told then.
    """

    tick: Tick
    control: VehicleControl
    plan: Plan | None = None
    heard: Heard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveRecord:
    """A drive as it was recorded.

    Attributes:
        about: Which route, policy, seed and backend it was; whatever the recorder was given.
        rows: Every tick, in order.
    """

    about: Mapping[str, Any]
    rows: tuple[TickRow, ...]


class Recorder:
    """Collects the ticks of one drive, and writes them whole or not at all.

    Args:
        about: Kept in the file; plain JSON. The time on the wall has no place in it: the same drive gives the same
            file.
    """

    def __init__(self, about: Mapping[str, Any]) -> None:
        self._about = dict(about)
        self._rows: list[TickRow] = []

    def add(self, row: TickRow) -> None:
        """Take one tick."""
        self._rows.append(row)

    def write(self, path: Path) -> None:
        """Write the table; a reader sees all of it or nothing.

        Raises:
            MissingExtra: pyarrow cannot be imported.
        """
        arrow = _arrow()
        table = arrow.Table.from_pylist([_plain(row) for row in self._rows], schema=_schema(arrow))
        about = json.dumps({"format": FORMAT, "about": self._about}, sort_keys=True)
        buffer = io.BytesIO()
        arrow.parquet.write_table(table.replace_schema_metadata({_KEY: about.encode()}), buffer)
        write_bytes_atomically(path, buffer.getvalue())


def read_record(path: Path) -> DriveRecord:
    """Read a record back.

    Raises:
        DataError: The file is missing, damaged, no record of ours, or of another format.
        MissingExtra: pyarrow cannot be imported.
    """
    arrow = _arrow()
    try:
        table = arrow.parquet.read_table(path)
    except (OSError, arrow.ArrowInvalid) as error:
        raise DataError(f"{path} is no readable Parquet file: {error}") from error
    written = (table.schema.metadata or {}).get(_KEY)
    if written is None:
        raise DataError(f"{path} is a Parquet file and no record of a drive; those are called ticks.parquet")
    content = json.loads(written)
    if content["format"] != FORMAT:
        raise DataError(f"{path} is a record of format {content['format']}; this version reads format {FORMAT}")
    return DriveRecord(about=content["about"], rows=tuple(_row(plain) for plain in table.to_pylist()))


def _arrow() -> Any:
    try:
        arrow = require("pyarrow", "data")
        require("pyarrow.parquet", "data")
    except MissingExtra:
        raise
    except ImportError as error:  # pyarrow is there and does not take the NumPy that is there
        raise MissingExtra(
            f"pyarrow is needed here and cannot be imported: {error}; install versions of pyarrow and NumPy that fit "
            "each other"
        ) from error
    return arrow


def _schema(arrow: Any) -> Any:
    real, reals, whole = arrow.float64(), arrow.list_(arrow.float64()), arrow.int64()
    collision = arrow.struct([("actor_id", whole), ("type_id", arrow.string())])
    pose = [(name, real) for name in ("x_m", "y_m", "z_m", "yaw_rad", "pitch_rad")]
    return arrow.schema(
        [
            ("index", whole),
            ("time_s", real),
            *pose,
            *((f"velocity_{axis}_mps", real) for axis in "xyz"),
            ("speed_limit_mps", real),
            ("background_speeds_mps", reals),
            ("collisions", arrow.list_(collision)),
            ("red_lights", arrow.list_(whole)),
            ("wrong_lane_excused", arrow.bool_()),
            ("blocking_scenarios", arrow.list_(arrow.string())),
            ("emergency_vehicle", arrow.struct(pose)),
            *((name, real) for name in ("throttle", "brake", "steering")),
            ("reverse", arrow.bool_()),
            ("heard_text", arrow.string()),
            ("heard_command", arrow.string()),
            ("heard_target_points_m", reals),
            ("route_distance_m", real),
            ("route_offset_m", real),
            ("plan_waypoints", reals),
            ("plan_dt_s", real),
            ("plan_path_m", reals),
            ("plan_path_spacing_m", real),
            ("plan_target_speed_mps", real),
            ("plan_text", arrow.string()),
            ("plan_refused", arrow.bool_()),
            ("plan_diagnostics", arrow.string()),
        ]
    )


def _plain(row: TickRow) -> dict[str, Any]:
    tick = row.tick
    return {
        "index": tick.index,
        "time_s": tick.time_s,
        **_plain_pose(tick.ego),
        **{f"velocity_{axis}_mps": value for axis, value in zip("xyz", tick.velocity_mps, strict=True)},
        "speed_limit_mps": tick.speed_limit_mps,
        "background_speeds_mps": list(tick.background_speeds_mps),
        "collisions": [asdict(collision) for collision in tick.collisions],
        "red_lights": sorted(tick.red_lights),
        "wrong_lane_excused": tick.wrong_lane_excused,
        "blocking_scenarios": sorted(tick.blocking_scenarios),
        "emergency_vehicle": None if tick.emergency_vehicle is None else _plain_pose(tick.emergency_vehicle),
        **asdict(row.control),
        **({} if row.heard is None else _plain_heard(row.heard)),
        **({} if row.plan is None else _plain_plan(row.plan)),
    }


def _plain_pose(pose: ActorPose) -> dict[str, float]:
    place = dict(zip(("x_m", "y_m", "z_m"), pose.position_m, strict=True))
    return {**place, "yaw_rad": pose.yaw_rad, "pitch_rad": pose.pitch_rad}


def _plain_heard(heard: Heard) -> dict[str, Any]:
    return {
        "heard_text": heard.text,
        "heard_command": None if heard.command is None else heard.command.value,
        "heard_target_points_m": None if heard.target_points_m is None else heard.target_points_m.ravel().tolist(),
        "route_distance_m": heard.distance_m,
        "route_offset_m": heard.offset_m,
    }


def _plain_plan(plan: Plan) -> dict[str, Any]:
    return {
        "plan_waypoints": plan.waypoints.ravel().tolist(),
        "plan_dt_s": plan.dt_s,
        "plan_path_m": None if plan.path_m is None else plan.path_m.ravel().tolist(),
        "plan_path_spacing_m": plan.path_spacing_m,
        "plan_target_speed_mps": plan.target_speed_mps,
        "plan_text": plan.text,
        "plan_refused": plan.refused,
        "plan_diagnostics": json.dumps(dict(plan.diagnostics), sort_keys=True) if plan.diagnostics else None,
    }


def _row(plain: Mapping[str, Any]) -> TickRow:
    tick = Tick(
        index=plain["index"],
        time_s=plain["time_s"],
        ego=_pose(plain),
        velocity_mps=(plain["velocity_x_mps"], plain["velocity_y_mps"], plain["velocity_z_mps"]),
        speed_limit_mps=plain["speed_limit_mps"],
        background_speeds_mps=tuple(plain["background_speeds_mps"]),
        collisions=tuple(Collision(**each) for each in plain["collisions"]),
        red_lights=frozenset(plain["red_lights"]),
        wrong_lane_excused=plain["wrong_lane_excused"],
        blocking_scenarios=frozenset(plain["blocking_scenarios"]),
        emergency_vehicle=None if plain["emergency_vehicle"] is None else _pose(plain["emergency_vehicle"]),
    )
    control = VehicleControl(**{name: plain[name] for name in ("throttle", "brake", "steering", "reverse")})
    return TickRow(
        tick=tick,
        control=control,
        plan=None if plain["plan_waypoints"] is None else _plan(plain),
        heard=None if plain["route_distance_m"] is None else _heard(plain),
    )


def _heard(plain: Mapping[str, Any]) -> Heard:
    points = plain["heard_target_points_m"]
    return Heard(
        text=plain["heard_text"],
        command=None if plain["heard_command"] is None else Command(plain["heard_command"]),
        target_points_m=None if points is None else np.reshape(points, (-1, 2)),
        distance_m=plain["route_distance_m"],
        offset_m=plain["route_offset_m"],
    )


def _pose(plain: Mapping[str, Any]) -> ActorPose:
    position = plain["x_m"], plain["y_m"], plain["z_m"]
    return ActorPose(position_m=position, yaw_rad=plain["yaw_rad"], pitch_rad=plain["pitch_rad"])


def _plan(plain: Mapping[str, Any]) -> Plan:
    path = plain["plan_path_m"]
    return Plan(
        waypoints=np.reshape(plain["plan_waypoints"], (-1, 3)),
        dt_s=plain["plan_dt_s"],
        path_m=None if path is None else np.reshape(path, (-1, 2)),
        path_spacing_m=plain["plan_path_spacing_m"],
        target_speed_mps=plain["plan_target_speed_mps"],
        text=plain["plan_text"],
        refused=plain["plan_refused"],
        diagnostics={} if plain["plan_diagnostics"] is None else json.loads(plain["plan_diagnostics"]),
    )
