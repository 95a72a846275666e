"""What a policy may hear in a closed-loop run: by name, and in full for whoever reads the results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivevla.errors import unknown_name
from drivevla.language import Language, Split
from drivevla.sim.maps import landmarks
from drivevla.sim.navigator import Misleading, Navigator, Protocol, notices_along
from drivevla.sim.routes import DensePlan, Route
from drivevla.sim.routes.thinning import LEADERBOARD_1_GAP_M, LEADERBOARD_2_GAP_M

if TYPE_CHECKING:
    import carla

__all__ = ["GUIDANCES", "GuidanceConfig", "Guide", "make_guide"]

LANGAUTO_REDRAW_TICKS = 400
"""An instruction that has been in force for so long is drawn anew (opendilab/LMDrive, LangAuto)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One way of guiding: what is heard, and LangAuto's additions."""

    protocol: Protocol
    misleading: bool = False
    notices: bool = False
    redraw_ticks: int | None = None


GUIDANCES: Mapping[str, _Kind] = {
    **{protocol.value: _Kind(protocol=protocol) for protocol in Protocol},
    "langauto": _Kind(protocol=Protocol.INSTRUCTIONS, misleading=True, redraw_ticks=LANGAUTO_REDRAW_TICKS),
    "langauto-notice": _Kind(
        protocol=Protocol.INSTRUCTIONS, misleading=True, notices=True, redraw_ticks=LANGAUTO_REDRAW_TICKS
    ),
}
"""Every name that ``--guidance`` takes."""


@dataclass(frozen=True, kw_only=True)
class GuidanceConfig:
    """What the policy hears, and in which words.

    Attributes:
        name: One of ``GUIDANCES``.
        language: Of the sentences.
        split: Which phrasings may be used; those that nothing is trained on unless somebody asks for others.
    """

    name: str = Protocol.INSTRUCTIONS.value
    language: str = Language.EN.value
    split: str = Split.HELD_OUT.value

    def __post_init__(self) -> None:
        """Check.

        Raises:
            UnknownName: There is no such guidance, language or split.
        """
        for kind, name, known in (
            ("guidance", self.name, GUIDANCES),
            ("language", self.language, [each.value for each in Language]),
            ("split", self.split, [each.value for each in Split]),
        ):
            if name not in known:
                raise unknown_name(kind, name, known)

    def in_full(self) -> dict[str, Any]:
        """Exactly what a policy hears, for the record of a run."""
        kind = GUIDANCES[self.name]
        says = kind.protocol.hears_sentences
        misleading = Misleading()
        return {
            "name": self.name,
            "sentence": says,
            "command": kind.protocol.hears_commands,
            "target_points": kind.protocol.hears_points,
            "target_gap_m": {"leaderboard_1": LEADERBOARD_1_GAP_M, "leaderboard_2": LEADERBOARD_2_GAP_M},
            "language": self.language if says else None,
            "split": self.split if says else None,
            "misleading": {"share": misleading.share, "hold_ticks": misleading.hold_steps} if kind.misleading else None,
            "notices": kind.notices,
            "redraw_ticks": kind.redraw_ticks,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """The navigator of one drive.

    Attributes:
        navigator: Asked once a tick.
        tells_lights: Whether it has to be told what the light ahead shows.
    """

    navigator: Navigator
    tells_lights: bool


def make_guide(
    config: GuidanceConfig, plan: DensePlan, route: Route, carla_map: carla.Map, opendrive: str, *, seed: int
) -> Guide:
    """The navigator of a route, a step of which is a tick."""
    kind = GUIDANCES[config.name]
    navigator = Navigator(
        plan,
        carla_map,
        landmarks(opendrive),
        language=config.language,
        split=config.split,
        seed=seed,
        protocol=kind.protocol,
        notices=notices_along(plan, route.scenarios) if kind.notices else None,
        misleading=Misleading(seed=seed) if kind.misleading else None,
        redraw_steps=kind.redraw_ticks,
        target_gap_m=LEADERBOARD_1_GAP_M if route.format == "leaderboard_1" else LEADERBOARD_2_GAP_M,
    )
    return Guide(navigator=navigator, tells_lights=kind.notices)
