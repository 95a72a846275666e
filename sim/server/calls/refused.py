"""Calls that this simulator does not support: each is answered with an error that names it."""

from drivevla.sim.server.calls.table import CallGroup

__all__ = ["CALLS"]

CALLS = CallGroup()

CALLS.refuse(
    (
        "show_recorder_file_info",
        "show_recorder_collisions",
        "show_recorder_actors_blocked",
        "replay_file",
    ),
    reply="value",
    because="its recordings are not CARLA's logs, and cannot be replayed",
)
CALLS.refuse(
    (
        "stop_replayer",
        "set_replayer_time_factor",
        "set_replayer_ignore_hero",
        "set_replayer_ignore_spectator",
    ),
    reply="nothing",
    because="its recordings are not CARLA's logs, and cannot be replayed",
)
CALLS.refuse(
    ("apply_color_texture_to_objects", "apply_float_color_texture_to_objects"),
    reply="nothing",
    because="its surfaces are procedural and take no textures",
)
CALLS.refuse(("get_gbuffer_token",), reply="value", because="its cameras have no Unreal G-buffers")
CALLS.refuse(("enable_gbuffers",), reply="nothing", because="its cameras have no Unreal G-buffers")
CALLS.refuse(("are_gbuffers_enabled",), reply="value", because="its cameras have no Unreal G-buffers")
CALLS.refuse(("enable_sensor_for_ros", "disable_sensor_for_ros"), reply="nothing", because="it has no ROS node")
CALLS.refuse(("is_sensor_enabled_for_ros",), reply="value", because="it has no ROS node")
CALLS.refuse(
    ("enable_carsim", "use_carsim_road", "enable_chrono_physics", "restore_physx_physics"),
    reply="nothing",
    because="it has one vehicle model of its own",
)
CALLS.refuse(("send", "set_ignored_vehicles"), reply="nothing", because="it has no V2X radio")
