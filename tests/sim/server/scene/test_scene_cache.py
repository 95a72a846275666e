"""Scenes on disk: the same values come back, and nothing bad comes out of a bad file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.cache import cache_path, load_parts
from drivevla.sim.server.scene.scene import Scene


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIVEVLA_HOME", str(tmp_path))
    return tmp_path


def assert_same(one: Scene, other: Scene) -> None:
    np.testing.assert_array_equal(one.mesh.vertices_m, other.mesh.vertices_m)
    np.testing.assert_array_equal(one.mesh.triangles, other.mesh.triangles)
    np.testing.assert_array_equal(one.mesh.material, other.mesh.material)
    np.testing.assert_array_equal(one.obstacles.center_m, other.obstacles.center_m)
    assert one.mesh.materials == other.mesh.materials
    assert one.signals == other.signals
    assert one.light_groups == other.light_groups
    assert one.spawn_points == other.spawn_points
    assert one.objects == other.objects
    assert one.navmesh == other.navmesh
    points = np.random.default_rng(0).uniform((-20, -20), (120, 20), (200, 2))
    for first, second in zip(
        one.ground.query(points, np.zeros(200)), other.ground.query(points, np.zeros(200)), strict=True
    ):
        np.testing.assert_array_equal(first, second)


def test_second_start_reads_the_same_scene(empty_home: Path, street_source: MapSource) -> None:
    built = build_scene(street_source, seed=5)
    assert cache_path(street_source, seed=5).is_file()
    assert_same(built, build_scene(street_source, seed=5))


@pytest.mark.parametrize("damage", ["truncated", "text", "foreign"])
def test_damaged_file_is_built_anew(empty_home: Path, street_source: MapSource, damage: str) -> None:
    built = build_scene(street_source, seed=5)
    path = cache_path(street_source, seed=5)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "text":
        path.write_bytes(b"not an archive")
    else:
        with path.open("wb") as file:
            np.savez(file, tables=np.frombuffer(b"{}", dtype=np.uint8))
    assert load_parts(path) is None
    assert_same(built, build_scene(street_source, seed=5))
    assert load_parts(path) is not None


def test_other_seed_and_other_text_have_other_files(empty_home: Path, street_source: MapSource) -> None:
    other_text = MapSource(street_source.name, street_source.opendrive + " ", street_source.origin)
    paths = {cache_path(street_source, seed=1), cache_path(street_source, seed=2), cache_path(other_text, seed=1)}
    assert len(paths) == 3


def test_scene_is_built_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, street_source: MapSource, street: Callable[..., Scene]
) -> None:
    (tmp_path / "home").write_text("a file, not a folder")
    monkeypatch.setenv("DRIVEVLA_HOME", str(tmp_path / "home"))
    assert_same(build_scene(street_source, seed=3), street())
