"""Maps that would take the server down: refused before anything is built of them.

The client library's road model, which the server shares, does not check what it reads: a link to a lane that is not
there, or a reference to a signal that is not there, ends its process. Therefore it reads a new map in a process of its
own first.
"""

import subprocess
import sys

from drivevla.errors import DataError
from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.scene.lane_grid import DRIVABLE_KINDS
from drivevla.sim.server.scene.opendrive import LaneSection, RoadNetwork

__all__ = ["check_network", "try_in_client"]

_LONGEST_NETWORK_M = 2.0e6
_FARTHEST_M = 1.0e6
_TRIAL_S = 600.0
_TRIAL = """
import sys
import carla
town = carla.Map("trial", sys.stdin.buffer.read().decode())
town.get_topology(), town.get_crosswalks(), town.generate_waypoints(20.0)
for landmark in town.get_all_landmarks():
    landmark.get_lane_validities(), landmark.transform
"""


def check_network(network: RoadNetwork) -> None:
    """Refuse roads that cannot be built.

    Raises:
        DataError: They are too long or too far away, a junction names roads that are not there, or nothing can be
            driven on.
    """
    length_m = sum(road.length_m for road in network.roads.values())
    if length_m > _LONGEST_NETWORK_M:
        raise DataError(f"the roads are {length_m:g} m long; {_LONGEST_NETWORK_M:g} m in all are accepted")
    for road in network.roads.values():
        for piece in road.plan_view.pieces:
            if max(abs(piece.x_m), abs(piece.y_m)) > _FARTHEST_M:
                raise DataError(
                    f"road {road.road_id} lies at ({piece.x_m:g}, {piece.y_m:g}) m; "
                    f"coordinates of at most {_FARTHEST_M:g} m are accepted"
                )
    for junction in network.junctions.values():
        for connection in junction.connections:
            unknown = {connection.incoming_road, connection.connecting_road} - network.roads.keys()
            if unknown:
                raise DataError(f"junction {junction.junction_id} connects roads that are not there: {sorted(unknown)}")
    if not any(_can_be_driven_on(section) for road in network.roads.values() for section in road.sections):
        raise DataError("no road has a driving lane with a width")


def _can_be_driven_on(section: LaneSection) -> bool:
    return any(
        lane.kind in DRIVABLE_KINDS and lane.lane_id != 0 and bool((lane.width.coefficients[:, 0] > 0.0).any())
        for lane in section.lanes
    )


def try_in_client(source: MapSource) -> None:
    """Let the client library read a map in a process of its own.

    Raises:
        DataError: It refuses the map, or does not survive it.
    """
    command = [sys.executable, "-c", _TRIAL]
    try:
        done = subprocess.run(
            command, input=source.opendrive.encode(), capture_output=True, timeout=_TRIAL_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"CARLA's road model does not get through {source.name} in {_TRIAL_S:g} s") from error
    if done.returncode < 0:
        raise DataError(
            f"CARLA's road model crashes on {source.name} (signal {-done.returncode}): mostly a link to a lane, "
            "or a reference to a signal, that is not there"
        )
    if done.returncode > 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise DataError(f"CARLA's road model refuses {source.name}: {words[-1] if words else 'it does not say why'}")
