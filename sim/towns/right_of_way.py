"""Who goes first: traffic lights with their controllers, stop and yield signs, speed limits, crosswalks."""

import math

from drivevla.sim.towns.curves import Place
from drivevla.sim.towns.junctions import Leg
from drivevla.sim.towns.network import Controller, Network, Road, RoadObject, Signal, SignalType
from drivevla.sim.towns.plan import Control

__all__ = ["STOP_LINE_M", "add_crosswalk", "add_speed_limits", "govern"]

STOP_LINE_M = 6.0
"""From a junction's mouth to the stop line where a crosswalk lies between them."""
_BARE_STOP_LINE_M = 1.5
_CROSSWALK_M = (1.5, 5.0)
_POLE_M = 0.8
"""From the kerb to poles."""
_SIGN_AFTER_M = 12.0


def govern(
    network: Network, legs: list[Leg], control: Control, *, minor: set[int], with_crosswalk: set[int]
) -> tuple[Controller, ...]:
    """Put up the lights or signs of a junction.

    Args:
        network: Hands out ids.
        legs: The junction's roads, which get the signals.
        control: Who gives way.
        minor: Streets that give way under ``stop_minor`` and ``yield_minor``.
        with_crosswalk: Streets whose stop line lies before a crosswalk.

    Returns:
        One controller per phase: the approaches take turns, so that no two conflicting ways are green together.
    """
    controllers: list[Controller] = []
    for leg in sorted(legs, key=lambda leg: leg.outward_rad % math.tau):
        lanes = leg.incoming()
        if not lanes:
            continue
        kind = _sign(control, minor=leg.street in minor, ring=leg.road.name == "roundabout")
        if kind is None:
            continue
        stop_line = STOP_LINE_M if leg.street in with_crosswalk else _BARE_STOP_LINE_M
        signal = _signal(network, leg, kind, [lane.lane_id for lane in lanes], stop_line)
        leg.road.signals.append(signal)
        if kind == "1000001":
            controllers.append(
                Controller(network.new_id(), f"phase {len(controllers)}", len(controllers), (signal.id,))
            )
    return tuple(controllers)


def _sign(control: Control, *, minor: bool, ring: bool) -> SignalType | None:
    if control == "signals":
        return "1000001"
    if control == "stop_all" or (control == "stop_minor" and minor):
        return "206"
    if (control == "yield_minor" and minor) or (control == "yield_entry" and not ring):
        return "205"
    return None


def _signal(network: Network, leg: Leg, kind: SignalType, lane_ids: list[int], stop_line_m: float) -> Signal:
    # lights stand at the mouth, behind the crosswalk, where a driver who waits at the line still sees them
    stands_before_mouth = 0.6 if kind == "1000001" else stop_line_m
    forward = leg.contact == "end"
    side = -1 if forward else 1
    kerb = _kerb_m(leg.road, leg.s_m, side)
    t_m = kerb + side * _POLE_M
    place = leg.road.curve.at(leg.at_m(stands_before_mouth), t_m)
    names = {"1000001": "Traffic light", "206": "Stop sign", "205": "Yield sign"}
    return Signal(
        id=network.new_id(),
        name=names[kind],
        type=kind,
        s_m=leg.at_m(stop_line_m),
        t_m=t_m,
        forward=forward,
        lanes=(min(lane_ids), max(lane_ids)),
        stands=place.turned() if forward else place,
        ground_m=leg.road.height_m(leg.s_m),
    )


def _kerb_m(road: Road, s_m: float, side: int) -> float:
    """The outer border of the outermost driving lane on one side (1 left, -1 right)."""
    section, borders = road.section_at(s_m), road.borders_m(s_m)
    outer = [
        borders[i][1] for i, lane in section.lanes().items() if lane.kind in ("driving", "parking") and i * side > 0
    ]
    return side * max(side * t for t in outer)


def add_speed_limits(network: Network, road: Road) -> None:
    """Put a speed-limit sign at the beginning of each direction of a road that is long enough to have one."""
    length = road.curve.length_m
    if length < 4 * _SIGN_AFTER_M:
        return
    for side in (-1, 1):
        s_m = _SIGN_AFTER_M if side < 0 else length - _SIGN_AFTER_M
        section = road.section_at(s_m)
        ids = [i for i, lane in section.lanes().items() if lane.kind == "driving" and i * side > 0]
        if not ids:
            continue
        t_m = _kerb_m(road, s_m, side) + side * _POLE_M
        place: Place = road.curve.at(s_m, t_m)
        road.signals.append(
            Signal(
                id=network.new_id(),
                name=f"Speed limit {road.speed_kph}",
                type="274",
                s_m=s_m,
                t_m=t_m,
                forward=side < 0,
                lanes=(min(ids), max(ids)),
                stands=place.turned() if side < 0 else place,
                ground_m=road.height_m(s_m),
                value=road.speed_kph,
            )
        )


def add_crosswalk(network: Network, leg: Leg, control: Control) -> bool:
    """Paint a crosswalk over a leg that has sidewalks on both sides, where traffic stops or slows for it."""
    if control == "free" or not leg.incoming("sidewalk") or not leg.outgoing("sidewalk"):
        return False
    near, far = _CROSSWALK_M
    s_m = leg.at_m((near + far) / 2)
    left, right = _kerb_m(leg.road, leg.s_m, 1), _kerb_m(leg.road, leg.s_m, -1)
    # as in CARLA's own maps, a crosswalk's length runs across the road
    half_u, half_v = (left - right) / 2, (far - near) / 2
    leg.road.objects.append(
        RoadObject(
            id=network.new_id(),
            type="crosswalk",
            name="Crosswalk",
            s_m=s_m,
            t_m=(left + right) / 2,
            heading_rad=math.pi / 2,
            size_m=(2 * half_u, 2 * half_v, 0.0),
            outline_m=((-half_u, -half_v), (half_u, -half_v), (half_u, half_v), (-half_u, half_v)),
        )
    )
    return True
