"""What criteria ask of a map: nearest lanes, and the lane ahead."""

from typing import Protocol

from drivevla.evaluation.driving_score.tick import Point

__all__ = ["LaneMap", "LanePoint"]


class LanePoint(Protocol):
    """A point on the middle line of a lane, world frame."""

    @property
    def road_id(self) -> int:
        """OpenDRIVE's road."""
        ...

    @property
    def lane_id(self) -> int:
        """OpenDRIVE's lane within the road."""
        ...

    @property
    def is_junction(self) -> bool:
        """Whether the lane leads through a junction."""
        ...

    @property
    def width_m(self) -> float:
        """The lane's width here."""
        ...

    @property
    def position_m(self) -> Point:
        """Where it is."""
        ...

    @property
    def yaw_rad(self) -> float:
        """Where traffic on the lane heads, counter-clockwise."""
        ...

    @property
    def forward(self) -> Point:
        """The unit vector along the lane, in the sense of its traffic."""
        ...

    def ahead(self, distance_m: float) -> "LanePoint | None":
        """The point so far along the lane (its first successor where it forks); None where the lane ends."""
        ...


class LaneMap(Protocol):
    """A road network that finds lanes."""

    def nearest_driving(self, position_m: Point) -> LanePoint:
        """The point nearest to a position on the middle line of any driving lane."""
        ...

    def nearest_parking(self, position_m: Point) -> LanePoint | None:
        """The same for parking lanes; None where the map has none."""
        ...
