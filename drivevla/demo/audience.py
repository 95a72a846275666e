"""Who may watch a drive while it goes on: a terminal, a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from drivevla.demo.diary import Moment, Told
    from drivevla.demo.screen import Panels

__all__ = ["Audience", "Scene"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """One instant, as it is shown.

    Attributes:
        moment: Numbers and words.
        panels: Pictures.
        told: Verdicts so far.
        is_judged: Whether the sentence in force is being judged.
    """

    moment: Moment
    panels: Panels
    told: tuple[Told, ...]
    is_judged: bool


class Audience(Protocol):
    """Somebody who watches."""

    def see(self, scene: Scene) -> None:
        """Take one instant; called at every question to the policy, and must not take long."""
        ...

    def leave(self, report: Path) -> None:
        """The drive is over, and its report written."""
        ...
