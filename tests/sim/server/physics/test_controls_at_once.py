"""Controls of many vehicles at once do what one control after the other does."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivevla.errors import ContractError, SimulatorError
from drivevla.sim.server.catalogue import catalogue
from drivevla.sim.server.physics.figures import open_plane
from drivevla.sim.server.physics.vehicles import VehicleControl, VehicleFleet
from drivevla.sim.server.pose import Pose

_pedal = st.floats(-3.0, 3.0)
_switch = st.booleans()
_controls = st.tuples(_pedal, _pedal, _pedal, _switch, _switch, _switch, st.integers(-5, 20))
COLUMNS = ("throttle", "steer", "brake", "hand_brake", "reverse", "manual", "manual_gear")


def _fleet() -> VehicleFleet:
    world = open_plane()
    for actor_id, spec in zip((7, 3, 5), catalogue().vehicles.values(), strict=False):
        world.add_vehicle(actor_id, spec, Pose((20.0 * actor_id, 0.0, 0.0)))
    return world.vehicles


def _commands(fleet: VehicleFleet) -> list[list[float]]:
    return [getattr(fleet.rows, name).tolist() for name in COLUMNS]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from((3, 5, 7)), _controls), max_size=6))
def test_many_at_once_are_as_one_after_the_other(wanted: list[tuple[int, tuple[float, ...]]]) -> None:
    at_once, one_by_one = _fleet(), _fleet()
    at_once.set_controls([actor_id for actor_id, _ in wanted], [control for _, control in wanted])
    for actor_id, (throttle, steer, brake, hand_brake, reverse, manual, gear) in wanted:
        one_by_one.set_control(
            actor_id, VehicleControl(throttle, steer, brake, bool(hand_brake), bool(reverse), bool(manual), int(gear))
        )
    assert _commands(at_once) == _commands(one_by_one)


@pytest.mark.parametrize("field", [0, 1, 2])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_pedal_that_is_no_number_changes_nothing(field: int, value: float) -> None:
    fleet = _fleet()
    before = _commands(fleet)
    bad = [0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 1.0]
    bad[field] = value
    with pytest.raises(ContractError, match="finite"):
        fleet.set_controls([3, 5], [[0.25, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0], bad])
    assert _commands(fleet) == before


def test_a_vehicle_that_does_not_exist_is_named_and_nothing_changes() -> None:
    fleet = _fleet()
    with pytest.raises(SimulatorError, match="actor 4 is no vehicle"):
        fleet.set_controls([3, 4], np.full((2, 7), 0.5).tolist())
    assert not any(fleet.rows.throttle)
