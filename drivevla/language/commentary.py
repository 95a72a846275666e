"""What the car says: a meta-action and its cause, checked, and the same thing as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from drivevla.errors import ContractError, unknown_name
from drivevla.language.causes import CAUSES, Actor, Cause, RefusalReason
from drivevla.language.meta_actions import Lateral, Longitudinal, MetaAction
from drivevla.language.vocabulary import Colour, Side, member

__all__ = ["Commentary"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Commentary:
    """What the car does and why.

    Attributes:
        action: The meta-action.
        cause: Why.
        actor: Kind of the vehicle that is the cause.
        colour: Its colour, where known.
        side: Where the cause comes from or lies, or to which side a curve bends.
        speed_kmh: The speed limit in km/h.
        reason: Why an instruction was refused.

    Raises:
        ContractError: A slot is missing, does not belong to the cause, has the wrong type or is out of range.
    """

    action: MetaAction
    cause: Cause
    actor: Actor | None = None
    colour: Colour | None = None
    side: Side | None = None
    speed_kmh: int | None = None
    reason: RefusalReason | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.action, MetaAction) or not isinstance(self.cause, Cause):
            raise ContractError(f"a commentary needs a MetaAction and a Cause, got {self.action!r} and {self.cause!r}")
        spec, given = CAUSES[self.cause], set(self.slots)
        accepted = ", ".join([*spec.required, *(f"[{name}]" for name in spec.optional)]) or "none"
        if missing := [name for name in spec.required if name not in given]:
            raise ContractError(f"cause {self.cause} needs {', '.join(missing)}; its slots are {accepted}")
        if foreign := sorted(given - set(spec.required) - set(spec.optional)):
            raise ContractError(f"cause {self.cause} has no {', '.join(foreign)}; its slots are {accepted}")
        for name, value in self.slots.items():
            _check_slot(name, value)

    @property
    def slots(self) -> "dict[str, Any]":
        """The slots of the cause that are given, by name."""
        values = {
            field.name: getattr(self, field.name) for field in fields(self) if field.name not in {"action", "cause"}
        }
        return {name: value for name, value in values.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Action, cause and given slots as plain JSON values."""
        plain: dict[str, Any] = {
            "longitudinal": self.action.longitudinal.value,
            "lateral": self.action.lateral.value,
            "cause": self.cause.value,
        }
        return plain | {
            name: value.value if isinstance(value, StrEnum) else value for name, value in self.slots.items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Commentary":
        """The commentary that ``to_dict`` wrote.

        Raises:
            UnknownName: A slot or a slot's value is in no table.
            ContractError: Action or cause is missing, or the slots do not fit the cause.
        """
        if not isinstance(values, Mapping) or not {"longitudinal", "lateral", "cause"} <= set(values):
            raise ContractError(
                f"a commentary is an object with 'longitudinal', 'lateral', 'cause' and slots, got {values!r}"
            )
        given = {name: _read_slot(name, value) for name, value in values.items()}
        action = MetaAction(given.pop("longitudinal"), given.pop("lateral"))
        return cls(action=action, **given)


_ENUM_SLOTS: dict[str, type[StrEnum]] = {
    "longitudinal": Longitudinal,
    "lateral": Lateral,
    "cause": Cause,
    "actor": Actor,
    "colour": Colour,
    "side": Side,
    "reason": RefusalReason,
}


def _read_slot(name: str, value: Any) -> Any:
    if name == "speed_kmh":
        return value
    if name not in _ENUM_SLOTS:
        raise unknown_name("commentary slot", name, [*_ENUM_SLOTS, "speed_kmh"])
    return member(_ENUM_SLOTS[name], value)


def _check_slot(name: str, value: Any) -> None:
    if name == "speed_kmh":
        if isinstance(value, bool) or not isinstance(value, int) or not 5 <= value <= 130:
            raise ContractError(f"a speed limit is a whole number from 5 to 130 km/h, got {value!r}")
    elif not isinstance(value, _ENUM_SLOTS[name]):
        raise ContractError(f"{name} must be a {_ENUM_SLOTS[name].__name__}, got {value!r}")
