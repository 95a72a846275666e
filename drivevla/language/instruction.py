"""An instruction as a value: its kind and its slots, checked, and the same thing as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from drivevla.errors import ContractError, unknown_name
from drivevla.language.kinds import KINDS, InstructionKind, KindSpec
from drivevla.language.vocabulary import (
    Colour,
    Direction,
    Hazard,
    Impossibility,
    Landmark,
    Place,
    Relation,
    Side,
    Violation,
    member,
)

__all__ = ["COLOURED_LANDMARKS", "RELATION_LANDMARKS", "Instruction", "can_follow", "round_distance_m"]

COLOURED_LANDMARKS = frozenset({Landmark.BUILDING, Landmark.PARKED_CAR})
"""Landmarks that are named by their colour; the others never are."""

RELATION_LANDMARKS: dict[Relation, frozenset[Landmark]] = {
    Relation.BEHIND: frozenset({Landmark.BUS, Landmark.PARKED_CAR}),
    Relation.NEXT_TO: frozenset(Landmark) - {Landmark.BUS_STOP},
    Relation.AT: frozenset(Landmark) - {Landmark.BUS, Landmark.PARKED_CAR},
}
"""What one can sensibly stop behind, next to or at."""

_LARGEST_DISTANCE_M = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """What the driver asks for: a kind and the slots that belong to it.

    Slots that the kind does not have must stay None; ``KINDS`` says which are required and which optional.

    Attributes:
        kind: What is asked for.
        direction: How to leave the junction.
        ordinal: Which one, counted from 1 and from where the car is (or from the end of the first step).
        place: Kind of junction; only places of this kind are counted.
        distance_m: Metres ahead at which it happens, or for which to go on.
        within_m: Metres within which it must be done.
        side: Side of a lane change, turning, slip road, point or hazard.
        lateral_m: Metres to the side of a point.
        landmark: Thing beside the road.
        colour: Its colour; given for buildings and parked cars, never for others.
        relation: Where to stop, seen from the landmark.
        speed_kmh: Speed in km/h.
        hazard: What a notice warns of.
        violation: What an unsafe request wants.
        impossibility: What an impossible request wants.
        first: The first of two steps.
        second: The second of two steps.

    Raises:
        ContractError: A slot is missing, does not belong to the kind, has the wrong type or is out of range.
    """

    kind: InstructionKind
    direction: Direction | None = None
    ordinal: int | None = None
    place: Place | None = None
    distance_m: int | None = None
    within_m: int | None = None
    side: Side | None = None
    lateral_m: int | None = None
    landmark: Landmark | None = None
    colour: Colour | None = None
    relation: Relation | None = None
    speed_kmh: int | None = None
    hazard: Hazard | None = None
    violation: Violation | None = None
    impossibility: Impossibility | None = None
    first: "Instruction | None" = None
    second: "Instruction | None" = None

    def __post_init__(self) -> None:
        if not isinstance(self.kind, InstructionKind):
            raise ContractError(
                f"kind must be an InstructionKind, got {self.kind!r}; Instruction.from_dict accepts names"
            )
        spec = KINDS[self.kind]
        _check_presence(self, spec)
        for name, value in self.slots.items():
            _check_value(self.kind, name, value, spec)
        _check_landmark(self)
        _check_pairs(self)

    @property
    def spec(self) -> KindSpec:
        """What the table says about this kind."""
        return KINDS[self.kind]

    @property
    def slots(self) -> "dict[str, Any]":
        """The slots that are given, by name, without the kind."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "kind"}
        return {name: value for name, value in values.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """The kind and the given slots as plain JSON values."""
        plain: dict[str, Any] = {"kind": self.kind.value}
        for name, value in self.slots.items():
            plain[name] = value.to_dict() if isinstance(value, Instruction) else _plain(value)
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Instruction":
        """The instruction that ``to_dict`` wrote.

        Raises:
            UnknownName: The kind, a slot or a slot's value is in no table.
            ContractError: No kind is given, or the slots do not fit it.
        """
        if not isinstance(values, Mapping) or "kind" not in values:
            raise ContractError(f"an instruction is an object with 'kind' and its slots, got {values!r}")
        given = {name: _read_slot(name, value) for name, value in values.items()}
        return cls(**given)


def can_follow(first: InstructionKind, second: InstructionKind) -> bool:
    """Whether two kinds can be the two steps of one sentence.

    The first must come to an end by itself, so that a stop cannot lead; two demands on speed, or twice the same road
    to follow, say nothing.
    """
    if first is second is InstructionKind.FOLLOW_ROAD or {first, second} <= _SPEED_KINDS:
        return False
    return KINDS[first].leads and KINDS[second].follows


def round_distance_m(distance_m: float) -> int:
    """A distance as a speaker would give it: to 5 m below 50 m, to 10 m below 200 m, to 50 m beyond; at least 5 m.

    Raises:
        ContractError: The distance is negative, not finite or above 2000 m.
    """
    if not 0 <= distance_m <= _LARGEST_DISTANCE_M:
        raise ContractError(f"a spoken distance lies between 0 and {_LARGEST_DISTANCE_M} m, got {distance_m}")
    step_m = 5 if distance_m < 50 else 10 if distance_m < 200 else 50
    return max(5, round(distance_m / step_m) * step_m)


_ENUM_SLOTS: dict[str, type[StrEnum]] = {
    "kind": InstructionKind,
    "direction": Direction,
    "place": Place,
    "side": Side,
    "landmark": Landmark,
    "colour": Colour,
    "relation": Relation,
    "hazard": Hazard,
    "violation": Violation,
    "impossibility": Impossibility,
}
_NUMBER_SLOTS = ("ordinal", "distance_m", "within_m", "lateral_m", "speed_kmh")
_STEP_SLOTS = ("first", "second")


def _read_slot(name: str, value: Any) -> Any:
    if name in _ENUM_SLOTS:
        return member(_ENUM_SLOTS[name], value)
    if name in _STEP_SLOTS:
        return Instruction.from_dict(value)
    if name in _NUMBER_SLOTS:
        return value
    raise unknown_name("slot", name, [*_ENUM_SLOTS, *_NUMBER_SLOTS, *_STEP_SLOTS])


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value


def _check_presence(instruction: Instruction, spec: KindSpec) -> None:
    given, kind = set(instruction.slots), instruction.kind
    missing = [name for name in spec.required if name not in given]
    if missing:
        raise ContractError(f"{kind} needs {', '.join(missing)}; its slots are {_described(spec)}")
    foreign = sorted(given - set(spec.required) - set(spec.optional))
    if foreign:
        raise ContractError(f"{kind} has no {', '.join(foreign)}; its slots are {_described(spec)}")


def _described(spec: KindSpec) -> str:
    return ", ".join([*spec.required, *(f"[{name}]" for name in spec.optional)]) or "none"


def _check_value(kind: InstructionKind, name: str, value: Any, spec: KindSpec) -> None:
    if name in _ENUM_SLOTS:
        if not isinstance(value, _ENUM_SLOTS[name]):
            raise ContractError(f"{name} must be a {_ENUM_SLOTS[name].__name__}, got {value!r}")
        return
    if name in _STEP_SLOTS:
        if not isinstance(value, Instruction):
            raise ContractError(f"{name} must be an Instruction, got {value!r}")
        return
    low, high = 2, _LARGEST_DISTANCE_M  # metres; one metre would need a singular, and nobody says it
    if name == "ordinal":
        low, high = 1, spec.highest_ordinal
    elif name == "speed_kmh":
        low, high = spec.speed_range_kmh
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ContractError(f"{name} of {kind} must be a whole number from {low} to {high}, got {value!r}")


def _check_landmark(instruction: Instruction) -> None:
    landmark, relation = instruction.landmark, instruction.relation
    if landmark is None:
        return
    if (landmark in COLOURED_LANDMARKS) != (instruction.colour is not None):
        named = ", ".join(sorted(COLOURED_LANDMARKS))
        raise ContractError(
            f"a colour is given for {named} and for nothing else, got {landmark} with {instruction.colour}"
        )
    if relation is None and landmark is Landmark.BUS:
        raise ContractError(f"{instruction.kind} cannot speak of a bus, which may drive off; name a bus_stop")
    if relation is not None and landmark not in RELATION_LANDMARKS[relation]:
        accepted = ", ".join(sorted(RELATION_LANDMARKS[relation]))
        raise ContractError(f"one can stop {relation} only {accepted}, got {landmark}")


def _check_pairs(instruction: Instruction) -> None:
    if instruction.kind is InstructionKind.DRIVE_TO_POINT and (instruction.side is None) != (
        instruction.lateral_m is None
    ):
        raise ContractError("side and lateral_m of drive_to_point are given together or not at all")
    if (
        instruction.kind is InstructionKind.NOTICE
        and instruction.side is not None
        and instruction.hazard is not Hazard.RED_LIGHT_RUNNER
    ):
        raise ContractError(f"only a notice of red_light_runner has a side, got {instruction.hazard}")
    first, second = instruction.first, instruction.second
    if first is None or second is None:
        return
    if not can_follow(first.kind, second.kind):
        raise ContractError(f"{first.kind} then {second.kind} does not make two steps; can_follow says which pairs do")


_SPEED_KINDS = frozenset(
    {InstructionKind.HOLD_SPEED, InstructionKind.SLOWER, InstructionKind.FASTER, InstructionKind.DRIVE_AT_LIMIT}
)
