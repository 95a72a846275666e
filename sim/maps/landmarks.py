"""Landmarks: things beside the road that an instruction can speak of, read out of a map's ``<object>`` elements."""

import math
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from drivevla.errors import DataError
from drivevla.sim.maps.reference_line import ReferenceLine
from drivevla.sim.maps.xml_numbers import number_of

__all__ = ["Landmark", "landmarks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """One thing beside a road, in CARLA's world frame (left-handed: x forward, y right, z up; yaw clockwise).

    Attributes:
        id: The object's id in the OpenDRIVE.
        kind: What it is: ``petrol_station``, ``bus_stop``, ``church``, ``building``, ``parked_car`` ...
        color: Its colour in one word, or None where the kind has no telling colour.
        name: What a person would call it: "red building".
        location_m: x, y, z of the centre of its foot.
        yaw_deg: Where its front looks.
        size_m: Length along the yaw, width, height.
        road_id: OpenDRIVE id of the road that it stands beside.
        s_m: Where along that road's reference line.
        t_m: How far from the reference line, positive to the left of it.
    """

    id: str
    kind: str
    color: str | None
    name: str
    location_m: tuple[float, float, float]
    yaw_deg: float
    size_m: tuple[float, float, float]
    road_id: str
    s_m: float
    t_m: float


def landmarks(opendrive: str) -> tuple[Landmark, ...]:
    """The landmarks of a map, in the order of the text; none for maps that carry none, as CARLA's own Towns.

    A landmark is an ``<object>`` with ``<userData code="landmark" value="<kind>"/>`` and, where it has one,
    ``<userData code="color" value="<color>"/>``.

    Raises:
        DataError: An object lacks a number or stands on a road whose geometry cannot be read.
    """
    if 'code="landmark"' not in opendrive:
        return ()
    try:
        root = ET.fromstring(opendrive)
    except ET.ParseError as error:
        raise DataError(f"the map is broken XML: {error}") from error
    found = []
    for road in root.iterfind("road"):
        marked = [(element, data) for element in road.iterfind("objects/object") if (data := _user_data(element))]
        if marked:
            line = ReferenceLine.from_road(road)
            found += [_named_landmark(element, data, line) for element, data in marked]
    return tuple(found)


def _user_data(element: ET.Element) -> dict[str, str] | None:
    data = {entry.get("code", ""): entry.get("value", "") for entry in element.iterfind("userData")}
    return data if "landmark" in data else None


def _named_landmark(element: ET.Element, data: dict[str, str], line: ReferenceLine) -> Landmark:
    try:
        return _landmark(element, data, line)
    except DataError as error:
        raise DataError(f"object {element.get('id')} of road {line.road_id}: {error}") from error


def _landmark(element: ET.Element, data: dict[str, str], line: ReferenceLine) -> Landmark:
    s_m, t_m = number_of(element, "s"), number_of(element, "t")
    x_m, y_m, z_m, road_yaw_rad = line.at(s_m, t_m)
    return Landmark(
        id=element.get("id", ""),
        kind=data["landmark"],
        color=data.get("color"),
        name=element.get("name", ""),
        location_m=(x_m, -y_m, z_m + number_of(element, "zOffset")),
        yaw_deg=math.degrees(math.remainder(-(road_yaw_rad + number_of(element, "hdg")), math.tau)),
        size_m=(number_of(element, "length"), number_of(element, "width"), number_of(element, "height")),
        road_id=line.road_id,
        s_m=s_m,
        t_m=t_m,
    )
