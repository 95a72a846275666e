"""The catalogue holds what CARLA 0.9.16 offers, with sizes that make sense."""

import math
from itertools import pairwise

import pytest

from drivevla.errors import SimulatorError, UnknownName
from drivevla.sim.server.catalogue import AttributeType, VehicleSpec, catalogue
from drivevla.sim.server.scene.mesh import Label

_REQUIRED = """
vehicle.lincoln.mkz_2017 vehicle.lincoln.mkz_2020 vehicle.tesla.model3 vehicle.audi.tt vehicle.nissan.patrol
vehicle.nissan.patrol_2021 vehicle.nissan.micra vehicle.volkswagen.t2 vehicle.mini.cooper_s_2021
vehicle.mercedes.coupe_2020 vehicle.ford.mustang vehicle.chevrolet.impala vehicle.jeep.wrangler_rubicon
vehicle.dodge.charger_2020 vehicle.dodge.charger_police_2020 vehicle.carlamotors.carlacola vehicle.kawasaki.ninja
vehicle.diamondback.century vehicle.bh.crossbike vehicle.gazelle.omafiets vehicle.mitsubishi.fusorosa
vehicle.carlamotors.firetruck vehicle.carlamotors.european_hgv vehicle.ford.ambulance vehicle.ford.crown
vehicle.dodge.charger_police walker.pedestrian.0001 controller.ai.walker static.prop.streetbarrier
static.prop.constructioncone static.prop.trafficwarning static.prop.warningconstruction static.prop.warningaccident
static.prop.dirtdebris01 static.prop.dirtdebris02 static.prop.dirtdebris03 static.prop.vendingmachine
static.prop.container static.prop.chainbarrier static.prop.mesh static.trigger.friction sensor.camera.rgb
sensor.camera.depth sensor.camera.semantic_segmentation sensor.camera.instance_segmentation
sensor.camera.optical_flow sensor.camera.normals sensor.camera.dvs sensor.lidar.ray_cast
sensor.lidar.ray_cast_semantic sensor.other.collision sensor.other.lane_invasion sensor.other.obstacle
sensor.other.gnss sensor.other.imu sensor.other.radar
"""


def defaults(blueprint_id: str) -> dict[str, str]:
    return {attribute.id: attribute.value for attribute in catalogue().blueprint(blueprint_id).attributes}


def test_everything_that_scenario_programs_ask_for_is_there() -> None:
    assert [name for name in _REQUIRED.split() if name not in catalogue().blueprints] == []


def test_counts() -> None:
    vehicles = catalogue().vehicles.values()
    assert len(vehicles) == 41
    assert sum(spec.number_of_wheels == 2 for spec in vehicles) == 7
    assert {spec.base_type for spec in vehicles} == {"car", "van", "truck", "bus", "motorcycle", "bicycle"}
    assert sum(spec.special_type == "emergency" for spec in vehicles) == 4
    assert sum(spec.age == "child" for spec in catalogue().walkers.values()) == 8
    assert len(catalogue().walkers) == 52
    assert len(catalogue().props) == 99


def test_uids_count_from_one_in_the_order_of_ids() -> None:
    blueprints = list(catalogue().blueprints.values())
    assert [blueprint.uid for blueprint in blueprints] == list(range(1, len(blueprints) + 1))
    assert [blueprint.id for blueprint in blueprints] == sorted(blueprint.id for blueprint in blueprints)


def test_the_leaderboards_ego_has_carlas_box() -> None:
    # carla.Actor.bounding_box of vehicle.lincoln.mkz_2020: extent (2.446, 0.918, 0.745), location z 0.749.
    spec = catalogue().vehicles["vehicle.lincoln.mkz_2020"]
    assert spec.box.half_extent_m == pytest.approx((2.4462, 0.9184, 0.7451), abs=1e-4)
    assert spec.box.center_m == pytest.approx((-0.0063, 0.0, 0.7488), abs=1e-4)
    # The engine that CARLA prints for its MKZ, unscaled; brakes for 7 m/s2: 1750 kg x 7 x 0.355 m / 4.
    assert max(torque for _, torque in spec.physics.torque_curve) == pytest.approx(500.0)
    assert spec.physics.wheels[0].max_brake_torque_nm == pytest.approx(1087.0, rel=1e-3)


@pytest.mark.parametrize("spec", catalogue().vehicles.values(), ids=lambda spec: spec.id)
def test_a_vehicle_is_made_like_one(spec: VehicleSpec) -> None:
    box, physics = spec.box, spec.physics
    front, rear = physics.wheels[0].position_m[0], physics.wheels[-1].position_m[0]
    # Boxes stand on the ground, within what CARLA's own boxes leave below them.
    assert abs(box.center_m[2] - box.half_extent_m[2]) < 0.17
    assert box.center_m[0] - box.half_extent_m[0] < rear < front < box.center_m[0] + box.half_extent_m[0]
    assert rear < physics.center_of_mass_m[0] < front
    assert abs(physics.wheels[0].position_m[1]) < spec.body.half_extent_m[1]
    assert all(spec.body.half_extent_m[axis] <= box.half_extent_m[axis] for axis in range(3))
    assert all(earlier.ratio > later.ratio for earlier, later in pairwise(physics.forward_gears))
    assert physics.mass_kg > 80.0
    assert physics.wheels[0].max_steer_deg > 0.0 == physics.wheels[-1].max_steer_deg


def test_values_are_of_their_types_and_within_the_recommended() -> None:
    for blueprint in catalogue().blueprints.values():
        modifiable = {attribute.id: attribute.value for attribute in blueprint.attributes if attribute.modifiable}
        assert blueprint.values(modifiable) == {attribute.id: attribute.value for attribute in blueprint.attributes}
        for attribute in blueprint.attributes:
            assert not attribute.recommended or attribute.value in attribute.recommended
            assert attribute.modifiable or not attribute.restricted
            if attribute.type is AttributeType.FLOAT:
                assert math.isfinite(float(attribute.value))


def test_attributes_that_the_leaderboard_sets() -> None:
    rgb = defaults("sensor.camera.rgb")
    assert (rgb["image_size_x"], rgb["image_size_y"], rgb["fov"], rgb["lens_k"]) == ("800", "600", "90.0", "-1.0")
    assert (rgb["chromatic_aberration_intensity"], rgb["sensor_tick"], rgb["role_name"]) == ("0.0", "0.0", "front")
    assert len(rgb) == 1 + 1 + 3 + 6 + 31 + 1
    lidar = defaults("sensor.lidar.ray_cast")
    assert (lidar["channels"], lidar["dropoff_general_rate"], lidar["lower_fov"]) == ("32", "0.45", "-30.0")
    assert "dropoff_general_rate" not in defaults("sensor.lidar.ray_cast_semantic")
    assert defaults("static.trigger.friction").keys() >= {"friction", "extent_x", "extent_y", "extent_z"}
    assert defaults("walker.pedestrian.0011")["age"] == "child"
    assert defaults("vehicle.carlamotors.carlacola")["color"] == "255,68,0"
    assert "color" not in defaults("vehicle.ford.ambulance")
    assert "driver_id" in defaults("vehicle.kawasaki.ninja")
    assert "driver_id" not in defaults("vehicle.audi.tt")


def test_labels() -> None:
    vehicles = catalogue().vehicles
    assert vehicles["vehicle.ford.ambulance"].label is Label.CAR
    assert vehicles["vehicle.tesla.cybertruck"].label is Label.TRUCK
    assert vehicles["vehicle.mitsubishi.fusorosa"].label is Label.BUS
    assert vehicles["vehicle.bh.crossbike"].label is Label.BICYCLE
    assert catalogue().props["static.prop.constructioncone"].label is Label.DYNAMIC
    assert catalogue().props["static.prop.busstop"].label is Label.STATIC


def test_chosen_values_replace_defaults() -> None:
    values = catalogue().blueprint("vehicle.audi.tt").values({"color": "1,2,3", "role_name": "hero"})
    assert (values["color"], values["role_name"], values["base_type"]) == ("1,2,3", "hero", "car")


@pytest.mark.parametrize(
    ("blueprint_id", "name", "text"),
    [
        ("sensor.camera.rgb", "fov", "wide"),
        ("sensor.camera.rgb", "fov", "nan"),
        ("sensor.camera.rgb", "image_size_x", "3.5"),
        ("sensor.camera.rgb", "exposure_mode", "sunny"),
        ("sensor.camera.rgb", "colour", "1,2,3"),
        ("sensor.camera.rgb", "enable_postprocess_effects", "maybe"),
        ("vehicle.audi.tt", "color", "1,2,300"),
        ("vehicle.audi.tt", "color", "red"),
        ("walker.pedestrian.0011", "use_wheelchair", "true"),
    ],
)
def test_what_is_no_value_is_refused_by_name(blueprint_id: str, name: str, text: str) -> None:
    with pytest.raises(SimulatorError, match=name):
        catalogue().blueprint(blueprint_id).values({name: text})


def test_an_unknown_blueprint_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"vehicle\.tesla\.model3"):
        catalogue().blueprint("vehicle.tesla.modelthree")
