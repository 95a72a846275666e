"""From an actor to its body: which model, and what each part of it is made of in this frame."""

from functools import lru_cache

from drivevla.sim.server.render.bodies.cars import build_bus, build_car, build_truck, car_shape
from drivevla.sim.server.render.bodies.model import BodyBuilder, BodyModel
from drivevla.sim.server.render.bodies.people import build_bicycle, build_motorcycle, build_walker
from drivevla.sim.server.render.bodies.props import build_prop
from drivevla.sim.server.render.frame import BodyKind, RenderActor, VehicleLights
from drivevla.sim.server.render.materials import BodyMaterial

__all__ = ["body_of", "materials_of"]

_STEER_STEP_DEG = 6
_GAIT_STEPS = 24
_BLINK_PERIOD_S = 0.8

_FIXED = {
    "glass": BodyMaterial((0.07, 0.09, 0.11), gloss=0.32),
    "tyre": BodyMaterial((0.07, 0.07, 0.07)),
    "rim": BodyMaterial((0.58, 0.59, 0.60), gloss=0.12),
    "trim": BodyMaterial((0.09, 0.09, 0.10)),
    "plate": BodyMaterial((0.90, 0.90, 0.86), retro=1.0),
    "roof": BodyMaterial((0.85, 0.85, 0.85)),
    "board": BodyMaterial((0.10, 0.08, 0.03), glow=(0.35, 0.20, 0.03)),
    "helmet": BodyMaterial((0.14, 0.15, 0.18), gloss=0.10),
    "shoes": BodyMaterial((0.12, 0.10, 0.09)),
    "orange": BodyMaterial((0.98, 0.40, 0.06)),
    "reflector": BodyMaterial((0.95, 0.95, 0.95), retro=1.0),
    "red": BodyMaterial((0.82, 0.08, 0.08)),
    "green": BodyMaterial((0.13, 0.36, 0.20)),
    "blue": BodyMaterial((0.10, 0.25, 0.62)),
    "metal": BodyMaterial((0.55, 0.56, 0.57), gloss=0.06),
    "wood": BodyMaterial((0.46, 0.32, 0.20)),
    "clay": BodyMaterial((0.62, 0.36, 0.24)),
    "dirt": BodyMaterial((0.36, 0.27, 0.18)),
    "leaves": BodyMaterial((0.20, 0.38, 0.14)),
    "plain": BodyMaterial((0.58, 0.55, 0.50)),
    "amber_lamp": BodyMaterial((1.0, 0.62, 0.05), glow=(1.8, 0.75, 0.03)),
    "shop_window": BodyMaterial((0.75, 0.85, 0.90), gloss=0.10, glow=(0.12, 0.14, 0.15)),
}

_SKINS = ((0.93, 0.76, 0.65), (0.85, 0.64, 0.50), (0.68, 0.47, 0.34), (0.45, 0.30, 0.21))
_HAIRS = ((0.10, 0.08, 0.06), (0.28, 0.18, 0.10), (0.62, 0.50, 0.30), (0.55, 0.54, 0.53))
_SHIRTS = (
    (0.80, 0.20, 0.18), (0.20, 0.36, 0.66), (0.88, 0.86, 0.82), (0.20, 0.45, 0.28),
    (0.90, 0.72, 0.20), (0.26, 0.26, 0.29), (0.58, 0.30, 0.52), (0.86, 0.52, 0.30),
)  # fmt: skip
_TROUSERS = ((0.16, 0.20, 0.34), (0.14, 0.14, 0.15), (0.50, 0.44, 0.34), (0.34, 0.36, 0.38), (0.36, 0.24, 0.18))


def body_of(actor: RenderActor) -> BodyModel:
    """The actor's body in a box standing on z = 0, in the nearest of a few steering and walking positions."""
    steps = round(actor.wheel_steer_deg / _STEER_STEP_DEG)
    gait = None if actor.gait_phase is None else int(actor.gait_phase % 1.0 * _GAIT_STEPS) % _GAIT_STEPS
    return _build(actor.kind, actor.type_id, actor.half_extent_m, steps * _STEER_STEP_DEG, gait)


@lru_cache(maxsize=4096)
def _build(
    kind: BodyKind, type_id: str, half_m: tuple[float, float, float], steer_deg: float, gait: int | None
) -> BodyModel:
    builder = BodyBuilder()
    if kind == "walker":
        phase = None if gait is None else (gait + 0.5) / _GAIT_STEPS
        build_walker(builder, half_m, phase, skirt=_number_of(type_id) % 5 == 1)
    elif kind == "motorcycle":
        build_motorcycle(builder, half_m, steer_deg)
    elif kind == "bicycle":
        build_bicycle(builder, half_m, steer_deg)
    elif kind == "bus":
        build_bus(builder, half_m, steer_deg)
    elif kind == "truck" and "cybertruck" not in type_id:
        build_truck(builder, half_m, steer_deg, cargo="paint" if "hgv" not in type_id else "roof")
    elif kind == "prop":
        build_prop(builder, type_id.rsplit(".", 1)[-1], half_m)
    else:
        build_car(builder, car_shape(kind, type_id, 2.0 * half_m[0]), half_m, steer_deg)
    _livery(builder, type_id, half_m)
    return builder.build()


def _livery(builder: BodyBuilder, type_id: str, half_m: tuple[float, float, float]) -> None:
    """Beacons, taxi signs and stripes of special vehicles."""
    hx, hy, top = half_m[0], half_m[1], 2.0 * half_m[2]
    if any(word in type_id for word in ("police", "ambulance", "firetruck")):
        front = 0.78 * hx if "firetruck" in type_id else (0.45 * hx if "ambulance" in type_id else -0.10 * hx)
        base = 0.84 * top if "firetruck" in type_id else top
        for side, slot in ((-1.0, "beacon_left"), (1.0, "beacon_right")):
            builder.box(slot, [front, side * 0.30 * hy, base + 0.03], [0.13, 0.28 * hy, 0.06])
    if "police" in type_id:
        for x in (-0.20 * hx, 0.20 * hx):
            builder.pair(
                "reflector",
                *[
                    (x + dx * 0.18 * hx, hy * 0.955, z * top)
                    for dx, z in ((-1, 0.30), (1, 0.30), (1, 0.54), (-1, 0.54))
                ],
            )
    if "ambulance" in type_id:
        stripe = [(x * hx, hy * 0.952, z * top) for x, z in ((-0.9, 0.34), (0.6, 0.34), (0.6, 0.44), (-0.9, 0.44))]
        builder.pair("red", *stripe)
    if "crown" in type_id:
        builder.box("amber_lamp", [-0.10 * hx, 0.0, top + 0.06], [0.08, 0.26, 0.08])


def _number_of(type_id: str) -> int:
    """The number at the end of a pedestrian's blueprint id; chooses clothes."""
    last = type_id.rsplit(".", 1)[-1]
    return int(last) if last.isdigit() else sum(last.encode())


def materials_of(actor: RenderActor, model: BodyModel, time_s: float) -> list[BodyMaterial]:
    """What each slot of the actor's body looks like now, lamps and all."""
    blinks = time_s % _BLINK_PERIOD_S < 0.5 * _BLINK_PERIOD_S
    return list(_materials(model.slots, actor.type_id, actor.rgb, actor.lights, blinks))


@lru_cache(maxsize=4096)
def _materials(
    slots: tuple[str, ...], type_id: str, rgb: tuple[float, float, float], lights: int, blinks: bool
) -> tuple[BodyMaterial, ...]:
    return tuple(_material(slot, type_id, rgb, VehicleLights(lights & 0x7FF), blinks) for slot in slots)


def _material(
    slot: str, type_id: str, rgb: tuple[float, float, float], lights: VehicleLights, blinks: bool
) -> BodyMaterial:
    if slot in _FIXED:
        return _FIXED[slot]
    if slot == "paint":
        return BodyMaterial(rgb, gloss=0.045)
    if slot == "stripe":
        white = sum(rgb) < 2.1
        return BodyMaterial((0.92, 0.92, 0.92) if white else (0.70, 0.10, 0.10))
    if slot in ("skin", "hair", "shirt", "sleeve", "trousers"):
        return BodyMaterial(_clothes(slot, _number_of(type_id)))
    return _lamp(slot, lights, blinks)


def _clothes(slot: str, number: int) -> tuple[float, float, float]:
    if slot == "skin" or (slot == "sleeve" and number % 3 == 0):
        return _SKINS[number % len(_SKINS)]
    if slot == "hair":
        return _HAIRS[number * 7 % len(_HAIRS)]
    if slot == "trousers":
        return _TROUSERS[number * 3 % len(_TROUSERS)]
    return _SHIRTS[number * 5 % len(_SHIRTS)]


def _lamp(slot: str, lights: VehicleLights, blinks: bool) -> BodyMaterial:
    on = VehicleLights
    running = bool(lights & (on.POSITION | on.LOW_BEAM | on.HIGH_BEAM))
    if slot == "headlight":
        bright = bool(lights & (on.LOW_BEAM | on.HIGH_BEAM))
        glow = 3.5 if bright else (0.5 if running else 0.0)
        return BodyMaterial((0.80, 0.82, 0.85), gloss=0.15, glow=(glow, glow, 0.92 * glow))
    if slot == "fog_light":
        glow = 1.5 if lights & on.FOG else 0.0
        return BodyMaterial((0.55, 0.56, 0.58), gloss=0.10, glow=(glow, glow, 0.8 * glow))
    if slot == "brake_light":
        glow = 2.4 if lights & on.BRAKE else (0.22 if running else 0.0)
        return BodyMaterial((0.45, 0.04, 0.04), gloss=0.08, glow=(glow, 0.03 * glow, 0.02 * glow))
    if slot == "tail_light":
        glow = 0.45 if running else 0.0
        return BodyMaterial((0.40, 0.04, 0.04), gloss=0.08, glow=(glow, 0.03 * glow, 0.02 * glow))
    if slot == "reverse_light":
        glow = 1.8 if lights & on.REVERSE else 0.0
        return BodyMaterial((0.75, 0.75, 0.75), gloss=0.10, glow=(glow, glow, glow))
    if slot in ("blinker_left", "blinker_right"):
        flag = on.LEFT_BLINKER if slot == "blinker_left" else on.RIGHT_BLINKER
        glow = 2.6 if lights & flag and blinks else 0.0
        return BodyMaterial((0.62, 0.30, 0.05), gloss=0.08, glow=(glow, 0.42 * glow, 0.01 * glow))
    left = slot == "beacon_left"
    flashing = bool(lights & (on.SPECIAL1 | on.SPECIAL2)) and (blinks == left)
    glow = 2.5 if flashing else 0.0
    return BodyMaterial(
        (0.12, 0.16, 0.62) if left else (0.65, 0.06, 0.06),
        glow=(0.05 * glow, 0.12 * glow, glow) if left else (glow, 0.03 * glow, 0.03 * glow),
    )
