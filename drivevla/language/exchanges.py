"""A question about the scene and its answer as kinds and slots, and the two sentences that say them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np

from drivevla.errors import ContractError
from drivevla.language.phrasebook import ANSWER, QUESTION, grammar
from drivevla.language.realisation import punctuated
from drivevla.language.vocabulary import Language, Side, Split, member

__all__ = ["EXCHANGES", "Duty", "Exchange", "ExchangeKind", "Outcome", "SeenLight", "Thing", "ask", "read_exchange"]


class ExchangeKind(StrEnum):
    """What is asked."""

    LIGHT = "light"
    """What the traffic light for us shows."""
    LEAD = "lead"
    """How far ahead the next vehicle in our lane is."""
    COUNT = "count"
    """How many of something are near."""
    BESIDE = "beside"
    """Whether something is on one side of us."""
    RIGHT_OF_WAY = "right_of_way"
    """What makes us let others go first."""
    SPEED_LIMIT = "speed_limit"
    LANE_CHANGE = "lane_change"
    """Whether a lane change is possible and allowed."""
    IF_WE_KEEP_GOING = "if_we_keep_going"
    """What would happen if we neither braked nor steered away."""
    IF_WE_CHANGE_LANE = "if_we_change_lane"
    """What would happen if we changed lanes at once."""


class Thing(StrEnum):
    """What can be counted or be beside us."""

    VEHICLE = "vehicle"
    PEDESTRIAN = "pedestrian"
    CYCLIST = "cyclist"


class SeenLight(StrEnum):
    """What the light for us shows."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    NONE = "none"
    """There is no light for us."""


class Duty(StrEnum):
    """What makes us wait."""

    RED_LIGHT = "red_light"
    STOP_SIGN = "stop_sign"
    YIELD_SIGN = "yield_sign"
    NONE = "none"


class Outcome(StrEnum):
    """What would happen."""

    HIT_VEHICLE = "hit_vehicle"
    HIT_PEDESTRIAN = "hit_pedestrian"
    HIT_CYCLIST = "hit_cyclist"
    RUN_RED_LIGHT = "run_red_light"
    RUN_STOP_SIGN = "run_stop_sign"
    LEAVE_ROAD = "leave_road"
    WRONG_WAY = "wrong_way"
    CROSS_SOLID_LINE = "cross_solid_line"
    NOTHING = "nothing"


EXCHANGES: Mapping[ExchangeKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    ExchangeKind.LIGHT: ((), ("light",)),
    ExchangeKind.LEAD: ((), ("holds", "distance_m")),
    ExchangeKind.COUNT: (("thing",), ("count",)),
    ExchangeKind.BESIDE: (("thing", "side"), ("holds",)),
    ExchangeKind.RIGHT_OF_WAY: ((), ("duty",)),
    ExchangeKind.SPEED_LIMIT: ((), ("speed_kmh",)),
    ExchangeKind.LANE_CHANGE: (("side",), ("holds",)),
    ExchangeKind.IF_WE_KEEP_GOING: ((), ("outcome",)),
    ExchangeKind.IF_WE_CHANGE_LANE: (("side",), ("outcome",)),
}
"""The slots of each kind: those of the question, those of the answer."""

_OPTIONAL = {(ExchangeKind.LEAD, "distance_m")}  # there is none where there is no vehicle
_TYPES: Mapping[str, type] = {
    "thing": Thing,
    "side": Side,
    "light": SeenLight,
    "holds": bool,
    "distance_m": int,
    "count": int,
    "duty": Duty,
    "speed_kmh": int,
    "outcome": Outcome,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A question and its answer.

    Attributes:
        kind: What is asked.
        thing: Of what.
        side: On which side.
        light: What the light shows.
        holds: Whether it is so.
        distance_m: How far.
        count: How many.
        duty: What makes us wait.
        speed_kmh: The speed limit.
        outcome: What would happen.

    Raises:
        ContractError: A slot is missing, does not belong to the kind, or has the wrong type.
    """

    kind: ExchangeKind
    thing: Thing | None = None
    side: Side | None = None
    light: SeenLight | None = None
    holds: bool | None = None
    distance_m: int | None = None
    count: int | None = None
    duty: Duty | None = None
    speed_kmh: int | None = None
    outcome: Outcome | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.kind, ExchangeKind):
            raise ContractError(f"an exchange needs an ExchangeKind, got {self.kind!r}")
        asked, answered = EXCHANGES[self.kind]
        slots = self._slots()
        required = {name for name in (*asked, *answered) if (self.kind, name) not in _OPTIONAL}
        if missing := sorted(required - set(slots)):
            raise ContractError(f"an exchange about {self.kind} needs {', '.join(missing)}")
        if foreign := sorted(set(slots) - {*asked, *answered}):
            accepted = ", ".join((*asked, *answered))
            raise ContractError(f"an exchange about {self.kind} has no {', '.join(foreign)}; its slots are {accepted}")
        for name, value in slots.items():
            if type(value) is not _TYPES[name]:
                raise ContractError(f"{name} must be of type {_TYPES[name].__name__}, got {value!r}")
        if self.kind is ExchangeKind.LEAD and self.holds != (self.distance_m is not None):
            raise ContractError("a vehicle ahead has a distance, and where there is none there is no distance")

    def _slots(self) -> dict[str, Any]:
        given = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "kind"}
        return {name: value for name, value in given.items() if value is not None}

    def to_dict(self) -> dict[str, str | int | bool]:
        """Kind and slots as plain JSON values."""
        plain: dict[str, str | int | bool] = {"kind": self.kind.value}
        return plain | {
            name: value.value if isinstance(value, StrEnum) else value for name, value in self._slots().items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Exchange":
        """The exchange that ``to_dict`` wrote.

        Raises:
            UnknownName: A value is in no table.
            ContractError: The slots do not fit the kind.
        """
        known = {field.name for field in fields(cls)}
        if "kind" not in values or not set(values) <= known:
            raise ContractError(f"an exchange is an object with kind and slots of {sorted(known)}, got {dict(values)}")
        types = {"kind": ExchangeKind, **_TYPES}
        return cls(
            **{
                name: member(types[name], value) if issubclass(types[name], StrEnum) else value
                for name, value in values.items()
            }
        )

    @property
    def asked(self) -> dict[str, Any]:
        """What the question says: the kind and its slots."""
        return self._said(EXCHANGES[self.kind][0])

    @property
    def answered(self) -> dict[str, Any]:
        """What the answer says: the kind and its slots."""
        return self._said(EXCHANGES[self.kind][1])

    def _said(self, names: tuple[str, ...]) -> dict[str, Any]:
        plain = self.to_dict()
        return {name: plain[name] for name in ("kind", *names) if name in plain}


def ask(
    exchange: Exchange, *, language: Language | str, split: Split | str, rng: np.random.Generator
) -> tuple[str, str]:
    """A question and its answer in words, which say every slot and nothing else.

    The two splits share no phrasing.

    Raises:
        UnknownName: No such language or split.
        ContractError: The phrase table cannot say this exchange.
    """
    language, split = member(Language, language), member(Split, split)
    table = grammar(language)
    texts: list[str] = []
    for rule, slots in ((QUESTION, exchange.asked), (ANSWER, exchange.answered)):
        candidates = table.complete(rule, slots, split=split)
        if not candidates:
            raise ContractError(f"no {split} {rule} in {language} says {slots}; add one to phrases/{language}.yaml")
        chosen = candidates[rng.integers(len(candidates))]
        texts.append(punctuated(table.write(chosen, slots, split=split, rng=rng), language))
    return texts[0], texts[1]


def read_exchange(question: str, answer: str, *, language: Language | str) -> Exchange | None:
    """What a question and its answer say, for labels and scoring; None where the grammar cannot read them as one.

    Raises:
        UnknownName: No such language.
    """
    table = grammar(member(Language, language))
    found: list[Exchange] = []
    for asked in table.read(QUESTION, question):
        for answered in table.read(ANSWER, answer):
            if asked["kind"] != answered["kind"]:
                continue
            try:
                exchange = Exchange.from_dict({**asked, **answered})
            except ContractError:
                continue
            if exchange not in found:
                found.append(exchange)
    return found[0] if len(found) == 1 else None
