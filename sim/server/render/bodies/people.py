"""Walkers with limbs in a walking gait, and the riders of two-wheelers."""

import math

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.bodies.model import BodyBuilder

__all__ = ["build_bicycle", "build_motorcycle", "build_walker"]

# Shares of the standing height, close to the segment lengths in D. Winter, "Biomechanics and Motor Control of Human
# Movement", figure 4.1.
_HIP, _KNEE, _SHOULDER, _ELBOW, _HAND, _NECK = 0.53, 0.285, 0.815, 0.63, 0.47, 0.87
_THIGH_SWING_DEG, _KNEE_BEND_DEG, _ARM_SWING_DEG = 28.0, 48.0, 26.0


def _down(start: NDArray[np.float64], length: float, pitch_deg: float) -> NDArray[np.float64]:
    """The end of a limb that hangs from ``start``, swung forward by ``pitch_deg``."""
    angle = math.radians(pitch_deg)
    return start + length * np.array([math.sin(angle), 0.0, -math.cos(angle)])


def build_walker(
    builder: BodyBuilder, half_m: tuple[float, float, float], phase: float | None, *, skirt: bool = False
) -> None:
    """A person in a box centred on the origin in x and y, standing on z = 0.

    Args:
        builder: Takes the parts.
        half_m: Half extents of the box; the height gives the size.
        phase: Turns through the walking cycle; None stands.
        skirt: A skirt or coat instead of trousers down to the knee.
    """
    tall = 2.0 * half_m[2]
    swing = 0.0 if phase is None else math.sin(2.0 * math.pi * phase)
    lift = 0.0 if phase is None else math.cos(2.0 * math.pi * phase)
    hip_z = _HIP * tall * (1.0 - (0.0 if phase is None else 0.018 * (swing * swing)))
    for side, sign in ((1.0, 1.0), (-1.0, -1.0)):
        _leg(builder, tall, hip_z, side, sign * swing, max(0.0, sign * lift) if phase is not None else 0.0)
        _arm(builder, tall, side, -sign * swing)
    chest = np.array([0.0, 0.0, _SHOULDER * tall])
    waist = np.array([0.0, 0.0, hip_z - 0.02 * tall])
    path = [waist, waist + 0.45 * (chest - waist), chest, chest + np.array([0.0, 0.0, 0.035 * tall])]
    builder.tube("shirt", path, np.array([0.088, 0.092, 0.112, 0.05]) * tall, sides=8, flat=0.62)
    if skirt:
        hem = np.array([0.0, 0.0, _KNEE * tall])
        builder.tube(
            "shirt", [waist + np.array([0.0, 0.0, 0.03 * tall]), hem], np.array([0.09, 0.125]) * tall, sides=8, flat=0.8
        )
    _head(builder, np.array([0.01 * tall, 0.0, 0.935 * tall]), tall)


def _leg(builder: BodyBuilder, tall: float, hip_z: float, side: float, swing: float, lift: float) -> None:
    hip = np.array([0.0, side * 0.052 * tall, hip_z])
    thigh = _THIGH_SWING_DEG * swing
    knee = _down(hip, (_HIP - _KNEE) * tall, thigh)
    ankle = _down(knee, (_KNEE - 0.04) * tall, thigh - _KNEE_BEND_DEG * lift - 4.0)
    builder.tube("trousers", [hip, knee], np.array([0.058, 0.040]) * tall)
    builder.tube("trousers", [knee, ankle], np.array([0.040, 0.027]) * tall)
    builder.box("shoes", ankle + np.array([0.035, 0.0, -0.018]) * tall, np.array([0.072, 0.026, 0.020]) * tall)


def _arm(builder: BodyBuilder, tall: float, side: float, swing: float) -> None:
    shoulder = np.array([0.0, side * 0.122 * tall, (_SHOULDER - 0.01) * tall])
    pitch = _ARM_SWING_DEG * swing
    elbow = _down(shoulder, (_SHOULDER - _ELBOW) * tall, pitch) + np.array([0.0, side * 0.012 * tall, 0.0])
    wrist = _down(elbow, (_ELBOW - _HAND) * tall, pitch + 14.0)
    builder.tube("shirt", [shoulder, elbow], np.array([0.034, 0.027]) * tall, sides=5)
    builder.tube("sleeve", [elbow, wrist], np.array([0.027, 0.020]) * tall, sides=5)
    builder.tube(
        "skin", [wrist, wrist + np.array([0.01 * tall, 0.0, -0.05 * tall])], np.array([0.022, 0.018]) * tall, sides=5
    )


def _head(builder: BodyBuilder, middle: NDArray[np.float64], tall: float, *, helmet: bool = False) -> None:
    levels = np.array([-0.066, -0.045, 0.0, 0.04, 0.062])
    radii = np.array([0.026, 0.042, 0.054, 0.044, 0.012])
    path = middle + levels[:, None] * [0.0, 0.0, tall]
    builder.tube("skin", path, radii * tall, sides=8, flat=1.1)
    cap = "helmet" if helmet else "hair"
    crown = path[2:] + np.array([-0.012 if not helmet else 0.0, 0.0, 0.008]) * tall
    builder.tube(cap, crown, (radii[2:] + 0.010) * tall, sides=8, flat=1.1)
    builder.tube("skin", [middle - [0.0, 0.0, 0.10 * tall], middle - [0.0, 0.0, 0.05 * tall]], [0.03 * tall] * 2)


def _rider(
    builder: BodyBuilder, seat: NDArray[np.float64], bars: NDArray[np.float64], pegs_z: float, lean_deg: float
) -> None:
    """A seated person about 1.75 m tall, hands on the bars."""
    tall = 1.75
    builder.rider = True
    shoulder = seat + 0.30 * tall * np.array([math.sin(math.radians(lean_deg)), 0.0, math.cos(math.radians(lean_deg))])
    middle = 0.5 * (seat + shoulder)
    builder.tube("shirt", [seat, middle, shoulder], np.array([0.085, 0.095, 0.10]) * tall, sides=8, flat=0.65)
    for side in (-1.0, 1.0):
        joint = shoulder + np.array([0.0, side * 0.11 * tall, -0.01])
        hand = bars * [1.0, side, 1.0]
        elbow = 0.5 * (joint + hand) + np.array([0.0, side * 0.06, -0.08])
        builder.tube("shirt", [joint, elbow], [0.055, 0.045], sides=5)
        builder.tube("sleeve", [elbow, hand], [0.045, 0.035], sides=5)
        hip = seat + np.array([0.0, side * 0.09, 0.0])
        foot = np.array([seat[0] + 0.12, side * 0.15, pegs_z])
        knee = 0.5 * (hip + foot) + np.array([0.30, side * 0.05, 0.16])
        builder.tube("trousers", [hip, knee], [0.09, 0.065], sides=5)
        builder.tube("trousers", [knee, foot], [0.06, 0.045], sides=5)
        builder.box("shoes", foot + np.array([0.06, 0.0, -0.03]), [0.13, 0.045, 0.04])
    _head(builder, shoulder + np.array([0.05, 0.0, 0.125 * tall]), tall, helmet=True)
    builder.rider = False


def build_motorcycle(builder: BodyBuilder, half_m: tuple[float, float, float], steer_deg: float) -> None:
    """A motorcycle and its rider in a box centred on the origin in x and y, standing on z = 0."""
    hx = half_m[0]
    radius = min(0.33, 0.30 * hx)
    rear, front = -hx + radius, hx - radius
    builder.wheel([rear, 0.0, radius], radius, 0.17, sides=12)
    builder.wheel([front, 0.0, radius], radius, 0.13, steer_deg=steer_deg, sides=12)
    builder.tube(
        "paint", [[-0.2 * hx, 0, 0.82], [0.15 * hx, 0, 0.88], [0.42 * hx, 0, 0.85]], [0.13, 0.20, 0.14], sides=8
    )
    builder.box("trim", [-0.02, 0.0, 0.48], [0.30, 0.15, 0.20])
    builder.box("trim", [-0.48 * hx, 0.0, 0.80], [0.36 * hx, 0.12, 0.05])
    builder.tube("paint", [[-0.62 * hx, 0, 0.84], [-0.95 * hx, 0, 0.96]], [0.12, 0.05])
    for side in (-1.0, 1.0):
        builder.tube("rim", [[front, side * 0.09, radius], [0.55 * hx, side * 0.09, 0.98]], [0.03, 0.03], sides=5)
        builder.tube("rim", [[0.0, side * 0.17, 0.32], [-0.85 * hx, side * 0.17, 0.42]], [0.05, 0.06], sides=6)
    builder.tube("trim", [[0.5 * hx, -0.36, 1.02], [0.5 * hx, 0.36, 1.02]], [0.025, 0.025], sides=5)
    builder.box("paint", [0.66 * hx, 0.0, 0.92], [0.10, 0.14, 0.13])
    builder.box("headlight", [0.66 * hx + 0.10, 0.0, 0.92], [0.015, 0.10, 0.08])
    builder.box("brake_light", [-0.96 * hx, 0.0, 0.90], [0.02, 0.09, 0.045])
    builder.box("plate", [-0.97 * hx, 0.0, 0.72], [0.01, 0.09, 0.06])
    for x in (-0.93 * hx, 0.70 * hx):
        for side in (-1.0, 1.0):
            slot = "blinker_right" if side > 0.0 else "blinker_left"
            builder.box(slot, [x, side * 0.20, 0.86], [0.03, 0.035, 0.03])
    _rider(builder, np.array([-0.30 * hx, 0.0, 0.88]), np.array([0.48 * hx, 0.30, 1.04]), 0.42, 28.0)


def build_bicycle(builder: BodyBuilder, half_m: tuple[float, float, float], steer_deg: float) -> None:
    """A bicycle and its rider in a box centred on the origin in x and y, standing on z = 0."""
    hx = half_m[0]
    radius = min(0.34, 0.42 * hx)
    rear, front = -hx + radius, hx - radius
    builder.wheel([rear, 0.0, radius], radius, 0.05, sides=12)
    builder.wheel([front, 0.0, radius], radius, 0.05, steer_deg=steer_deg, sides=12)
    saddle, head, crank = [-0.25 * hx, 0, 0.92], [0.55 * hx, 0, 0.88], [-0.08 * hx, 0, 0.30]
    for start, end in (
        (crank, saddle),
        (crank, head),
        (saddle, head),
        ([rear, 0, radius], crank),
        ([rear, 0, radius], saddle),
    ):
        builder.tube("paint", [start, end], [0.028, 0.028], sides=5)
    builder.tube("paint", [[front, 0, radius], head, [0.52 * hx, 0, 1.02]], [0.025, 0.028, 0.025], sides=5)
    builder.tube("trim", [[0.5 * hx, -0.28, 1.04], [0.5 * hx, 0.28, 1.04]], [0.02, 0.02], sides=5)
    builder.box("trim", [-0.27 * hx, 0.0, 0.95], [0.13, 0.07, 0.03])
    builder.box("tail_light", [-0.42 * hx, 0.0, 0.84], [0.02, 0.03, 0.025])
    builder.box("headlight", [0.60 * hx, 0.0, 0.95], [0.03, 0.035, 0.035])
    _rider(builder, np.array([-0.25 * hx, 0.0, 0.99]), np.array([0.5 * hx, 0.25, 1.06]), 0.24, 24.0)
