"""LiDAR sweeps in few bytes: ranges on the sensor's own grid of rays, or points where they lie on no grid.

A spinning sensor fires along known directions, so that a sweep is a picture of distances: one number a return instead
of three. Distances are rounded to a stated step, differences of neighbours are taken, and zlib packs the rest. Where
a point lies on no ray of the grid (another sensor, a moving one), the whole sweep is stored as rounded points.
"""

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.geometry import invert_rigid, transform_points
from drivevla.types import LidarSpec, LidarSweep

__all__ = ["decode_sweep", "encode_sweep"]

_GRID, _POINTS = 1, 2
_HEADER = struct.Struct("<BBIddd")  # kind, intensity there, returns, step, attenuation, azimuth of the first firing
_MOST_RETURNS = 1 << 22
_NEAREST_M = 0.05
_FULL_SCALE = 255.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnGrid:
    """Returns in the order of their rays.

    Attributes:
        phase_rad: Azimuth of column 0.
        cell: (N,) channel * azimuths + column, ascending.
        order: (N,) where each came from in the sweep.
        range_m: (N,) in that order.
    """

    phase_rad: float
    cell: NDArray[np.int64]
    order: NDArray[np.int64]
    range_m: NDArray[np.float64]


def encode_sweep(sweep: LidarSweep, *, step_m: float, grid: LidarSpec | None) -> bytes:
    """A sweep as bytes.

    Args:
        sweep: In the ego frame.
        step_m: To which distances (or coordinates, off the grid) are rounded.
        grid: The sensor that took it; None stores points.
    """
    placed = None if grid is None else _on_grid(sweep.points_m, grid, step_m)
    if grid is None or placed is None:
        return _encode_points(sweep, step_m)
    steps = np.round(placed.range_m / step_m).astype(np.int64)
    mask = np.zeros(grid.channels * grid.azimuths, dtype=np.bool_)
    mask[placed.cell] = True
    planes = [np.packbits(mask), *_planes(np.diff(steps, prepend=0), count=3)]
    attenuation = 0.0
    if sweep.intensity is not None:
        intensity = sweep.intensity[placed.order]
        attenuation = _attenuation(intensity, placed.range_m)
        planes.append(_levels(intensity) - _predicted_levels(steps * step_m, attenuation))
    header = (_GRID, sweep.intensity is not None, len(steps), step_m, attenuation, placed.phase_rad)
    return _HEADER.pack(*header) + _packed(planes)


def decode_sweep(data: bytes, *, timestamp_s: float, grid: LidarSpec | None) -> LidarSweep:
    """The sweep that ``encode_sweep`` wrote.

    Raises:
        DataError: The bytes are cut short or damaged, or the sensor's grid is not known.
    """
    if len(data) < _HEADER.size:
        raise DataError(f"a sweep of {len(data)} bytes is cut short")
    kind, has_intensity, count, step_m, attenuation, phase_rad = _HEADER.unpack_from(data)
    if kind not in (_GRID, _POINTS) or has_intensity > 1 or count > _MOST_RETURNS or not step_m > 0.0:
        raise DataError("the bytes are no sweep")
    if kind == _POINTS:
        return _decode_points(data, count, step_m, has_intensity=bool(has_intensity), timestamp_s=timestamp_s)
    if grid is None:
        raise DataError("a sweep is stored as ranges, and the sensor that took it is not known")
    cells = grid.channels * grid.azimuths
    if count > cells:
        raise DataError(f"a sweep of {count} returns from a sensor of {cells} rays")
    mask_bytes = (cells + 7) // 8
    body = _unpacked(data, mask_bytes + (3 + has_intensity) * count)
    cell = np.flatnonzero(np.unpackbits(body[:mask_bytes], count=cells))
    if len(cell) != count:
        raise DataError(f"a sweep says {count} returns and marks {len(cell)}")
    steps = np.cumsum(_from_planes(body[mask_bytes:], count, planes=3))
    ranges_m = steps * step_m
    intensity = None
    if has_intensity:
        levels = body[mask_bytes + 3 * count :] + _predicted_levels(ranges_m, attenuation)
        intensity = _intensity(levels)
    points = _points_on_rays(cell, ranges_m, phase_rad, grid)
    return LidarSweep(points_m=points, timestamp_s=timestamp_s, intensity=intensity)


def _on_grid(points_m: NDArray[np.float32], grid: LidarSpec, step_m: float) -> _OnGrid | None:
    """The rays that the points lie on; None where one lies on none, or two lie on one."""
    seen = transform_points(invert_rigid(grid.ego_from_lidar), points_m.astype(np.float64))
    range_m = np.linalg.norm(seen, axis=1)
    if not len(seen) or range_m.min() < _NEAREST_M or range_m.max() > 1000.0:
        return None
    upper, lower = np.radians([grid.upper_fov_deg, grid.lower_fov_deg])
    down = upper - np.arcsin(seen[:, 2] / range_m)
    rows = down / max(upper - lower, 1e-9) * (grid.channels - 1)
    channel = np.clip(np.round(rows), 0, grid.channels - 1)
    off_m = np.abs(down - channel * (upper - lower) / max(grid.channels - 1, 1)) * range_m
    turn = np.arctan2(seen[:, 1], seen[:, 0]) / (2.0 * np.pi) * grid.azimuths
    # To a ten-thousandth of a column, so that sweeps which begin alike share their rays.
    fraction = round(float(np.angle(np.exp(2j * np.pi * turn).mean())) / (2.0 * np.pi), 4) + 0.0
    column = np.round(turn - fraction)
    beside_m = np.abs(turn - fraction - column) * 2.0 * np.pi / grid.azimuths * range_m
    if max(off_m.max(), beside_m.max()) > step_m / 2.0:
        return None
    cell = channel.astype(np.int64) * grid.azimuths + column.astype(np.int64) % grid.azimuths
    order = np.argsort(cell, kind="stable")
    if len(cell) > 1 and not np.diff(cell[order]).all():
        return None
    phase_rad = fraction / grid.azimuths * 2.0 * np.pi
    return _OnGrid(phase_rad=phase_rad, cell=cell[order], order=order, range_m=range_m[order])


def _points_on_rays(
    cell: NDArray[np.int64], ranges_m: NDArray[np.float64], phase_rad: float, grid: LidarSpec
) -> NDArray[np.float32]:
    fields = (grid.upper_fov_deg, grid.lower_fov_deg)
    rays = _rays(grid.channels, grid.azimuths, *fields, grid.ego_from_lidar.tobytes(), phase_rad)
    return (rays[cell] * ranges_m[:, None] + grid.ego_from_lidar[:3, 3]).astype(np.float32)


@lru_cache(maxsize=8)
def _rays(
    channels: int, azimuths: int, upper_fov_deg: float, lower_fov_deg: float, pose: bytes, phase_rad: float
) -> NDArray[np.float64]:
    """(channels * azimuths, 3) unit vectors along the axes of the ego frame; the same for sweep after sweep."""
    upper, lower = np.radians([upper_fov_deg, lower_fov_deg])
    elevation = (upper - np.arange(channels) * (upper - lower) / max(channels - 1, 1))[:, None]
    azimuth = phase_rad + np.arange(azimuths) * (2.0 * np.pi / azimuths)
    level = np.cos(elevation)
    height = np.broadcast_to(np.sin(elevation), (channels, azimuths))
    seen = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), height], axis=-1).reshape(-1, 3)
    ego_from_lidar = np.frombuffer(pose, dtype=np.float64).reshape(4, 4)
    rays = seen @ ego_from_lidar[:3, :3].T
    rays.flags.writeable = False
    return rays


def _encode_points(sweep: LidarSweep, step_m: float) -> bytes:
    steps = np.round(sweep.points_m.astype(np.float64) / step_m).astype(np.int64)
    planes = [plane for axis in range(3) for plane in _planes(np.diff(steps[:, axis], prepend=0), count=4)]
    if sweep.intensity is not None:
        planes.append(_levels(sweep.intensity))
    header = (_POINTS, sweep.intensity is not None, len(steps), step_m, 0.0, 0.0)
    return _HEADER.pack(*header) + _packed(planes)


def _decode_points(data: bytes, count: int, step_m: float, *, has_intensity: bool, timestamp_s: float) -> LidarSweep:
    body = _unpacked(data, (12 + has_intensity) * count)
    axes = [np.cumsum(_from_planes(body[4 * axis * count :], count, planes=4)) for axis in range(3)]
    points = (np.stack(axes, axis=1) * step_m).astype(np.float32)
    intensity = _intensity(body[12 * count :]) if has_intensity else None
    return LidarSweep(points_m=points, timestamp_s=timestamp_s, intensity=intensity)


def _planes(differences: NDArray[np.int64], *, count: int) -> list[NDArray[np.uint8]]:
    """Differences as bytes, the small ones first: small positive and negative ones differ in the first byte alone."""
    folded = (differences << 1) ^ (differences >> 63)
    return [((folded >> (8 * place)) & 255).astype(np.uint8) for place in range(count)]


def _from_planes(body: NDArray[np.uint8], count: int, *, planes: int) -> NDArray[np.int64]:
    folded = np.zeros(count, dtype=np.int64)
    for place in range(planes):
        folded |= body[place * count : (place + 1) * count].astype(np.int64) << (8 * place)
    return (folded >> 1) ^ -(folded & 1)


def _packed(planes: list[NDArray[np.uint8]]) -> bytes:
    return zlib.compress(b"".join(plane.tobytes() for plane in planes), 6)


def _unpacked(data: bytes, size: int) -> NDArray[np.uint8]:
    """What was packed, never more than it should be."""
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(data[_HEADER.size :], size + 1)
    except zlib.error as error:
        raise DataError(f"a sweep is damaged: {error}") from error
    if len(body) != size or not inflater.eof:
        raise DataError(f"a sweep unpacks to {len(body)} bytes or more, expected {size}")
    return np.frombuffer(body, dtype=np.uint8)


def _attenuation(intensity: NDArray[np.float32], range_m: NDArray[np.float64]) -> float:
    """By how much the intensity falls with distance: CARLA's is exp(-attenuation * distance)."""
    lit = (intensity > 0.05) & (intensity < 1.0)
    if not lit.any():
        return 0.0
    return float(np.median(-np.log(intensity[lit].astype(np.float64)) / range_m[lit]))


def _predicted_levels(range_m: NDArray[np.float64], attenuation: float) -> NDArray[np.uint8]:
    return np.round(_FULL_SCALE * np.exp(-max(attenuation, 0.0) * range_m)).astype(np.uint8)


def _levels(intensity: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(intensity * np.float32(_FULL_SCALE)).astype(np.uint8)


def _intensity(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (levels / np.float32(_FULL_SCALE)).astype(np.float32)
