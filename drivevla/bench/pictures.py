"""Streets to look at: what the embedded simulator's cameras show of a town, by weather, on one sheet.

Run with ``python -m drivevla.bench.pictures OUT.png [MAP ...]``: one map gives its eight weathers, several maps a row
of four weathers each.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drivevla.errors import DataError, require
from drivevla.sim.maps.find import find_map
from drivevla.sim.server.catalogue.catalogue import catalogue
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame, LightColour, RenderActor, VehicleLights
from drivevla.sim.server.render.renderer import Renderer
from drivevla.sim.server.render.requests import CameraShot, CameraSpec
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.scene import Scene

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["WEATHERS", "contact_sheet", "show_street"]

WEATHERS: Mapping[str, Weather] = {
    "clear noon": Weather(cloudiness=15.0, sun_altitude_angle=55.0, sun_azimuth_angle=40.0),
    "sunset": Weather(cloudiness=30.0, sun_altitude_angle=6.0, sun_azimuth_angle=200.0),
    "overcast": Weather(cloudiness=95.0, sun_altitude_angle=45.0),
    "hard rain": Weather(
        cloudiness=95.0,
        precipitation=80.0,
        precipitation_deposits=70.0,
        wind_intensity=30.0,
        sun_altitude_angle=40.0,
        fog_density=10.0,
        wetness=90.0,
    ),
    "fog": Weather(cloudiness=60.0, sun_altitude_angle=40.0, fog_density=55.0, fog_distance=3.0),
    "dust storm": Weather(cloudiness=30.0, sun_altitude_angle=45.0, wind_intensity=60.0, dust_storm=70.0),
    "night": Weather(cloudiness=10.0, sun_altitude_angle=-30.0),
    "rainy night": Weather(
        cloudiness=90.0, precipitation=60.0, precipitation_deposits=60.0, sun_altitude_angle=-30.0, wetness=90.0
    ),
}
"""Of the sheet with one map."""

_FEW = ("clear noon", "hard rain", "fog", "night")
_SPEC = CameraSpec(432, 216, 65.0)
_EYE_HEIGHT_M = 1.65
_BEFORE_LIGHT_M = 26.0
_SIDEWALK_M = 0.15
_STRAIGHT_DEG = 4.0

# What, metres ahead of the camera, and where: in its own lane, in the one to the left, or to the right of the road.
_CAST = (
    ("vehicle.volkswagen.t2_2021", 13.0, "own"),
    ("vehicle.mercedes.sprinter", 22.0, "left"),
    ("vehicle.vespa.zx125", 11.0, "left"),
    ("walker.pedestrian.0004", 21.0, "beside"),
    ("walker.pedestrian.0012", 8.0, "beside"),
)
_BESIDE_LANE_M = 1.7


def show_street(scene: Scene, weathers: Mapping[str, Weather]) -> dict[str, "Image"]:
    """The street before a traffic light, or at the first spawn point where the map has none, in each weather.

    Raises:
        DataError: The map has no place to begin.
    """
    pillow = require("PIL.Image", "report")
    renderer = Renderer(scene.mesh)
    eye, actors = _staged(scene)
    states: dict[str, LightColour] = {signal.signal_id: "red" for signal in scene.signals}
    tiles = {}
    for name, weather in weathers.items():
        frame = DynamicFrame(time_s=1.0, weather=weather, light_states=states, actors=actors)
        picture = renderer.camera(CameraShot(kind="rgb", spec=_SPEC, pose=eye), frame)
        tiles[name] = pillow.fromarray(np.ascontiguousarray(picture[..., 2::-1]))
    return tiles


def contact_sheet(tiles: Mapping[str, "Image"], *, columns: int) -> "Image":
    """Pictures of one size side by side, each with its name in the corner."""
    pillow, drawing = require("PIL.Image", "report"), require("PIL.ImageDraw", "report")
    width, height = next(iter(tiles.values())).size
    sheet: Image = pillow.new("RGB", (columns * width, -(-len(tiles) // columns) * height))
    pen = drawing.Draw(sheet)
    for place, (name, tile) in enumerate(tiles.items()):
        corner = (place % columns * width, place // columns * height)
        sheet.paste(tile, corner)
        left, top, right, bottom = pen.textbbox((corner[0] + 4, corner[1] + 2), name)
        pen.rectangle((left - 4, top - 2, right + 4, bottom + 2), fill="black")
        pen.text((corner[0] + 4, corner[1] + 2), name, fill="white")
    return sheet


def _staged(scene: Scene) -> tuple[Pose, tuple[RenderActor, ...]]:
    """Where the camera stands, and who is on the street before it."""
    start = _before_a_light(scene)
    while (further := start.get_right_lane()) is not None and str(further.lane_type) == "Driving":
        start = further
    actors = []
    for number, (type_id, ahead_m, where) in enumerate(_CAST):
        for lane in start.next(ahead_m)[:1]:
            place = _place(lane, where)
            if place is not None:
                actors.append(_actor(number + 1, type_id, place))
    x, y, z = _place_beside(start, 0.0).location_m
    return Pose((x, y, z + _EYE_HEIGHT_M), (0.0, start.transform.rotation.yaw, 0.0)), tuple(actors)


def _before_a_light(scene: Scene) -> Any:
    """A waypoint on a straight way to a traffic light."""
    carla = require("carla", "sim")
    for signal in scene.signals:
        if signal.kind != "traffic_light":
            continue
        trigger = signal.pose.matrix() @ [*signal.trigger.center_m, 1.0]
        stop = scene.carla_map.get_waypoint(carla.Location(*trigger[:3]))
        for start in stop.previous(_BEFORE_LIGHT_M):
            turn = (start.transform.rotation.yaw - stop.transform.rotation.yaw + 180.0) % 360.0 - 180.0
            if abs(turn) < _STRAIGHT_DEG and not start.is_junction:
                return start
    if not scene.spawn_points:
        raise DataError(f"map {scene.source.name} has neither a traffic light nor a spawn point to look from")
    return scene.carla_map.get_waypoint(carla.Location(*scene.spawn_points[0].location_m))


def _place(lane: Any, where: str) -> Pose | None:
    """In a lane with its traffic, in its left neighbour with that one's, or to the right; None where no lane is."""
    if where == "beside":
        return _place_beside(lane, lane.lane_width / 2 + _BESIDE_LANE_M)
    if where == "left":
        lane = lane.get_left_lane()
    return _place_beside(lane, 0.0) if lane is not None and str(lane.lane_type) == "Driving" else None


def _place_beside(lane: Any, right_m: float) -> Pose:
    place, right = lane.transform.location, lane.transform.get_right_vector()
    x, y = place.x + right_m * right.x, place.y + right_m * right.y
    return Pose((x, y, place.z), (0.0, lane.transform.rotation.yaw, 0.0))


def _actor(actor_id: int, type_id: str, pose: Pose) -> RenderActor:
    if type_id in catalogue().walkers:
        box = catalogue().walkers[type_id].box
        x, y, z = pose.location_m
        return RenderActor(
            actor_id=actor_id,
            type_id=type_id,
            kind="walker",
            pose=Pose((x, y, z + _SIDEWALK_M + box.half_extent_m[2]), pose.rotation_deg),
            half_extent_m=box.half_extent_m,
            label=Label.PEDESTRIANS,
            gait_phase=0.1 * actor_id,
        )
    spec = catalogue().vehicles[type_id]
    red, green, blue = (channel / 255.0 for channel in spec.rgb)
    return RenderActor(
        actor_id=actor_id,
        type_id=type_id,
        kind=spec.base_type,
        pose=pose,
        half_extent_m=spec.body.half_extent_m,
        center_m=spec.body.center_m,
        label=spec.label,
        rgb=(red, green, blue),
        lights=int(VehicleLights.POSITION | VehicleLights.LOW_BEAM | VehicleLights.BRAKE),
    )


def _sheet_of(maps: Sequence[str]) -> "Image":
    if len(maps) == 1:
        return contact_sheet(show_street(build_scene(find_map(maps[0]), seed=0), WEATHERS), columns=2)
    few = {name: WEATHERS[name] for name in _FEW}
    tiles: dict[str, Image] = {}
    for name in maps:
        of_map = show_street(build_scene(find_map(name), seed=0), few)
        tiles |= {f"{name}, {weather}": tile for weather, tile in of_map.items()}
    return contact_sheet(tiles, columns=len(_FEW))


if __name__ == "__main__":
    out, *names = sys.argv[1:]
    _sheet_of(names or ["Gen_grid_3"]).save(Path(out))
