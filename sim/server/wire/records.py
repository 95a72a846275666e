"""Packed layouts of what the stream port carries: message headers and the world's actor records."""

import struct

import numpy as np

__all__ = ["ACTOR_RECORD", "SENSOR_HEADER", "VEHICLE_RECORD", "WORLD_HEADER", "SensorType"]

SENSOR_HEADER = struct.Struct("<QQd6f")
"""Sensor type, frame, simulated seconds, then the sensor's x, y, z, pitch, yaw, roll in the world."""

WORLD_HEADER = struct.Struct("<Qdf3iI")
"""Episode id, platform time in seconds, delta in seconds, map origin, simulation state bits."""


class SensorType:
    """Indices of the client's table of message readers; an index outside it ends the client."""

    COLLISION = 0
    DEPTH = 1
    NORMALS = 2
    DVS = 3
    GNSS = 4
    IMU = 5
    OBSTACLE = 7
    OPTICAL_FLOW = 8
    RADAR = 9
    SEMANTIC_LIDAR = 10
    LIDAR = 11
    RGB = 13
    SEMANTIC = 14
    INSTANCE = 15
    WORLD = 17


_FIELDS: dict[str, tuple[object, int]] = {
    "id": ("<u4", 0),
    "state": ("u1", 4),
    "location": (("<f4", 3), 5),
    "rotation": (("<f4", 3), 17),
    "velocity": (("<f4", 3), 29),
    "angular_velocity": (("<f4", 3), 41),
    "acceleration": (("<f4", 3), 53),
    # From here on the record is a union of what the kind of actor needs.
    "throttle": ("<f4", 65),
    "steer": ("<f4", 69),
    "brake": ("<f4", 73),
    "hand_brake": ("?", 77),
    "reverse": ("?", 78),
    "manual_gear_shift": ("?", 79),
    "gear": ("<i4", 80),
    "speed_limit": ("<f4", 84),
    "vehicle_light": ("u1", 88),
    "has_traffic_light": ("?", 89),
    "traffic_light_id": ("<u4", 90),
    "failure": ("u1", 94),
    "sign_id": ("S32", 65),
    "green_time": ("<f4", 97),
    "yellow_time": ("<f4", 101),
    "red_time": ("<f4", 105),
    "elapsed_time": ("<f4", 109),
    "pole_index": ("<u4", 113),
    "frozen": ("?", 117),
    "light_state": ("u1", 118),
    "walk_direction": (("<f4", 3), 65),
    "walk_speed": ("<f4", 77),
    "jump": ("?", 81),
}

ACTOR_RECORD = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [form for form, _ in _FIELDS.values()],
        "offsets": [offset for _, offset in _FIELDS.values()],
        "itemsize": 119,
    }
)
"""One actor in the world message; the fields from byte 65 on overlap, as in CARLA's union."""

_PEDALS = ("throttle", "steer", "brake", "hand_brake", "reverse", "manual_gear_shift", "gear")
_RULES = ("speed_limit", "vehicle_light", "has_traffic_light", "traffic_light_id")

VEHICLE_RECORD = np.dtype(
    {
        "names": [*_PEDALS, *_RULES],
        "formats": [_FIELDS[name][0] for name in (*_PEDALS, *_RULES)],
        "offsets": [_FIELDS[name][1] for name in (*_PEDALS, *_RULES)],
        "itemsize": ACTOR_RECORD.itemsize,
    }
)
"""A vehicle's pedals, its light and its limit, without the fields of other kinds that lie over them."""
