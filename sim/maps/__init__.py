"""Maps by name: ``find_map`` gives the OpenDRIVE text, ``landmarks`` what stands beside the roads."""

from drivevla.sim.maps.find import available_maps, find_map, is_test_map
from drivevla.sim.maps.landmarks import Landmark, landmarks
from drivevla.sim.maps.source import MapSource, check_opendrive, read_map

__all__ = [
    "Landmark",
    "MapSource",
    "available_maps",
    "check_opendrive",
    "find_map",
    "is_test_map",
    "landmarks",
    "read_map",
]
