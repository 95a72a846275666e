"""The vocabulary of landmarks: what stands beside the roads, how large, in which colours."""

from dataclasses import dataclass

from drivevla.language.vocabulary import Colour, Landmark

__all__ = ["BUILDING_COLORS", "CAR_COLORS", "LANDMARK_KINDS", "LandmarkKind"]

BUILDING_COLORS = (
    Colour.RED,
    Colour.BLUE,
    Colour.YELLOW,
    Colour.GREEN,
    Colour.WHITE,
    Colour.ORANGE,
    Colour.BROWN,
    Colour.GREY,
)
CAR_COLORS = (
    Colour.RED,
    Colour.BLUE,
    Colour.YELLOW,
    Colour.GREEN,
    Colour.WHITE,
    Colour.BLACK,
    Colour.ORANGE,
    Colour.GREY,
)


@dataclass(frozen=True, slots=True)
class LandmarkKind:
    """One kind of landmark.

    Attributes:
        words: What a person calls it.
        type: OpenDRIVE's type of the object that carries it.
        depth_m: Smallest and largest size along the direction in which it looks.
        width_m: Smallest and largest size across.
        height_m: Smallest and largest height.
        colors: It is one of these; empty where colour tells nothing.
    """

    words: str
    type: str
    depth_m: tuple[float, float]
    width_m: tuple[float, float]
    height_m: tuple[float, float]
    colors: tuple[Colour, ...] = ()


LANDMARK_KINDS: dict[Landmark, LandmarkKind] = {
    Landmark.PETROL_STATION: LandmarkKind("petrol station", "building", (13, 15), (19, 22), (5.5, 5.5)),
    Landmark.CHURCH: LandmarkKind("church", "building", (22, 26), (11, 13), (17, 21)),
    Landmark.BUILDING: LandmarkKind("building", "building", (10, 14), (13, 20), (7, 19), BUILDING_COLORS),
    Landmark.BUS_STOP: LandmarkKind("bus stop", "building", (1.5, 1.5), (4.2, 4.2), (2.6, 2.6)),
    Landmark.BUS: LandmarkKind("bus", "bus", (10.5, 10.5), (2.5, 2.5), (3.1, 3.1)),
    Landmark.PARKED_CAR: LandmarkKind("parked car", "car", (4.2, 4.7), (1.78, 1.88), (1.42, 1.58), CAR_COLORS),
}
"""By the language's word for it, which is the semantic id in the OpenDRIVE. A bus always waits beside a bus stop."""
