"""Maps: what there is, loading one, and the files a client needs for it."""

from drivevla.errors import SimulatorError, UnknownName
from drivevla.sim.maps.find import available_maps, find_map
from drivevla.sim.maps.source import MapSource, check_opendrive
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.wire import decode, encode
from drivevla.sim.server.world.map_files import NAVIGATION, TRAFFIC_MANAGER, map_files
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["CALLS", "UPLOADED_MAP"]

UPLOADED_MAP = "OpenDriveMap"
"""The name under which clients load the OpenDRIVE text that they sent."""

CALLS = CallGroup()


@CALLS.value("get_available_maps", locks=False)
def get_available_maps(_: Simulator) -> list[str]:
    """Maps that can be loaded by name."""
    return [f"/Game/Carla/Maps/{name}" for name in available_maps()]


@CALLS.value("get_map_info")
def get_map_info(simulator: Simulator) -> list[object]:
    """Name and recommended spawn points."""
    scene = simulator.episode.scene
    return [f"Carla/Maps/{scene.source.name}", [encode.transform(pose) for pose in scene.spawn_points]]


@CALLS.value("get_map_data")
def get_map_data(simulator: Simulator) -> str:
    """The OpenDRIVE text."""
    return simulator.episode.scene.source.opendrive


@CALLS.nothing("load_new_episode", decode.text, decode.boolean, decode.integer, locks=False)
def load_new_episode(simulator: Simulator, name: str, reset_settings: bool, _layers: int) -> None:
    """Begin anew, in any map."""
    simulator.load(_source(simulator, name), reset_settings=reset_settings)


@CALLS.nothing("copy_opendrive_to_file", decode.text, decode.anything, locks=False)
def copy_opendrive_to_file(simulator: Simulator, opendrive: str, _parameters: object) -> None:
    """Take an OpenDRIVE text, to be loaded next; the mesh parameters have no effect."""
    check_opendrive(opendrive, origin="the uploaded OpenDRIVE")
    with simulator.lock:
        simulator.uploaded = MapSource(name=UPLOADED_MAP, opendrive=opendrive, origin="client")


@CALLS.value("get_required_files", decode.text)
def get_required_files(simulator: Simulator, folder: str) -> list[str]:
    """Files for the pedestrians' navigation and the Traffic Manager."""
    return list(map_files(simulator.episode.scene, folder))


@CALLS.value("request_file", decode.text)
def request_file(simulator: Simulator, name: str) -> bytes:
    """The content of such a file."""
    scene = simulator.episode.scene
    for folder in (NAVIGATION, TRAFFIC_MANAGER):
        if name in (files := map_files(scene, folder)):
            return files[name]
    raise SimulatorError(f"no file {name!r} was announced for map {scene.source.name}")


@CALLS.value("get_navigation_mesh")
def get_navigation_mesh(simulator: Simulator) -> bytes:
    """The pedestrians' navigation mesh."""
    return simulator.episode.scene.navmesh


def _source(simulator: Simulator, name: str) -> MapSource:
    if not name:  # what the client sends to reload the map that is loaded
        return simulator.episode.scene.source
    if name.rpartition("/")[2] == UPLOADED_MAP:
        if simulator.uploaded is None:
            raise SimulatorError(f"{UPLOADED_MAP} names an uploaded OpenDRIVE, and none was uploaded")
        return simulator.uploaded
    try:
        return find_map(name)
    except UnknownName as error:
        raise SimulatorError(f"Map '{name}' not found: {error}") from error
