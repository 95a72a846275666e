"""The colours of streets, one table, so that towns look of one piece."""

from drivevla.sim.server.scene.mesh import Material

__all__ = [
    "ASPHALT",
    "BARK",
    "BIKE_LANE",
    "BRIDGE_CONCRETE",
    "GRASS",
    "HEAD_BLACK",
    "HEAD_FRAME",
    "KERB",
    "MEDIAN",
    "PAINTS",
    "PARKING",
    "RAIL_STEEL",
    "SIDEWALK",
    "SIGN_BACK",
    "STEEL",
    "VERGE",
]

ASPHALT = Material(surface="asphalt", rgb=(0.29, 0.29, 0.30))
PARKING = Material(surface="asphalt", rgb=(0.35, 0.34, 0.33))
BIKE_LANE = Material(surface="asphalt", rgb=(0.42, 0.24, 0.21))
SIDEWALK = Material(surface="concrete", rgb=(0.62, 0.60, 0.56))
KERB = Material(surface="concrete", rgb=(0.74, 0.73, 0.70), seed=1)
BRIDGE_CONCRETE = Material(surface="concrete", rgb=(0.55, 0.55, 0.54), seed=2)
MEDIAN = Material(surface="grass", rgb=(0.33, 0.47, 0.20), seed=1)
VERGE = Material(surface="grass", rgb=(0.36, 0.45, 0.21), seed=2)
GRASS = Material(surface="grass", rgb=(0.30, 0.44, 0.18))

PAINTS = {
    "white": Material(surface="paint", rgb=(0.93, 0.93, 0.91)),
    "yellow": Material(surface="paint", rgb=(0.92, 0.72, 0.12)),
    "blue": Material(surface="paint", rgb=(0.20, 0.35, 0.80)),
    "green": Material(surface="paint", rgb=(0.20, 0.60, 0.30)),
    "red": Material(surface="paint", rgb=(0.75, 0.18, 0.15)),
    "orange": Material(surface="paint", rgb=(0.93, 0.50, 0.12)),
    "violet": Material(surface="paint", rgb=(0.50, 0.30, 0.65)),
}

STEEL = Material(surface="metal", rgb=(0.42, 0.44, 0.45))
RAIL_STEEL = Material(surface="metal", rgb=(0.66, 0.67, 0.68))
SIGN_BACK = Material(surface="metal", rgb=(0.58, 0.59, 0.60))
HEAD_BLACK = Material(surface="plain", rgb=(0.05, 0.05, 0.05))
HEAD_FRAME = Material(surface="plain", rgb=(0.12, 0.12, 0.11))
BARK = Material(surface="bark", rgb=(0.34, 0.25, 0.17))
