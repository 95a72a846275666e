"""Who touched whom in a step."""

from dataclasses import dataclass

__all__ = ["Contact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One body's side of a touch; two bodies that touch have one each.

    Attributes:
        actor_id: Whose side this is.
        other_id: The other body; None for what does not move.
        obstacle: Row of ``StaticObstacles`` when the other does not move, else None.
        impulse_ns: What the other gave to this body in the step, world frame, newton seconds.
    """

    actor_id: int
    other_id: int | None
    obstacle: int | None
    impulse_ns: tuple[float, float, float]
