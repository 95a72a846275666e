"""From a map's text to its scene."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import require
from drivevla.sim.maps.landmarks import Landmark, landmarks
from drivevla.sim.server.scene.approaches import LaneGraph
from drivevla.sim.server.scene.buildings import add_buildings
from drivevla.sim.server.scene.cache import SceneParts, cache_path, load_parts, store_parts
from drivevla.sim.server.scene.detour import encode_navmesh
from drivevla.sim.server.scene.footprints import lane_footprints
from drivevla.sim.server.scene.junction_floor import add_junction_floors
from drivevla.sim.server.scene.landmark_models import add_landmarks
from drivevla.sim.server.scene.lane_grid import PAVED_KINDS, RAISED_KINDS, LaneGrid, sample_lanes
from drivevla.sim.server.scene.light_heads import add_light_heads, find_mounts
from drivevla.sim.server.scene.light_phases import light_groups
from drivevla.sim.server.scene.markings import add_markings
from drivevla.sim.server.scene.materials import GRASS
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.mesh_builder import MeshBuilder
from drivevla.sim.server.scene.opendrive import RoadNetwork, parse_opendrive
from drivevla.sim.server.scene.placement import Site
from drivevla.sim.server.scene.registry import ObjectRegistry
from drivevla.sim.server.scene.road_paint import add_crosswalks, add_stop_lines, crosswalk_polygons
from drivevla.sim.server.scene.roadside import Claims, rectangles, road_edges
from drivevla.sim.server.scene.scene import Scene, Signal, StreetLight
from drivevla.sim.server.scene.sign_boards import add_sign_board
from drivevla.sim.server.scene.signals import SignalSite, find_signal_sites, trigger_box
from drivevla.sim.server.scene.soundness import check_network, try_in_client
from drivevla.sim.server.scene.spawn_points import find_spawn_points
from drivevla.sim.server.scene.street_furniture import add_fences, add_guard_rails, add_lamps
from drivevla.sim.server.scene.surface import add_surfaces
from drivevla.sim.server.scene.terrain import HeightField, terrain_under
from drivevla.sim.server.scene.vegetation import add_trees
from drivevla.sim.server.scene.walkable import walkable_mesh

if TYPE_CHECKING:
    import carla

    from drivevla.sim.maps.source import MapSource

__all__ = ["build_scene"]


def build_scene(source: "MapSource", *, seed: int) -> Scene:
    """Build everything static of a map, or read it from the cache when it was built before.

    Args:
        source: The map.
        seed: Chooses the buildings, trees and their colours; roads do not depend on it.

    Raises:
        DataError: The OpenDRIVE text cannot be used.
        UnknownName: A landmark of the map has a kind or colour that has no model.
        MissingExtra: The carla package is not installed.
    """
    path = cache_path(source, seed=seed)
    parts = load_parts(path)
    if parts is None:
        network = parse_opendrive(source.opendrive)
        check_network(network)
        try_in_client(source)
        carla_map = require("carla", "sim").Map(source.name, source.opendrive)
        parts = _build_parts(source, network, carla_map, seed)
        store_parts(path, parts)
    else:
        carla_map = require("carla", "sim").Map(source.name, source.opendrive)
    return Scene(
        source=source,
        carla_map=carla_map,
        mesh=parts.mesh,
        ground=parts.ground,
        obstacles=parts.obstacles,
        signals=parts.signals,
        light_groups=parts.light_groups,
        spawn_points=parts.spawn_points,
        navmesh=parts.navmesh,
        objects=parts.objects,
        street_lights=parts.street_lights,
    )


def _build_parts(source: "MapSource", network: RoadNetwork, carla_map: "carla.Map", seed: int) -> SceneParts:
    grids = sample_lanes(network)
    driving, paved = lane_footprints(grids), lane_footprints(grids, kinds=PAVED_KINDS)
    builder, registry = MeshBuilder(), ObjectRegistry()
    terrain = _add_land(builder, grids)
    add_surfaces(builder, grids, driving=driving, paved=paved)
    add_junction_floors(builder, grids)
    ground = builder.build_ground()
    add_markings(builder, grids, paved)
    crosswalks = crosswalk_polygons(carla_map)
    add_crosswalks(builder, crosswalks, ground, driving)
    sites = find_signal_sites(carla_map, LaneGraph(network, grids))
    add_stop_lines(builder, sites, ground)
    site = Site(paved, ground)
    signals = _add_signals(builder, registry, sites, site)
    rng = np.random.default_rng(seed)
    street_lights = _furnish(builder, registry, grids, terrain, site, landmarks(source.opendrive), rng)
    sidewalks = lane_footprints(grids, kinds=frozenset({"sidewalk"}))
    walkable = walkable_mesh(grids, crosswalks, sidewalks=sidewalks, roads=paved, ground=ground)
    return SceneParts(
        mesh=builder.build(),
        ground=ground,
        obstacles=registry.obstacles(),
        signals=signals,
        light_groups=light_groups(sites, network),
        spawn_points=find_spawn_points(grids),
        navmesh=encode_navmesh(walkable),
        objects=tuple(registry.objects),
        street_lights=street_lights,
    )


def _add_land(builder: MeshBuilder, grids: list[LaneGrid]) -> HeightField:
    terrain = terrain_under(grids)
    vertices, triangles = terrain.mesh()
    builder.add(vertices, triangles, material=GRASS, label=Label.TERRAIN, is_ground=True)
    return terrain


def _add_signals(
    builder: MeshBuilder, registry: ObjectRegistry, sites: list[SignalSite], ground: Site
) -> tuple[Signal, ...]:
    signals: list[Signal] = []
    taken: dict[int, list[NDArray[np.float64]]] = {}
    for site in sites:
        if site.kind == "traffic_light":
            at_junction = taken.setdefault(-1 if site.approach is None else site.approach.junction_id, [])
            heads = add_light_heads(builder, registry, site, find_mounts(site, ground, at_junction))
        else:
            heads = add_sign_board(builder, registry, site, ground)
        signals.append(
            Signal(
                signal_id=site.signal_id,
                kind=site.kind,
                pose=site.pose,
                trigger=trigger_box(site),
                value_kmh=site.value_kmh,
                lanes=() if site.approach is None else site.approach.lanes,
                head_locations_m=heads,
            )
        )
    return tuple(signals)


def _furnish(
    builder: MeshBuilder,
    registry: ObjectRegistry,
    grids: list[LaneGrid],
    terrain: HeightField,
    site: Site,
    named: tuple[Landmark, ...],
    rng: np.random.Generator,
) -> tuple[StreetLight, ...]:
    """Landmarks first, where the map wants them; then everything that is drawn from the seed, around them."""
    edges = list(road_edges(grids))
    claims = Claims(lane_footprints(grids, kinds=PAVED_KINDS | RAISED_KINDS))
    if named:
        center = np.array([landmark.location_m[:2] for landmark in named])
        half = np.array([landmark.size_m[:2] for landmark in named]) / 2
        claims.take(rectangles(center, half, np.radians([landmark.yaw_deg for landmark in named])))
        add_landmarks(builder, registry, named, rng)
    add_guard_rails(builder, registry, edges, terrain, site)
    street_lights = add_lamps(builder, registry, edges, site, rng)
    add_buildings(builder, registry, edges, terrain, claims, rng)
    add_fences(builder, registry, edges, terrain, claims, rng)
    add_trees(builder, registry, edges, terrain, claims, rng)
    return street_lights
