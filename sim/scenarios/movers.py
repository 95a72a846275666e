"""The cars, bicycles and walkers of a scenario: small controllers of ours, one command or two a tick each.

A car's speed is given to it outright (its velocity is set along its heading), so that a scenario's timing holds on any
simulator; its wheels are steered by pure pursuit, so that it drives as a car does. Sources: Coulter, "Implementation of
the Pure Pursuit Path Tracking Algorithm" (CMU-RI-TR-92-01, 1992); scenario_runner, ``KeepVelocity`` and
``ConstantVelocityAgentBehavior``, which set velocities likewise.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from drivevla.planner.control import VehicleLimits
from drivevla.sim.routes import Place
from drivevla.sim.scenarios.path import Path, turned_deg
from drivevla.sim.scenarios.stage import BodyState, Stage

if TYPE_CHECKING:
    import carla

__all__ = ["Car", "Walker"]

_LIMITS = VehicleLimits()
_WHEELBASE_SHARE = 0.6
"""Of a vehicle's length; CARLA's cars lie between 0.55 and 0.65."""
_STUCK_MPS = 3.0
"""A car that is so much slower than it was told to be has run into something; from then on it stands."""
_LEAST_GAP_M = 4.0
_IN_LANE_M, _MERGED_M, _MERGED_DEG = 2.0, 1.5, 25.0
_BEHIND_M, _LATERAL_MPS2 = 5.0, 3.0
"""Bends are taken with it."""


class Car:
    """A vehicle that follows a path at speeds it is told.

    Args:
        stage: Where.
        actor: The vehicle, just spawned or standing.
        path: What it follows.
        right_m: How far to the right of the path it keeps.

    Attributes:
        actor: The vehicle.
        speed_mps: What it was told last; it changes by limited acceleration.
        path: What it follows.
    """

    def __init__(self, stage: Stage, actor: carla.Actor, path: Path, *, right_m: float = 0.0) -> None:
        self._stage, self.actor, self.path, self._right_m = stage, actor, path, right_m
        self.half_length_m = float(actor.bounding_box.extent.x)
        self.half_width_m = float(actor.bounding_box.extent.y)
        self.speed_mps = 0.0
        self._lamps = 0
        self._lit: int | None = None
        self._crashed = False
        self._ticks = 0
        self._along_m = 0.0

    @property
    def state(self) -> BodyState | None:
        """As of the tick that ended; None in its first tick."""
        return self._stage.state(self.actor.id)

    @property
    def along_m(self) -> float:
        """How far along its path it has come."""
        state = self.state
        if state is not None:
            self._along_m = self.path.project(state.location_m, near_m=self._along_m)[0]
        return self._along_m

    @property
    def at_end(self) -> bool:
        """Whether less than two metres of its path are left."""
        return self.along_m > self.path.length_m - 2.0

    def distance_to_ego_m(self) -> float:
        """Origin to origin; infinite in its first tick."""
        state = self.state
        return math.inf if state is None else self._stage.ego.distance_m(state.location_m)

    def show(self, *lamps: carla.VehicleLightState) -> None:
        """Light its lamps; brake lights come by themselves."""
        self._lamps = 0
        for lamp in lamps:
            self._lamps |= int(lamp)
        self._light(braking=False)

    def begin_at(self, speed_mps: float) -> None:
        """Be at a speed at once, as far as the bend that it begins in allows."""
        self.speed_mps = speed_mps
        self.speed_mps = min(speed_mps, self._bend_speed_mps())
        self._ticks = 0

    def start_from(self, along_m: float) -> None:
        """Know its place on the path before the world has told it."""
        self._along_m = along_m

    def follow(self, path: Path, *, right_m: float = 0.0) -> None:
        """Follow another path from now on."""
        self.path, self._right_m = path, right_m
        state = self.state
        self._along_m = 0.0 if state is None else path.project(state.location_m)[0]

    def drive(self, target_mps: float, *, faster_mps2: float = 3.0, slower_mps2: float = 4.0) -> None:
        """One tick along the path, towards a speed."""
        dt_s = self._stage.dt_s
        before = self.speed_mps
        target_mps = min(target_mps, self._bend_speed_mps())
        self.speed_mps = min(max(target_mps, before - slower_mps2 * dt_s), before + faster_mps2 * dt_s)
        self._light(braking=self.speed_mps < before - 1e-6 or (target_mps <= 0.0 and before <= 0.1))
        self._act()

    def drive_behind(self, target_mps: float, gap_m: float, lead_mps: float) -> None:
        """One tick towards a speed, or slower where somebody drives ahead.

        Args:
            target_mps: On a free road.
            gap_m: Bumper to bumper.
            lead_mps: How fast the one ahead is.
        """
        safe = lead_mps + (gap_m - _LEAST_GAP_M - 0.8 * lead_mps) * 0.6
        self.drive(min(target_mps, max(safe, 0.0)), slower_mps2=5.0)

    def gap_to_ego_m(self, *, along: bool = True) -> float:
        """Bumper to bumper along the path, when the ego is on it and ahead; infinite otherwise.

        Args:
            along: Count the ego only when it has merged: when it drives the same way in this lane. An ego that only
                has its nose in a bend of the path would else hold up a car that stands in the ego's way.
        """
        ego = self._stage.ego
        here = self.along_m
        ahead, right = self.path.project(ego.location_m, near_m=here + 15.0)
        turned = abs((ego.yaw_deg - self.path.yaw_deg(ahead) + 180.0) % 360.0 - 180.0)
        aside = abs(right - self._right_m)
        if ahead <= here or aside > _IN_LANE_M or (along and (turned > _MERGED_DEG or aside > _MERGED_M)):
            return math.inf
        return ahead - here - self.half_length_m - self._stage.ego_half_length_m

    def hold(self) -> None:
        """One tick standing on its brakes."""
        import carla

        self.speed_mps = 0.0
        self._stage.command(
            carla.command.ApplyVehicleControl(self.actor.id, carla.VehicleControl(brake=1.0, hand_brake=True))
        )
        self._ticks += 1

    def _act(self) -> None:
        import carla

        self._ticks += 1
        state = self.state
        if state is None:
            self._push(self.path.yaw_deg(self._along_m), 0.0)
            return
        if self._ticks > 10 and state.speed_mps < self.speed_mps - _STUCK_MPS:
            self._crashed = True
        if self._crashed or self.speed_mps <= 0.02:
            # Who only stops in traffic leaves the hand brake alone: it is the sign of a car that stays.
            control = carla.VehicleControl(brake=1.0, hand_brake=self._crashed)
            self._stage.command(carla.command.ApplyVehicleControl(self.actor.id, control))
            return
        self._push(state.yaw_deg, self._curvature_per_m(state))

    def _push(self, yaw_deg: float, curvature_per_m: float) -> None:
        import carla

        wheelbase = 2.0 * self.half_length_m * _WHEELBASE_SHARE
        wheel_rad = math.atan(curvature_per_m * wheelbase)
        steer = min(max(wheel_rad / _LIMITS.steer_range_rad(self.speed_mps), -1.0), 1.0)
        # Half way between the axles a turning car moves a little into the bend; told otherwise, its tyres would slip.
        yaw = math.radians(yaw_deg) + math.atan(0.5 * math.tan(wheel_rad))
        velocity = carla.Vector3D(self.speed_mps * math.cos(yaw), self.speed_mps * math.sin(yaw), 0.0)
        throttle = 0.3 if self.speed_mps > 0.5 else 0.0  # keeps the gearbox awake; the velocity decides
        self._stage.command(
            carla.command.ApplyVehicleControl(self.actor.id, carla.VehicleControl(throttle=throttle, steer=steer)),
            carla.command.ApplyTargetVelocity(self.actor.id, velocity),
        )

    def _curvature_per_m(self, state: BodyState) -> float:
        wheelbase = 2.0 * self.half_length_m * _WHEELBASE_SHARE
        ahead_m = max(0.7 * self.speed_mps, 1.5 * wheelbase)
        goal = self.path.place(self.along_m + ahead_m, right_m=self._right_m).location_m
        yaw = math.radians(state.yaw_deg)
        rear_x = state.location_m[0] - wheelbase / 2 * math.cos(yaw)
        rear_y = state.location_m[1] - wheelbase / 2 * math.sin(yaw)
        dx, dy = goal[0] - rear_x, goal[1] - rear_y
        right = -dx * math.sin(yaw) + dy * math.cos(yaw)
        return 2.0 * right / max(dx * dx + dy * dy, 1.0)

    def _bend_speed_mps(self) -> float:
        """What the sharpest bend allows, from that which the rear has not left yet to that of the next seconds."""
        reach_m = 4.0 + 1.5 * self.speed_mps
        ahead_m = (-_BEHIND_M, 0.0, 0.5 * reach_m, reach_m)
        yaw = [self.path.yaw_deg(self._along_m + each) for each in ahead_m]
        allowed = []
        for (begin_m, end_m), (before, after) in zip(itertools.pairwise(ahead_m), itertools.pairwise(yaw), strict=True):
            turn_rad = math.radians(abs(turned_deg(after - before)))
            allowed.append(math.sqrt(_LATERAL_MPS2 * (end_m - begin_m) / max(turn_rad, 1e-3)))
        return min(allowed)

    def _light(self, *, braking: bool) -> None:
        import carla

        lamps = self._lamps | (int(carla.VehicleLightState.Brake) if braking else 0)
        if lamps != self._lit:
            self._lit = lamps
            self._stage.command(
                carla.command.SetVehicleLightState(self.actor.id, carla.VehicleLightState(lamps)),
            )


class Walker:
    """A pedestrian who walks straight.

    Args:
        stage: Where.
        actor: The pedestrian, just spawned.
        start: Where it begins; it walks along this place's yaw.
    """

    def __init__(self, stage: Stage, actor: carla.Actor, start: Place) -> None:
        self._stage, self.actor, self.start = stage, actor, start

    @property
    def walked_m(self) -> float:
        """How far it is from where it began."""
        state = self._stage.state(self.actor.id)
        return 0.0 if state is None else math.dist(state.location_m[:2], self.start.location_m[:2])

    def walk(self, speed_mps: float) -> None:
        """One tick at a speed; 0 to stand."""
        import carla

        yaw = math.radians(self.start.yaw_deg or 0.0)
        control = carla.WalkerControl(carla.Vector3D(math.cos(yaw), math.sin(yaw), 0.0), speed_mps, False)
        self._stage.command(carla.command.ApplyWalkerControl(self.actor.id, control))
