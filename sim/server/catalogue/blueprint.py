"""Blueprints as the client sees them: an id, tags and attributes that it may set before spawning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from drivevla.errors import SimulatorError

__all__ = ["Attribute", "AttributeType", "Blueprint"]


class AttributeType(IntEnum):
    """CARLA's ActorAttributeType, in the numbering of the wire."""

    BOOL = 1
    INT = 2
    FLOAT = 3
    STRING = 4
    COLOR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of a blueprint, in the order of the wire's ActorAttribute.

    Attributes:
        id: Its name.
        type: What the text of its value means.
        value: Its default, as text: "true", "90.0", "255,68,0".
        recommended: Values to choose from; with ``restricted`` the only ones.
        modifiable: Whether a client may set it.
        restricted: Whether only recommended values are accepted.
    """

    id: str
    type: AttributeType
    value: str
    recommended: tuple[str, ...] = ()
    modifiable: bool = True
    restricted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """What can be spawned, in the order of the wire's ActorDefinition.

    Attributes:
        uid: Number of the definition, from 1; the same in every process.
        id: For example "vehicle.audi.tt".
        tags: The words that clients filter by.
        attributes: Every attribute, in a fixed order.
    """

    uid: int
    id: str
    tags: tuple[str, ...]
    attributes: tuple[Attribute, ...]

    def values(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """Every attribute's text for an actor spawned with ``chosen``; what was not chosen keeps its default.

        Args:
            chosen: Attribute ids to texts, as a spawn call brings them.

        Raises:
            SimulatorError: An attribute that the blueprint lacks, or a text that is no value of its type.
        """
        known = {attribute.id: attribute for attribute in self.attributes}
        values = {attribute.id: attribute.value for attribute in self.attributes}
        for name, text in chosen.items():
            if name not in known:
                raise SimulatorError(f"{self.id} has no attribute {name!r} (known: {', '.join(sorted(known))})")
            _check(self.id, known[name], text)
            values[name] = text
        return values


def _check(blueprint: str, attribute: Attribute, text: str) -> None:
    try:
        _READERS[attribute.type](text)
    except ValueError as error:
        kind = attribute.type.name.lower()
        raise SimulatorError(f"{blueprint}: attribute {attribute.id!r} must be a {kind}, got {text!r}") from error
    if attribute.restricted and text not in attribute.recommended:
        accepted = ", ".join(attribute.recommended)
        raise SimulatorError(f"{blueprint}: attribute {attribute.id!r} must be one of {accepted}, got {text!r}")


def _read_bool(text: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0"}:
        raise ValueError(text)
    return text.lower() in {"true", "1"}


def _read_finite(text: str) -> float:
    value = float(text)
    if value - value != 0.0:
        raise ValueError(text)
    return value


def _read_color(text: str) -> tuple[int, ...]:
    channels = tuple(int(channel) for channel in text.split(","))
    if len(channels) != 3 or not all(0 <= channel <= 255 for channel in channels):
        raise ValueError(text)
    return channels


_READERS: dict[AttributeType, Callable[[str], object]] = {
    AttributeType.BOOL: _read_bool,
    AttributeType.INT: int,
    AttributeType.FLOAT: _read_finite,
    AttributeType.STRING: str,
    AttributeType.COLOR: _read_color,
}
