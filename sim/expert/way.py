"""The route ahead at even spacing, places along it, and paths beside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.geometry import cumulative_length_m, wrap_angle
from drivevla.types import Command, Truth

__all__ = ["SPACING_M", "Places", "Way", "way_of"]

SPACING_M = 1.0
_BEYOND_M = 30.0
"""The way goes on straight behind the route's end: a route is finished by driving over its last point."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """Where bodies are along a way.

    Attributes:
        along_m: (...) from the ego's origin, along the way.
        left_m: (...) to the left of the way.
        turned_rad: (...) heading against the way's.
        half_along_m: (...) how far the body reaches along the way, from its middle.
        half_across_m: (...) how far across it.
    """

    along_m: NDArray[np.float64]
    left_m: NDArray[np.float64]
    turned_rad: NDArray[np.float64]
    half_along_m: NDArray[np.float64]
    half_across_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """A line with a point every metre, beginning beside the ego's origin.

    Attributes:
        xy_m: (P, 2) ego frame.
        yaw_rad: (P,) unwrapped.
        commands: What the route asks for, at each point.
        lane_ids: Lane of each point.
        in_junction: (P,) bool.
        distance_m: How far along the whole route the first point is.
        left_m: How far from there to the route's end.
        ego_left_m: How far to the left of the way the ego's origin is.
    """

    xy_m: NDArray[np.float64]
    yaw_rad: NDArray[np.float64]
    commands: tuple[Command, ...]
    lane_ids: tuple[str, ...]
    in_junction: NDArray[np.bool_]
    distance_m: float
    left_m: float
    ego_left_m: float

    def __len__(self) -> int:
        return len(self.xy_m)

    @property
    def along_m(self) -> NDArray[np.float64]:
        """(P,) distance of each point from the first."""
        return np.arange(len(self.xy_m)) * SPACING_M

    @property
    def bends_per_m(self) -> NDArray[np.float64]:
        """(P,) how the way bends, over 4 m; positive to the left."""
        turned = np.zeros(len(self.yaw_rad))
        turned[2:-2] = (self.yaw_rad[4:] - self.yaw_rad[:-4]) / (4 * SPACING_M)
        return turned

    def beside(self, left_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P, 2) the way shifted to the left by (P,) metres."""
        normal = np.stack([-np.sin(self.yaw_rad), np.cos(self.yaw_rad)], axis=-1)
        return self.xy_m + left_m[:, None] * normal

    def shifted(self, left_m: NDArray[np.float64]) -> "Way":
        """This way, (P,) metres further to the left, with its own headings; the spacing stays about even."""
        xy = self.beside(left_m)
        return Way(
            xy_m=xy,
            yaw_rad=_headings(xy),
            commands=self.commands,
            lane_ids=self.lane_ids,
            in_junction=self.in_junction,
            distance_m=self.distance_m,
            left_m=self.left_m,
            ego_left_m=self.ego_left_m - float(left_m[0]),
        )

    def places(self, xy_m: NDArray[np.float64], yaw_rad: NDArray[np.float64], half_m: NDArray[np.float64]) -> Places:
        """Where boxes are along the way; before its first and behind its last point it goes on straight.

        Args:
            xy_m: (..., 2).
            yaw_rad: (...).
            half_m: (..., 2) half length and half width.
        """
        flat = xy_m.reshape(-1, 2)
        # Squared distances without the term that is the same for all points.
        away = np.einsum("ij,ij->i", self.xy_m, self.xy_m) - 2.0 * flat @ self.xy_m.T
        nearest = np.argmin(away, axis=1) if len(flat) else np.zeros(0, dtype=np.int64)
        yaw = self.yaw_rad[nearest]
        offset = flat - self.xy_m[nearest]
        cos, sin = np.cos(yaw), np.sin(yaw)
        shape = xy_m.shape[:-1]
        turned = wrap_angle(yaw_rad.reshape(-1) - yaw)
        across, along = np.abs(np.sin(turned)), np.abs(np.cos(turned))
        half = np.broadcast_to(half_m, xy_m.shape).reshape(-1, 2)
        return Places(
            along_m=(nearest * SPACING_M + offset[:, 0] * cos + offset[:, 1] * sin).reshape(shape),
            left_m=(offset[:, 1] * cos - offset[:, 0] * sin).reshape(shape),
            turned_rad=turned.reshape(shape),
            half_along_m=(half[:, 0] * along + half[:, 1] * across).reshape(shape),
            half_across_m=(half[:, 0] * across + half[:, 1] * along).reshape(shape),
        )


def way_of(truth: Truth) -> Way:
    """The route of a truth from where the ego is on it.

    Raises:
        ContractError: The truth does not tell the route, its commands, lanes and junctions.
    """
    if (
        truth.route_m is None
        or len(truth.route_m) < 2
        or truth.route_commands is None
        or truth.route_lane_ids is None
        or truth.route_in_junction is None
        or truth.route_distance_m is None
        or truth.route_left_m is None
    ):
        raise ContractError(
            "the expert needs the route ahead with at least two points, and its commands, lanes, junctions and "
            "distances: a truth made by drivevla.sim.truth.TruthMaker has them"
        )
    route = truth.route_m
    length = cumulative_length_m(route)
    heading = (route[1] - route[0]) / max(length[1], 1e-6)
    # The first point is the nearest; the ego's own place is up to half a step before or behind it.
    start_m = float(-(route[0] @ heading))
    count = int(length[-1] - start_m + (_BEYOND_M if truth.route_left_m <= length[-1] + 1.0 else 0.0)) + 1
    wanted = start_m + np.arange(max(count, 8)) * SPACING_M
    xy = np.stack([np.interp(wanted, length, column) for column in route.T], axis=-1)
    xy += np.minimum(wanted, 0.0)[:, None] * heading
    last = (route[-1] - route[-2]) / max(length[-1] - length[-2], 1e-6)
    xy += np.maximum(wanted - length[-1], 0.0)[:, None] * last
    index = np.clip(np.searchsorted(length, wanted), 0, len(route) - 1)
    yaw = _headings(xy)
    return Way(
        xy_m=xy,
        yaw_rad=yaw,
        commands=tuple(truth.route_commands[each] for each in index.tolist()),
        lane_ids=tuple(truth.route_lane_ids[each] for each in index.tolist()),
        in_junction=truth.route_in_junction[index],
        distance_m=truth.route_distance_m + start_m,
        left_m=truth.route_left_m - start_m,
        ego_left_m=float(xy[0, 0] * np.sin(yaw[0]) - xy[0, 1] * np.cos(yaw[0])),
    )


def _headings(xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    towards = np.gradient(xy_m, axis=0)
    return np.unwrap(np.arctan2(towards[:, 1], towards[:, 0]))
