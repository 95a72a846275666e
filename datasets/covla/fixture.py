"""A tiny data set of our own in CoVLA's two layouts: for tests, and to try things out without access."""

import csv
import io
import json
import tarfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.covla.layout import Layout
from drivevla.errors import require
from drivevla.geometry import invert_rigid, matrix_from_yaw, rigid
from drivevla.geometry.covla import RATE_HZ, enu_from_ecef

__all__ = ["write_covla_fixture"]

_SCENES = {"0a0fc7a5db365174": 0.1, "1b1fd8b6ec476285": -0.1}  # yaw rate; names as in the full release
_MINI_SCENES = ("2022-07-14--14-32-55--10_first", "2022-07-14--14-32-55--11_first")
_SPEED_MPS, _LEVER_M, _POINTS = 10.0, 1.7, 60
_START_MS = 1_657_776_775_000
_ORIGIN_ECEF_M = np.array([-3_959_700.0, 3_350_200.0, 3_699_700.0])  # Tokyo
_PICTURE_PX = (192, 120)
_DEVICE_TO_CAMERA = [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]


def write_covla_fixture(
    root: Path, *, mini: bool, frames: int = 90, pictures: Literal["png", "tar", "mp4"] = "mp4"
) -> None:
    """Write the data set: two drives around a bend.

    Records follow each other without line breaks. In the full layout they are wrapped in their frame's number and the
    pedestrians' field is spelled as one source has it, in mini they are flat.

    Args:
        root: Where to; made if it is not there.
        mini: Which release's layout.
        frames: Of each scene, 20 a second.
        pictures: Unpacked PNGs, archives of PNGs, or films.
    """
    layout = Layout(root, mini=mini)
    names = _MINI_SCENES if mini else tuple(_SCENES)
    for name, yaw_rate in zip(names, _SCENES.values(), strict=True):
        for kind, records in _records(yaw_rate, frames, mini=mini).items():
            path = layout.records(kind, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            wrapped = records if mini else [{str(index): record} for index, record in enumerate(records)]
            path.write_text("".join(map(json.dumps, wrapped)))
        _write_pictures(layout, name, frames, pictures)
    if mini:
        (root / "metadata.json").write_text(json.dumps({"image_size": _PICTURE_PX, "frequency": int(RATE_HZ)}))
        with (root / "index.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["video_id", "frame_id"])
            table.writerows([name, frame] for name in names for frame in range(frames))
    else:
        (root / "metadata.jsonl").write_text("".join(json.dumps({"video_id": name}) for name in names))


def _world_from_device(time_s: float, yaw_rate: float) -> NDArray[np.float64]:
    """The rear axle drives a circle; the device sits ahead of it."""
    yaw, radius = yaw_rate * time_s, _SPEED_MPS / yaw_rate
    world_from_ego = rigid(matrix_from_yaw(yaw), np.array([radius * np.sin(yaw), radius * (1.0 - np.cos(yaw)), 0.0]))
    return world_from_ego @ rigid(np.eye(3), np.array([_LEVER_M, 0.0, 1.3]))


def _records(yaw_rate: float, frames: int, *, mini: bool) -> dict[str, list[Any]]:
    driven = np.stack([_world_from_device(frame / RATE_HZ, yaw_rate) for frame in range(frames)])
    states = [_state(frame, driven, yaw_rate, nested=mini) for frame in range(frames)]
    pedestrians = "has_pedestrian" if mini else "has_pedestrain"
    caption = {
        "plain_caption": "The ego vehicle is turning.",
        "rich_caption": "The ego vehicle is turning. It is sunny. The car is driving on a wide road.",
        "risk": "to stay in the lane",
        "weather": "sunny",
        "road": "wide road",
        "is_tunnel": False,
        "is_highway": False,
        pedestrians: False,
        "has_carrier_car": True,
    }
    lead = {"has_lead": True, "lead_prob": 0.9, "lead_x": 20.0, "lead_y": 0.5, "lead_speed_kmh": 36.0, "lead_a": 0.0}
    alone = {
        "has_lead": False,
        "lead_prob": 0.1,
        "lead_x": None,
        "lead_y": None,
        "lead_speed_kmh": None,
        "lead_a": None,
    }
    light = {"index": 0, "class": "amber", "bbox": [90, 10, 96, 24]}
    return {
        "states": states,
        "captions": [caption] * frames,
        "front_car": [lead if frame < frames // 2 else alone for frame in range(frames)],
        "traffic_lights": [[light] if frame < frames // 2 else [] for frame in range(frames)],
    }


def _state(frame: int, driven: NDArray[np.float64], yaw_rate: float, *, nested: bool) -> dict[str, Any]:
    here, ahead = driven[frame], driven[frame : frame + _POINTS]
    trajectory = (invert_rigid(here) @ ahead)[:, :3, 3]
    ecef_from_enu = enu_from_ecef(_ORIGIN_ECEF_M).T
    step = (_world_from_device(frame / RATE_HZ + 1e-3, yaw_rate) - here)[:3, 3] * 1e3
    motion = {
        "vEgo": _SPEED_MPS,
        "aEgo": 0.0,
        "steeringAngleDeg": float(np.sign(yaw_rate) * 20.0),
        "leftBlinker": False,
        "rightBlinker": False,
        "gearShifter": "drive",
        "timestamp": _START_MS + frame * 50,
        "positions_ecef": (_ORIGIN_ECEF_M + ecef_from_enu @ here[:3, 3]).tolist(),
        "velocities_ecef": (ecef_from_enu @ step).tolist(),
    }
    camera = {
        "extrinsic_matrix": _DEVICE_TO_CAMERA,
        "intrinsic_matrix": [[264.0, 0.0, 96.0], [0.0, 264.0, 60.0], [0.0, 0.0, 1.0]],
    }
    way = {"trajectory": trajectory.round(6).tolist(), "trajectory_count": len(ahead)}
    return {"frame_id": frame, "ego_state": motion, **camera, **way} if nested else {**motion, **camera, **way}


def _picture(frame: int) -> NDArray[np.uint8]:
    """Sky, road, and a bar that grows with the frame's number."""
    image = np.full((_PICTURE_PX[1], _PICTURE_PX[0], 3), (150, 180, 210), dtype=np.uint8)
    image[_PICTURE_PX[1] // 2 :] = (90, 90, 90)
    image[:16, : 2 * frame] = (255, 255, 255)
    return image


def _write_pictures(layout: Layout, name: str, frames: int, pictures: Literal["png", "tar", "mp4"]) -> None:
    if pictures == "mp4":
        _write_film(layout.video(name), frames)
        return
    image: Any = require("PIL.Image", "data")
    if pictures == "png":
        layout.picture(name, 0).parent.mkdir(parents=True)
        for frame in range(frames):
            image.fromarray(_picture(frame)).save(layout.picture(name, frame))
        return
    layout.archive(name).parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(layout.archive(name), "w:gz") as archive:
        for frame in range(frames):
            packed = io.BytesIO()
            image.fromarray(_picture(frame)).save(packed, format="png")
            member = tarfile.TarInfo(f"{name}/{frame:04d}.png")
            member.size = packed.tell()
            packed.seek(0)
            archive.addfile(member, packed)


def _write_film(path: Path, frames: int) -> None:
    av: Any = require("av", "data")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=int(RATE_HZ))
        stream.width, stream.height, stream.pix_fmt = *_PICTURE_PX, "yuv420p"
        stream.bit_rate = 2_000_000
        for frame in range(frames):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(frame), format="rgb24")))
        film.mux(stream.encode())
