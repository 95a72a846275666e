"""The walkers' mesh: its bytes as Detour lays them out, and that paths can cross from polygon to polygon."""

import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.detour import AREA_FLAGS, Area, WalkableMesh, encode_navmesh
from drivevla.sim.server.scene.scene import Scene

POLYGON = np.dtype(
    [("link", "<u4"), ("corner", "<u2", 6), ("neighbour", "<u2", 6), ("flags", "<u2"), ("count", "u1"), ("area", "u1")]
)
SET_BYTES, TILE_HEAD_BYTES, TILE_BYTES = 40, 8, 100


def decode(data: bytes) -> tuple[tuple[int, ...], NDArray[np.float32], NDArray[np.void], bytes]:
    """Header counts, vertices (x, up, y), polygons, detail triangles."""
    magic, version, tiles = struct.unpack_from("<iii", data)
    assert (magic, version, tiles) == (0x4D534554, 1, 1)
    reference, size = struct.unpack_from("<Ii", data, SET_BYTES)
    assert reference == struct.unpack_from("<i", data, SET_BYTES - 4)[0]
    tile = data[SET_BYTES + TILE_HEAD_BYTES :]
    assert len(tile) == size
    assert struct.unpack_from("<ii", tile) == (0x444E4156, 7)
    counts = struct.unpack_from("<9i", tile, 24)
    polygons, vertices, links = counts[:3]
    at = TILE_BYTES
    points = np.frombuffer(tile, "<f4", 3 * vertices, at).reshape(-1, 3)
    at += 12 * vertices
    table = np.frombuffer(tile, POLYGON, polygons, at)
    at += POLYGON.itemsize * polygons + 12 * links + 12 * polygons
    assert len(tile) == at + 4 * polygons
    return counts, points, table, tile[at:]


def square() -> WalkableMesh:
    """Two triangles of a unit square; the diagonal runs between corners 0 and 2."""
    return WalkableMesh(
        vertices_m=np.array([[0.0, 0, 5], [0, 1, 5], [1, 1, 5], [1, 0, 5]]),
        triangles=np.array([[0, 1, 2], [0, 2, 3]]),
        neighbours=np.array([[-1, -1, 1], [0, -1, -1]]),
        area=np.array([Area.SIDEWALK, Area.CROSSWALK], dtype=np.uint8),
    )


def test_square_is_encoded_field_by_field() -> None:
    counts, points, table, detail = decode(encode_navmesh(square()))
    assert counts[:2] == (2, 4)
    np.testing.assert_allclose(points[2], (1.0, 5.0, 1.0))  # x, up, y
    assert table["neighbour"][:, :3].tolist() == [[0, 0, 2], [1, 0, 0]]
    assert table["flags"].tolist() == [0x02, 0x04]
    assert table["area"].tolist() == [1, 2]
    assert table["count"].tolist() == [3, 3]
    # All three edges of each detail triangle bound it: without any, the client reads through a null pointer.
    assert detail == bytes([0, 1, 2, 0b010101] * 2)


def test_street_has_sidewalks_crosswalk_and_road_with_shared_edges(street: Callable[..., Scene]) -> None:
    _, points, table, _ = decode(street().navmesh)
    assert set(table["area"].tolist()) == {Area.SIDEWALK, Area.CROSSWALK, Area.ROAD}
    for area in (Area.SIDEWALK, Area.CROSSWALK, Area.ROAD):
        assert set(table["flags"][table["area"] == area].tolist()) == {AREA_FLAGS[area]}
    corners = table["corner"][:, :3].astype(int)
    a, b, c = (points[corners[:, k]][:, [0, 2]] for k in range(3))
    assert (np.cross(b - a, c - a) < 0).all()  # clockwise
    for index, (corner, behind) in enumerate(zip(corners, table["neighbour"][:, :3].astype(int), strict=True)):
        for k, other in enumerate(behind):
            if other:
                edge = {corner[k], corner[(k + 1) % 3]}
                assert edge <= set(corners[other - 1])
                assert index + 1 in table["neighbour"][other - 1]


def test_sidewalk_triangles_lie_on_the_sidewalk(street: Callable[..., Scene]) -> None:
    _, points, table, _ = decode(street().navmesh)
    walk = table["corner"][table["area"] == Area.SIDEWALK][:, :3].astype(int)
    y = points[walk][..., 2].mean(axis=1)
    assert (((y > 4.0) & (y < 6.0)) | ((y < -3.5) & (y > -5.5))).all()
    a, b, c = (points[walk[:, k]][:, [0, 2]] for k in range(3))
    area = 0.5 * np.abs(np.cross(b - a, c - a)).sum()
    assert 2 * 2.0 * 100 * 0.97 < area < 2 * 2.0 * 100 * 1.02


def test_a_walker_can_cross_the_street_without_stepping_on_the_road(street: Callable[..., Scene]) -> None:
    _, points, table, _ = decode(street().navmesh)
    open_to_walkers = np.isin(table["area"], (Area.SIDEWALK, Area.CROSSWALK))
    y = points[table["corner"][:, :3].astype(int)][..., 2].mean(axis=1)
    reached = {int(np.flatnonzero((y > 4.0) & (table["area"] == Area.SIDEWALK))[0])}
    frontier = list(reached)
    while frontier:
        for other in table["neighbour"][frontier.pop()][:3].astype(int) - 1:
            if other >= 0 and open_to_walkers[other] and other not in reached:
                reached.add(int(other))
                frontier.append(int(other))
    assert (y[list(reached)] < -3.5).any()
