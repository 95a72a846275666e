"""LangAuto-Notice: sentences that warn of what lies ahead and change nothing about the route."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drivevla.language import Hazard, Instruction, InstructionKind
from drivevla.sim.routes.plan import DensePlan
from drivevla.sim.routes.route import Scenario
from drivevla.types import LightState

__all__ = ["SCENARIO_HAZARDS", "Notice", "light_notice", "notices_along"]

SCENARIO_HAZARDS: dict[str, Hazard] = {
    "Scenario1": Hazard.ROUGH_ROAD,
    "Scenario2": Hazard.BRAKING_VEHICLE,
    "Scenario3": Hazard.PEDESTRIANS,
    "Scenario4": Hazard.CYCLIST,
    "Scenario7": Hazard.RED_LIGHT_RUNNER,
    "ControlLoss": Hazard.ROUGH_ROAD,
    "HardBreakRoute": Hazard.BRAKING_VEHICLE,
    "DynamicObjectCrossing": Hazard.PEDESTRIANS,
    "ParkingCrossingPedestrian": Hazard.PEDESTRIANS,
    "PedestrianCrossing": Hazard.PEDESTRIANS,
    "VehicleTurningRoutePedestrian": Hazard.PEDESTRIANS,
    "VehicleTurningRoute": Hazard.CYCLIST,
    "BicycleFlowAtSideLane": Hazard.CYCLIST,
    "CrossingBicycleFlow": Hazard.CYCLIST,
    "OppositeVehicleRunningRedLight": Hazard.RED_LIGHT_RUNNER,
    "ConstructionObstacle": Hazard.CONSTRUCTION,
    "ConstructionObstacleTwoWays": Hazard.CONSTRUCTION,
    "Accident": Hazard.ACCIDENT,
    "AccidentTwoWays": Hazard.ACCIDENT,
    "YieldToEmergencyVehicle": Hazard.EMERGENCY_VEHICLE,
}
"""Scenario types of both leaderboards that a notice has a word for."""

_LIGHTS = {
    LightState.RED: Hazard.RED_LIGHT,
    LightState.YELLOW: Hazard.YELLOW_LIGHT,
    LightState.GREEN: Hazard.GREEN_LIGHT,
}
_BEFORE_M = 20.0
_BEHIND_M = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice on a stretch of the route.

    Attributes:
        issue_m: Along the plan, where it is said.
        withdraw_m: Where it is withdrawn.
        instruction: Of kind ``notice``.
    """

    issue_m: float
    withdraw_m: float
    instruction: Instruction


def notices_along(plan: DensePlan, scenarios: Sequence[Scenario]) -> tuple[Notice, ...]:
    """A notice for each scenario that there is a word for, from 20 m before its trigger to 10 m behind it.

    LMDrive gives its notices when a scenario starts; the distances are our own choice.
    """
    found = []
    for scenario in scenarios:
        hazard = SCENARIO_HAZARDS.get(scenario.type)
        if hazard is None:
            continue
        offset = np.linalg.norm(plan.location_m[:, :2] - np.array(scenario.trigger.location_m[:2]), axis=1)
        at_m = float(plan.distance_m[int(np.argmin(offset))])
        found.append(
            Notice(
                issue_m=max(at_m - _BEFORE_M, 0.0),
                withdraw_m=at_m + _BEHIND_M,
                instruction=Instruction(kind=InstructionKind.NOTICE, hazard=hazard),
            )
        )
    return tuple(sorted(found, key=lambda notice: notice.issue_m))


def light_notice(state: LightState | None) -> Instruction | None:
    """The notice of a light ahead, or None where it shows nothing that there is a word for."""
    hazard = None if state is None else _LIGHTS.get(state)
    return None if hazard is None else Instruction(kind=InstructionKind.NOTICE, hazard=hazard)
