"""CARLA's episode settings, in the order of the wire."""

from dataclasses import dataclass

from drivevla.errors import ContractError
from drivevla.sim.server.wire import decode, encode

__all__ = ["EpisodeSettings", "settings_from_wire"]

MAX_STEP_S = 10.0


@dataclass(frozen=True, slots=True)
class EpisodeSettings:
    """``carla.WorldSettings``: same fields, defaults and order (carla.org, "Python API").

    Attributes:
        synchronous_mode: Time moves only when a client ticks.
        no_rendering_mode: Cameras give no images.
        fixed_delta_seconds: Simulated time of one tick; None lets it follow the wall clock.
        substepping: Whether physics may divide a tick.
        max_substep_delta_time: Longest physics step in seconds when it does.
        max_substeps: Most physics steps in a tick.
        max_culling_distance: Stored; nothing is culled here.
        deterministic_ragdolls: Stored; walkers are always deterministic.
        tile_stream_distance: Stored; maps are loaded whole.
        actor_active_distance: Stored; no actor goes dormant.
        spectator_as_ego: Stored; see the two above.
    """

    synchronous_mode: bool = False
    no_rendering_mode: bool = False
    fixed_delta_seconds: float | None = None
    substepping: bool = True
    max_substep_delta_time: float = 0.01
    max_substeps: int = 10
    max_culling_distance: float = 0.0
    deterministic_ragdolls: bool = True
    tile_stream_distance: float = 3000.0
    actor_active_distance: float = 2000.0
    spectator_as_ego: bool = True

    def to_wire(self) -> list[object]:
        """The struct as a client reads it."""
        return [
            self.synchronous_mode,
            self.no_rendering_mode,
            encode.optional(self.fixed_delta_seconds),
            self.substepping,
            self.max_substep_delta_time,
            self.max_substeps,
            self.max_culling_distance,
            self.deterministic_ragdolls,
            self.tile_stream_distance,
            self.actor_active_distance,
            self.spectator_as_ego,
        ]


_decode_fields: decode.Decoder[EpisodeSettings] = decode.struct(
    EpisodeSettings,
    decode.boolean,
    decode.boolean,
    decode.optional(decode.number),
    decode.boolean,
    decode.number,
    decode.integer,
    decode.number,
    decode.boolean,
    decode.number,
    decode.number,
    decode.boolean,
)


def settings_from_wire(value: object) -> EpisodeSettings:
    """Settings that a client sent; a fixed delta of 0 means none, as in CARLA.

    Raises:
        ContractError: A field has the wrong type, or the time step is negative or longer than 10 s.
    """
    settings = _decode_fields(value)
    step_s = settings.fixed_delta_seconds
    if step_s is not None and not 0.0 <= step_s <= MAX_STEP_S:
        raise ContractError(f"fixed_delta_seconds must lie in [0, {MAX_STEP_S:g}] seconds, got {step_s:g}")
    if step_s == 0.0:
        return _decode_fields([*settings.to_wire()[:2], [False], *settings.to_wire()[3:]])
    return settings
