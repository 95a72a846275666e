"""The level: layers, and what only Unreal would show."""

from drivevla.errors import SimulatorError
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.wire import decode
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["CALLS"]

CALLS = CallGroup()

LAYERS: dict[int, frozenset[Label]] = {
    1: frozenset({Label.BUILDINGS}),
    2: frozenset(),  # decals
    4: frozenset({Label.VEGETATION}),
    8: frozenset(),  # the ground stays: actors stand on it
    16: frozenset({Label.CAR, Label.TRUCK, Label.BUS, Label.MOTORCYCLE, Label.BICYCLE}),
    32: frozenset(),  # particles
    64: frozenset({Label.STATIC, Label.DYNAMIC, Label.OTHER}),
    256: frozenset({Label.WALLS, Label.FENCES, Label.GUARD_RAIL}),
}
"""Labels of the things in each of CARLA's map layers, by the layer's bit."""

STREET_LIGHTS = 128
"""The layer's bit whose things share their label with other poles."""


@CALLS.nothing("load_map_layer", decode.integer)
def load_map_layer(simulator: Simulator, mask: int) -> None:
    """Put the things of some layers back."""
    simulator.episode.show(_objects_in(simulator, mask), shown=True)


@CALLS.nothing("unload_map_layer", decode.integer)
def unload_map_layer(simulator: Simulator, mask: int) -> None:
    """Take the things of some layers out of the level: nothing sees them or runs into them."""
    simulator.episode.show(_objects_in(simulator, mask), shown=False)


@CALLS.nothing("enable_environment_objects", decode.sequence(decode.integer), decode.boolean)
def enable_environment_objects(simulator: Simulator, object_ids: list[int], enabled: bool) -> None:
    """Show things of the level, or take them out of it."""
    known = {thing.object_id for thing in simulator.episode.scene.objects}
    unknown = sorted(set(object_ids) - known)
    if unknown:
        raise SimulatorError(f"no environment objects {unknown[:5]}")
    simulator.episode.show(set(object_ids), shown=enabled)


@CALLS.value("get_imui_gravity", locks=False)
def get_imui_gravity(simulator: Simulator) -> float:
    """What IMUs feel at rest, in m/s2."""
    return simulator.imu_gravity_mps2


@CALLS.nothing("set_imui_gravity", decode.number)
def set_imui_gravity(simulator: Simulator, gravity_mps2: float) -> None:
    """Change what IMUs feel at rest."""
    simulator.imu_gravity_mps2 = gravity_mps2


@CALLS.nothing("set_annotations_traverse_translucency", decode.boolean, locks=False)
def set_annotations_traverse_translucency(_: Simulator, _enabled: bool) -> None:
    """Nothing here is translucent: annotations are the same either way."""


@CALLS.nothing("draw_debug_shape", decode.anything, locks=False)
def draw_debug_shape(_: Simulator, _shape: object) -> None:
    """Debug shapes are for a screen that this server does not have; cameras never see them."""


@CALLS.nothing("clear_debug_shape", locks=False)
def clear_debug_shape(_: Simulator) -> None:
    """There are no debug shapes."""


@CALLS.nothing("clear_debug_string", locks=False)
def clear_debug_string(_: Simulator) -> None:
    """There are no debug strings."""


def _objects_in(simulator: Simulator, mask: int) -> set[int]:
    labels = {label for bit, group in LAYERS.items() if mask & bit for label in group}
    scene = simulator.episode.scene
    lamps = {light.object_id for light in scene.street_lights if mask & STREET_LIGHTS}
    return lamps | {thing.object_id for thing in scene.objects if thing.label in labels}
