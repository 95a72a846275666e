"""One call of every method of the real client, for ``drivevla.sim.server.compatibility``."""

import time
from collections.abc import Callable
from functools import partial
from operator import attrgetter, methodcaller
from typing import Any

import carla

__all__ = ["PROBES", "UNTRIED", "Playground"]

STEP_S = 0.05
PORT = 8123
UP, PUSH = carla.Vector3D(0.0, 0.0, 1.0), carla.Vector3D(1.0, 0.0, 0.0)
AHEAD = carla.Location(10.0, 0.0, 0.0)


class Playground:
    """A client, a world, and one of each kind of actor in it.

    Args:
        host: Where the server listens.
        port: Port of its calls.
    """

    def __init__(self, host: str, port: int) -> None:
        self.client = carla.Client(host, port, worker_threads=8)
        self.client.set_timeout(60.0)
        self.world = self.client.get_world()
        self.library = self.world.get_blueprint_library()
        self.points = self.world.get_map().get_spawn_points()
        settings = self.world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, STEP_S
        self.world.apply_settings(settings)
        self.vehicle = self.spawn("vehicle.tesla.model3", self.points[0])
        self.walker = self.spawn("walker.pedestrian.0001", self.points[8])
        self.controller = self.spawn("controller.ai.walker", carla.Transform(), self.walker)
        self.camera = self.spawn("sensor.camera.rgb", carla.Transform(carla.Location(z=2.0)), self.vehicle)
        self.invasion = self.spawn("sensor.other.lane_invasion", carla.Transform(), self.vehicle)
        self.settle()
        self.light = self.world.get_actors().filter("traffic.traffic_light")[0]
        self.landmark = self.world.get_map().get_all_landmarks_from_id(self.light.get_opendrive_id())[0]
        self.junction = self._first_junction()
        self.manager = self.client.get_trafficmanager(PORT)
        self.manager.set_synchronous_mode(True)

    def spawn(self, type_id: str, transform: Any, parent: Any = None) -> Any:
        """A new actor."""
        return self.world.spawn_actor(self.library.find(type_id), transform, attach_to=parent)

    def settle(self) -> None:
        """Let calls that nobody waits for arrive, and the world move on."""
        self.world.tick()
        time.sleep(0.02)

    def passing_actor(self) -> Any:
        """An actor to destroy."""
        prop = self.spawn("static.prop.trafficwarning", self.points[5])
        self.settle()
        return prop

    def _first_junction(self) -> Any:
        waypoints = self.world.get_map().generate_waypoints(5.0)
        return next(each for each in waypoints if each.is_junction).get_junction()


Probe = Callable[[Playground], Any]


def _on(target: str, name: str, *arguments: Any) -> Probe:
    """Call a method of one of the playground's objects."""
    call = methodcaller(name, *arguments)
    return lambda ground: call(getattr(ground, target))


def _read(target: str, name: str) -> Probe:
    return lambda ground: attrgetter(name)(getattr(ground, target))


def _on_vehicle(name: str, *arguments: Any) -> tuple[str, Probe]:
    """Call a method of the Traffic Manager that takes the vehicle first."""
    return name, lambda ground: methodcaller(name, ground.vehicle, *arguments)(ground.manager)


def _table(target: str, calls: dict[str, tuple[Any, ...]], reads: tuple[str, ...] = ()) -> dict[str, Probe]:
    return {
        **{name: _on(target, name, *arguments) for name, arguments in calls.items()},
        **{name: _read(target, name) for name in reads},
    }


def _texture(kind: Any) -> Any:
    return kind(1, 1)


CLIENT: dict[str, Probe] = {
    **_table(
        "client",
        {
            "apply_batch": ([],),
            "apply_batch_sync": ([], False),
            "get_available_maps": (),
            "get_client_version": (),
            "get_required_files": ("Nav", False),
            "get_server_version": (),
            "get_trafficmanager": (PORT,),
            "get_world": (),
            "load_world_if_different": ("Gen_tee_1",),
            "replay_file": ("drive.log", 0.0, 0.0, 0, False),
            "set_replayer_ignore_hero": (True,),
            "set_replayer_ignore_spectator": (True,),
            "set_replayer_time_factor": (1.0,),
            "set_timeout": (60.0,),
            "show_recorder_actors_blocked": ("drive.log", 30.0, 10.0),
            "show_recorder_collisions": ("drive.log", "a", "a"),
            "show_recorder_file_info": ("drive.log", False),
            "start_recorder": ("compatibility.log",),
            "stop_recorder": (),
            "stop_replayer": (True,),
        },
    ),
    "request_file": lambda ground: ground.client.request_file(ground.client.get_required_files("Nav", False)[0]),
}

WORLD: dict[str, Probe] = {
    **_table(
        "world",
        {
            "cast_ray": (carla.Location(0.0, 0.0, 50.0), carla.Location(0.0, 0.0, -50.0)),
            "freeze_all_traffic_lights": (False,),
            "get_actors": (),
            "get_blueprint_library": (),
            "get_environment_objects": (carla.CityObjectLabel.Buildings,),
            "get_imui_sensor_gravity": (),
            "get_level_bbs": (carla.CityObjectLabel.Buildings,),
            "get_lightmanager": (),
            "get_map": (),
            "get_names_of_all_objects": (),
            "get_random_location_from_navigation": (),
            "get_settings": (),
            "get_snapshot": (),
            "get_spectator": (),
            "get_vehicles_light_states": (),
            "get_weather": (),
            "ground_projection": (carla.Location(0.0, 0.0, 50.0), 100.0),
            "load_map_layer": (carla.MapLayer.All,),
            "project_point": (carla.Location(0.0, 0.0, 50.0), carla.Vector3D(0.0, 0.0, -1.0), 100.0),
            "reset_all_traffic_lights": (),
            "set_annotations_traverse_translucency": (True,),
            "set_imui_sensor_gravity": (9.81,),
            "set_pedestrians_cross_factor": (0.1,),
            "set_pedestrians_seed": (1,),
            "set_weather": (carla.WeatherParameters.ClearNoon,),
            "tick": (),
            "unload_map_layer": (carla.MapLayer.Particles,),
        },
        reads=("debug", "id"),
    ),
    "apply_settings": lambda ground: ground.world.apply_settings(ground.world.get_settings()),
    "enable_environment_objects": lambda ground: ground.world.enable_environment_objects(
        {ground.world.get_environment_objects(carla.CityObjectLabel.Buildings)[0].id}, True
    ),
    "get_actor": lambda ground: ground.world.get_actor(ground.vehicle.id),
    "get_traffic_light": lambda ground: ground.world.get_traffic_light(ground.landmark),
    "get_traffic_light_from_opendrive_id": lambda ground: ground.world.get_traffic_light_from_opendrive_id(
        ground.light.get_opendrive_id()
    ),
    "get_traffic_lights_from_waypoint": lambda ground: ground.world.get_traffic_lights_from_waypoint(
        ground.light.get_stop_waypoints()[0], 50.0
    ),
    "get_traffic_lights_in_junction": lambda ground: ground.world.get_traffic_lights_in_junction(ground.junction.id),
    "get_traffic_sign": lambda ground: ground.world.get_traffic_sign(ground.landmark),
    "on_tick": lambda ground: ground.world.on_tick(id),
    "remove_on_tick": lambda ground: ground.world.remove_on_tick(ground.world.on_tick(id)),
    "spawn_actor": lambda ground: ground.passing_actor().destroy(),
    "try_spawn_actor": lambda ground: ground.world.try_spawn_actor(
        ground.library.find("static.prop.trafficwarning"), ground.points[6]
    ),
    "wait_for_tick": lambda ground: _wait_for_tick(ground.world),
    **{
        name: partial(
            lambda ground, name, arguments: getattr(ground.world, name)(*arguments), name=name, arguments=given
        )
        for name, given in {
            "apply_color_texture_to_object": ("x", carla.MaterialParameter.Diffuse, _texture(carla.TextureColor)),
            "apply_color_texture_to_objects": (["x"], carla.MaterialParameter.Diffuse, _texture(carla.TextureColor)),
            "apply_float_color_texture_to_object": (
                "x",
                carla.MaterialParameter.Normal,
                _texture(carla.TextureFloatColor),
            ),
            "apply_float_color_texture_to_objects": (
                ["x"],
                carla.MaterialParameter.Normal,
                _texture(carla.TextureFloatColor),
            ),
            "apply_textures_to_object": ("x", _texture(carla.TextureColor), *[_texture(carla.TextureFloatColor)] * 3),
            "apply_textures_to_objects": (
                ["x"],
                _texture(carla.TextureColor),
                *[_texture(carla.TextureFloatColor)] * 3,
            ),
        }.items()
    },
}


def _wait_for_tick(world: Any) -> None:
    import threading

    waiter = threading.Thread(target=world.wait_for_tick, args=(10.0,))
    waiter.start()
    time.sleep(0.1)
    world.tick()
    waiter.join()


ACTOR = {
    **_table(
        "vehicle",
        {
            "add_angular_impulse": (UP,),
            "add_force": (PUSH,),
            "add_impulse": (PUSH,),
            "add_torque": (UP,),
            "enable_constant_velocity": (PUSH,),
            "disable_constant_velocity": (),
            "get_acceleration": (),
            "get_angular_velocity": (),
            "get_bone_names": (),
            "get_bone_relative_transforms": (),
            "get_bone_world_transforms": (),
            "get_component_names": (),
            "get_component_relative_transform": ("Body",),
            "get_component_world_transform": ("Body",),
            "get_location": (),
            "get_socket_names": (),
            "get_socket_relative_transforms": (),
            "get_socket_world_transforms": (),
            "get_transform": (),
            "get_velocity": (),
            "get_world": (),
            "set_collisions": (True,),
            "set_enable_gravity": (True,),
            "set_simulate_physics": (True,),
            "set_target_angular_velocity": (UP,),
            "set_target_velocity": (PUSH,),
        },
        reads=(
            "actor_state",
            "attributes",
            "bounding_box",
            "id",
            "is_active",
            "is_alive",
            "is_dormant",
            "parent",
            "semantic_tags",
            "type_id",
        ),
    ),
    "destroy": lambda ground: ground.passing_actor().destroy(),
    "set_location": lambda ground: ground.vehicle.set_location(ground.points[0].location),
    "set_transform": lambda ground: ground.vehicle.set_transform(ground.points[0]),
}

VEHICLE = {
    **_table(
        "vehicle",
        {
            "apply_ackermann_control": (carla.VehicleAckermannControl(),),
            "apply_ackermann_controller_settings": (
                carla.AckermannControllerSettings(0.15, 0.0, 0.25, 0.01, 0.0, 0.01),
            ),
            "apply_control": (carla.VehicleControl(),),
            "close_door": (carla.VehicleDoor.All,),
            "enable_carsim": ("file",),
            "enable_chrono_physics": (1, 0.01, "v", "p", "t", "b"),
            "get_ackermann_controller_settings": (),
            "get_control": (),
            "get_failure_state": (),
            "get_light_state": (),
            "get_physics_control": (),
            "get_speed_limit": (),
            "get_telemetry_data": (),
            "get_traffic_light": (),
            "get_traffic_light_state": (),
            "get_vehicle_bone_world_transforms": (),
            "get_wheel_pitch_angle": (carla.VehicleWheelLocation.FL_Wheel,),
            "get_wheel_steer_angle": (carla.VehicleWheelLocation.FL_Wheel,),
            "is_at_traffic_light": (),
            "open_door": (carla.VehicleDoor.All,),
            "restore_physx_physics": (),
            "set_light_state": (carla.VehicleLightState.LowBeam,),
            "set_wheel_pitch_angle": (carla.VehicleWheelLocation.FL_Wheel, 10.0),
            "set_wheel_steer_direction": (carla.VehicleWheelLocation.FL_Wheel, 10.0),
            "show_debug_telemetry": (True,),
            "use_carsim_road": (True,),
        },
    ),
    "apply_physics_control": lambda ground: ground.vehicle.apply_physics_control(ground.vehicle.get_physics_control()),
    "set_autopilot": lambda ground: ground.vehicle.set_autopilot(True, PORT),
}

WALKER = _table(
    "walker",
    {
        "apply_control": (carla.WalkerControl(),),
        "blend_pose": (0.5,),
        "get_bones": (),
        "get_control": (),
        "get_pose_from_animation": (),
        "hide_pose": (),
        "set_bones": (carla.WalkerBoneControlIn(),),
        "show_pose": (),
    },
)

TRAFFIC_LIGHT = _table(
    "light",
    {
        "freeze": (False,),
        "get_affected_lane_waypoints": (),
        "get_elapsed_time": (),
        "get_green_time": (),
        "get_group_traffic_lights": (),
        "get_light_boxes": (),
        "get_opendrive_id": (),
        "get_pole_index": (),
        "get_red_time": (),
        "get_state": (),
        "get_stop_waypoints": (),
        "get_yellow_time": (),
        "is_frozen": (),
        "reset_group": (),
        "set_green_time": (10.0,),
        "set_red_time": (2.0,),
        "set_state": (carla.TrafficLightState.Red,),
        "set_yellow_time": (3.0,),
    },
    reads=("state",),
)

SENSOR = {
    "listen": _on("camera", "listen", id),
    "is_listening": _on("camera", "is_listening"),
    "stop": _on("camera", "stop"),
}
SENSOR["is_listening"] = _read("camera", "is_listening")

SERVER_SIDE_SENSOR = _table(
    "camera",
    {
        "disable_for_ros": (),
        "enable_for_ros": (),
        "enable_gbuffers": (True,),
        "get_ignored_vehicles": (),
        "is_enabled_for_ros": (),
        "is_listening_gbuffer": (carla.GBufferTextureID.SceneColor,),
        "listen_to_gbuffer": (carla.GBufferTextureID.SceneColor, id),
        "send": ("text",),
        "set_ignored_vehicles": ([1],),
        "stop_gbuffer": (carla.GBufferTextureID.SceneColor,),
    },
)


def _with_lamps(method: str, *given: object) -> Probe:
    """A call about two of the street lamps."""

    def probe(ground: Playground) -> Any:
        manager = ground.world.get_lightmanager()
        lamps = manager.get_all_lights()[:2]
        return getattr(manager, method)(lamps, *given)

    return probe


_WHITE = carla.Color(255, 255, 255)
_LAMP_STATE = carla.LightState(100.0, _WHITE, carla.LightGroup.Street, True)

LIGHT_MANAGER: dict[str, Probe] = {
    **{
        name: partial(
            lambda ground, name, arguments: getattr(ground.world.get_lightmanager(), name)(*arguments),
            name=name,
            arguments=given,
        )
        for name, given in {
            "get_all_lights": (),
            "get_turned_off_lights": (carla.LightGroup.Street,),
            "get_turned_on_lights": (carla.LightGroup.Street,),
            "set_day_night_cycle": (True,),
        }.items()
    },
    **{
        name: _with_lamps(name, *given)
        for name, given in {
            "get_color": (),
            "get_intensity": (),
            "get_light_group": (),
            "get_light_state": (),
            "is_active": (),
            "set_active": ([True, False],),
            "set_color": (_WHITE,),
            "set_colors": ([_WHITE, _WHITE],),
            "set_intensities": ([100.0, 200.0],),
            "set_intensity": (100.0,),
            "set_light_group": (carla.LightGroup.Street,),
            "set_light_groups": ([carla.LightGroup.Street] * 2,),
            "set_light_state": (_LAMP_STATE,),
            "set_light_states": ([_LAMP_STATE, _LAMP_STATE],),
            "turn_off": (),
            "turn_on": (),
        }.items()
    },
}

DEBUG_HELPER: dict[str, Probe] = {
    name: partial(
        lambda ground, name, arguments: getattr(ground.world.debug, name)(*arguments), name=name, arguments=given
    )
    for name, given in {
        "clear_debug_shape": (),
        "clear_debug_string": (),
        "draw_arrow": (AHEAD, AHEAD),
        "draw_box": (carla.BoundingBox(), carla.Rotation()),
        "draw_hud_arrow": (AHEAD, AHEAD),
        "draw_hud_box": (carla.BoundingBox(), carla.Rotation()),
        "draw_hud_line": (AHEAD, AHEAD),
        "draw_hud_point": (AHEAD,),
        "draw_line": (AHEAD, AHEAD),
        "draw_point": (AHEAD,),
        "draw_string": (AHEAD, "text"),
    }.items()
}

TRAFFIC_MANAGER: dict[str, Probe] = {
    **dict(
        [
            _on_vehicle("auto_lane_change", True),
            _on_vehicle("distance_to_leading_vehicle", 3.0),
            _on_vehicle("force_lane_change", True),
            _on_vehicle("get_all_actions"),
            _on_vehicle("get_next_action"),
            _on_vehicle("ignore_lights_percentage", 0.0),
            _on_vehicle("ignore_signs_percentage", 0.0),
            _on_vehicle("ignore_vehicles_percentage", 0.0),
            _on_vehicle("ignore_walkers_percentage", 0.0),
            _on_vehicle("keep_slow_lane_rule_percentage", 0.0),
            _on_vehicle("random_left_lanechange_percentage", 0.0),
            _on_vehicle("random_right_lanechange_percentage", 0.0),
            _on_vehicle("set_desired_speed", 30.0),
            _on_vehicle("update_vehicle_lights", True),
            _on_vehicle("vehicle_lane_offset", 0.0),
            _on_vehicle("vehicle_percentage_speed_difference", 0.0),
        ]
    ),
    "collision_detection": lambda ground: ground.manager.collision_detection(ground.vehicle, ground.walker, True),
    "set_path": lambda ground: ground.manager.set_path(ground.vehicle, [ground.points[1].location]),
    "set_route": lambda ground: ground.manager.set_route(ground.vehicle, ["Straight"]),
    **_table(
        "manager",
        {
            "get_port": (),
            "global_lane_offset": (0.0,),
            "global_percentage_speed_difference": (0.0,),
            "set_boundaries_respawn_dormant_vehicles": (25.0, 700.0),
            "set_global_distance_to_leading_vehicle": (2.0,),
            "set_hybrid_physics_mode": (False,),
            "set_hybrid_physics_radius": (50.0,),
            "set_osm_mode": (False,),
            "set_random_device_seed": (1,),
            "set_respawn_dormant_vehicles": (False,),
            "set_synchronous_mode": (True,),
        },
    ),
}

WALKER_CONTROLLER = {
    "start": _on("controller", "start"),
    "go_to_location": lambda ground: ground.controller.go_to_location(ground.points[3].location),
    "set_max_speed": _on("controller", "set_max_speed", 1.4),
    "stop": _on("controller", "stop"),
}


def _load_world(ground: Playground) -> None:
    # The client's Traffic Manager reads the episode that loading takes away from under it, and crashes.
    ground.manager.shut_down()
    ground.client.load_world("Gen_tee_1")


RELOADING: dict[str, Probe] = {
    "load_world": _load_world,
    "reload_world": _on("client", "reload_world"),
    "generate_opendrive_world": lambda ground: ground.client.generate_opendrive_world(
        ground.world.get_map().to_opendrive()
    ),
    "set_files_base_folder": _on("client", "set_files_base_folder", "."),
}
"""Methods of the client that end the episode in which the other probes live, or move its files: they come last."""

PROBES: dict[str, dict[str, Probe]] = {
    "World": WORLD,
    "Actor": ACTOR,
    "Vehicle": VEHICLE,
    "Walker": WALKER,
    "WalkerAIController": WALKER_CONTROLLER,
    "TrafficSign": _table("light", {}, reads=("trigger_volume",)),
    "TrafficLight": TRAFFIC_LIGHT,
    "Sensor": SENSOR,
    "ServerSideSensor": SERVER_SIDE_SENSOR,
    "LightManager": LIGHT_MANAGER,
    "DebugHelper": DEBUG_HELPER,
    "TrafficManager": TRAFFIC_MANAGER,
    "Client": {**CLIENT, **RELOADING},
}
"""By class, one call of every method."""

UNTRIED: dict[str, dict[str, str]] = {
    "TrafficManager": {"shut_down": "done before worlds are loaded; nothing of it reaches the server"},
}
"""By class, methods without a probe, and why."""
