from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor
from drivevla.sim.server.render.measurements import Image
from drivevla.sim.server.render.pinhole import project
from drivevla.sim.server.render.renderer import Renderer
from drivevla.sim.server.render.requests import CameraKind, CameraShot, CameraSpec
from drivevla.sim.server.scene.mesh import Label, Material, SceneMesh

SPEC = CameraSpec(320, 160, 65.0)
EYE = Pose((0.0, 2.0, 1.8))
CAR = RenderActor(
    actor_id=77,
    type_id="vehicle.tesla.model3",
    kind="car",
    pose=Pose((15.0, 2.0, 0.0)),
    half_extent_m=(2.4, 1.08, 0.74),
    center_m=(0.0, 0.0, 0.74),
    rgb=(0.8, 0.1, 0.1),
)


def shot(kind: CameraKind, pose: Pose = EYE, **other: object) -> CameraShot:
    return replace(CameraShot(kind=kind, spec=SPEC, pose=pose), **other)  # type: ignore[arg-type]


def pictures(street: Renderer, shots: Sequence[CameraShot], frame: DynamicFrame) -> list[Image]:
    images = street.render_many(shots, frame)
    assert all(isinstance(image, np.ndarray) for image in images)
    return [image for image in images if isinstance(image, np.ndarray)]


def metres(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    blue, green, red = (pixels[..., channel].astype(np.float64) for channel in range(3))
    return (red + 256.0 * green + 65536.0 * blue) / (2**24 - 1) * 1000.0


def labels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image[..., 2]


def test_depth_of_the_road_is_the_analytic_depth(street: Renderer) -> None:
    camera = Pose((0.0, 2.0, 1.8), (-10.0, 5.0, 0.0))
    depth, semantic = pictures(street, [shot("depth", camera), shot("semantic_segmentation", camera)], DynamicFrame())
    road = labels(semantic) == Label.ROADS
    assert road.sum() > 5000
    # A ray (1, y, z) of the camera falls by sin(10) - z cos(10) on each metre of depth; the road lies 1.8 m below.
    row = np.arange(160)[:, None] + 0.5
    rise = -(row - 80.0) / SPEC.focal_px
    fall = np.sin(np.radians(10.0)) - rise * np.cos(np.radians(10.0))
    expected = np.broadcast_to(1.8 / np.where(fall > 0.0, fall, np.inf), road.shape)
    near = road & (expected < 200.0)
    np.testing.assert_allclose(metres(depth)[near], expected[near], rtol=2e-5, atol=1e-3)


def test_depth_is_planar_not_radial(street: Renderer) -> None:
    wall = Pose((0.0, 0.0, 2.0), (0.0, 90.0, 0.0))  # the fronts of the houses on the right stand at y = 9
    kinds: tuple[CameraKind, ...] = ("depth", "normals", "semantic_segmentation")
    depth, normal, semantic = pictures(street, [shot(kind, wall) for kind in kinds], DynamicFrame())
    front = (normal[..., 1] == 0) & (labels(semantic) == Label.BUILDINGS)  # green 0: the normal is -y
    assert front.sum() > 3000
    np.testing.assert_allclose(metres(depth)[front], 9.0, atol=1e-3)


def test_a_known_point_projects_to_the_right_pixel(street: Renderer) -> None:
    # The corners of a small box, far from everything else, bound what the camera labels as that box.
    box = RenderActor(
        actor_id=5,
        type_id="static.prop.box01",
        kind="prop",
        pose=Pose((20.0, 1.0, 3.0)),
        half_extent_m=(0.5, 0.5, 0.5),
        label=Label.DYNAMIC,
    )
    camera = Pose((2.0, -1.0, 2.0), (3.0, 4.0, 0.0))
    image = street.camera(shot("semantic_segmentation", camera), DynamicFrame(actors=(box,)))
    rows, columns = np.nonzero(labels(image) == Label.DYNAMIC)
    corners = np.array([[20.0 + x, 1.0 + y, 3.0 + z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    pixel, _ = project(SPEC, camera, corners)
    # A pixel is labelled when its centre lies inside, so the outermost centres are at most one pixel inwards.
    assert 0.0 <= columns.min() + 0.5 - pixel[:, 0].min() <= 1.0
    assert 0.0 <= pixel[:, 0].max() - (columns.max() + 0.5) <= 1.0
    assert 0.0 <= rows.min() + 0.5 - pixel[:, 1].min() <= 1.0
    assert 0.0 <= pixel[:, 1].max() - (rows.max() + 0.5) <= 1.0


def test_semantic_tags_are_carlas_numbers(street: Renderer) -> None:
    rider = replace(CAR, actor_id=78, kind="bicycle", type_id="vehicle.bh.crossbike", label=Label.BICYCLE,
                    half_extent_m=(0.75, 0.43, 0.81), pose=Pose((9.0, 0.0, 0.0), (0.0, 90.0, 0.0)))  # fmt: skip
    walker = RenderActor(
        actor_id=79,
        type_id="walker.pedestrian.0004",
        kind="walker",
        pose=Pose((10.0, 4.6, 1.08)),
        half_extent_m=(0.19, 0.19, 0.93),
        label=Label.PEDESTRIANS,
        gait_phase=0.3,
    )
    image = street.camera(shot("semantic_segmentation"), DynamicFrame(actors=(CAR, rider, walker)))
    seen = set(np.unique(labels(image)).tolist())
    # Roads 1, sidewalks 2, buildings 3, poles 6, light 7, vegetation 9, sky 11, walker 12, rider 13, car 14,
    # bicycle 19, road lines 24 (carla.org, "Semantic segmentation camera").
    assert {1, 2, 3, 6, 9, 11, 12, 13, 14, 19, 24} <= seen
    assert image[0, 160].tolist() == [0, 0, 11, 255]  # the sky above the street
    assert (image[..., :2] == 0).all()


def test_instance_images_tell_actors_and_houses_apart(street: Renderer) -> None:
    other = replace(CAR, actor_id=40_000, pose=Pose((22.0, -2.0, 0.0)))
    image = street.camera(shot("instance_segmentation"), DynamicFrame(actors=(CAR, other)))
    number = image[..., 1].astype(int) + 256 * image[..., 0]
    cars = image[..., 2] == Label.CAR
    assert set(np.unique(number[cars]).tolist()) == {77, 40_000 & 0x7FFF}
    houses = set(np.unique(number[image[..., 2] == Label.BUILDINGS]).tolist())
    assert len(houses) > 6
    assert min(houses) >= 0x8000
    assert set(np.unique(number[image[..., 2] == Label.ROADS]).tolist()) == {0}


def test_normals_of_the_road_point_up(street: Renderer) -> None:
    image, semantic = pictures(street, [shot("normals"), shot("semantic_segmentation")], DynamicFrame())
    road = image[labels(semantic) == Label.ROADS]
    # (0, 0, 1) as 127.5 (n + 1), rounded to even: R 128, G 128, B 255.
    np.testing.assert_array_equal(np.unique(road, axis=0), [[255, 128, 128, 255]])
    assert image[0, 160].tolist() == [0, 0, 0, 255]


def test_the_nearest_of_static_and_moving_wins(street: Renderer) -> None:
    behind_a_house = replace(CAR, pose=Pose((15.0, 14.0, 0.0)))
    image = street.camera(shot("semantic_segmentation"), DynamicFrame(actors=(behind_a_house,)))
    assert not (labels(image) == Label.CAR).any()


def test_a_camera_inside_its_own_vehicle_looks_through_it(street: Renderer) -> None:
    inside = Pose((15.4, 2.0, 1.2))
    frame = DynamicFrame(actors=(CAR,))
    seen = street.camera(shot("semantic_segmentation", inside, parent_id=77), frame)
    blocked = street.camera(shot("semantic_segmentation", inside), frame)
    empty = street.camera(shot("semantic_segmentation", inside), DynamicFrame())
    assert (labels(blocked) == Label.CAR).mean() > 0.9
    np.testing.assert_array_equal(seen, empty)


def test_a_camera_above_its_own_vehicle_sees_the_bonnet(street: Renderer) -> None:
    image = street.camera(
        shot("semantic_segmentation", Pose((15.0, 2.0, 1.9), (-30.0, 0.0, 0.0)), parent_id=77),
        DynamicFrame(actors=(CAR,)),
    )
    assert (labels(image)[-1] == Label.CAR).any()


def test_equal_inputs_give_equal_bytes_whatever_was_rendered_before(street: Renderer, street_mesh: SceneMesh) -> None:
    frame = DynamicFrame(time_s=3.0, light_states={"17": "red"}, actors=(CAR,))
    first = street.camera(shot("rgb"), frame)
    street.camera(shot("rgb", Pose((50.0, 0.0, 2.0))), DynamicFrame(light_states={"17": "green"}))
    np.testing.assert_array_equal(street.camera(shot("rgb"), replace(frame)), first)
    np.testing.assert_array_equal(Renderer(street_mesh).camera(shot("rgb"), frame), first)


def test_many_shots_at_once_equal_each_alone(street: Renderer) -> None:
    frame = DynamicFrame(actors=(CAR,))
    shots = [shot("rgb"), shot("depth"), shot("rgb", Pose((3.0, -2.0, 1.6), (0.0, 20.0, 0.0))), shot("normals")]
    together = pictures(street, shots, frame)
    for one, image in zip(shots, together, strict=True):
        np.testing.assert_array_equal(street.camera(one, replace(frame)), image)


def test_actor_ids_do_not_change_a_picture(street: Renderer) -> None:
    one = street.camera(shot("rgb"), DynamicFrame(actors=(CAR,)))
    np.testing.assert_array_equal(
        street.camera(shot("rgb"), DynamicFrame(actors=(replace(CAR, actor_id=123_456),))), one
    )


def test_optical_flow_of_a_camera_that_rolls_forward_points_away_from_the_horizon(street: Renderer) -> None:
    before, now = Pose((0.0, 2.0, 1.8)), Pose((1.0, 2.0, 1.8))
    flow = street.camera(shot("optical_flow", now, previous_pose=before, previous_frame=DynamicFrame()), DynamicFrame())
    assert flow.shape == (160, 320, 2)
    row = 159
    fall = (row + 0.5 - 80.0) / SPEC.focal_px
    depth = 1.8 / fall
    # The road point at this row was one metre farther away before.
    down_px = SPEC.focal_px * 1.8 * (1.0 / depth - 1.0 / (depth + 1.0))
    assert flow[row, 160, 1] == pytest.approx(down_px / 160.0, rel=1e-3)
    assert abs(flow[0, 160]).max() < 1e-4  # the sky stands still


def test_optical_flow_follows_a_moving_car_under_a_standing_camera(street: Renderer) -> None:
    moved = replace(CAR, pose=Pose((15.0, 3.0, 0.0)))
    flow, semantic = pictures(
        street,
        [
            shot("optical_flow", previous_pose=EYE, previous_frame=DynamicFrame(actors=(CAR,))),
            shot("semantic_segmentation"),
        ],
        DynamicFrame(actors=(moved,)),
    )
    car = labels(semantic) == Label.CAR
    assert abs(flow[~car]).max() < 1e-5
    rear = flow[car][:, 0].max() * 320.0  # its tail, 12.6 m away, moved one metre to the right
    assert rear == pytest.approx(SPEC.focal_px / 12.6, rel=0.02)


def test_an_empty_scene_is_all_sky() -> None:
    nothing = SceneMesh(
        vertices_m=np.zeros((0, 3), np.float32),
        uv_m=np.zeros((0, 2), np.float32),
        triangles=np.zeros((0, 3), np.uint32),
        material=np.zeros(0, np.uint16),
        label=np.zeros(0, np.uint8),
        object_id=np.zeros(0, np.uint32),
        materials=(Material(surface="plain", rgb=(1.0, 1.0, 1.0)),),
    )
    renderer = Renderer(nothing)
    assert (labels(renderer.camera(shot("semantic_segmentation"), DynamicFrame())) == Label.SKY).all()
    assert renderer.camera(shot("rgb"), DynamicFrame(actors=(CAR,))).shape == (160, 320, 4)
