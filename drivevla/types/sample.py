"""One sample of a data set: what a policy would have seen, what is true, and what people said about it.

What a data set lacks is None, never zero; an empty tuple says "looked for, none there".
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.language import Cause, Commentary, Exchange, Instruction
from drivevla.types.checks import frozen_mapping, real_array, real_number, set_field
from drivevla.types.observation import Observation
from drivevla.types.truth import Future, LightState, Truth

__all__ = ["Alternative", "LeadVehicle", "LightInImage", "ObjectMention", "Provenance", "QuestionAnswer", "Sample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a sample comes from.

    Attributes:
        dataset: The data set and its release: "nuscenes v1.0-mini".
        scene: The drive that it belongs to, as the data set calls it.
        token: The sample's own name; unique within the data set.
        split: "train", "val", "test" or another name of the data set's own; None where there are no splits.
    """

    dataset: str
    scene: str
    token: str
    split: str | None = None

    def __post_init__(self) -> None:
        """Check that nothing is empty.

        Raises:
            ContractError: A name is empty.
        """
        for name in ("dataset", "scene", "token"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise ContractError(f"{name} of a sample's source must be a name, got {getattr(self, name)!r}")

    def __str__(self) -> str:
        return f"{self.dataset}: {self.scene}/{self.token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectMention:
    """Something in a picture that a question or an answer speaks of.

    Attributes:
        name: What the text calls it ("c1").
        camera: In whose picture it is.
        position_px: (2,) its middle.
        category: What it is, in the data set's words.
        status: What it does, in the data set's words.
        description: What it looks like.
        box_px: (4,) left, top, right, bottom.
    """

    name: str
    camera: str
    position_px: NDArray[np.float64]
    category: str | None = None
    status: str | None = None
    description: str | None = None
    box_px: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A shape is wrong.
        """
        set_field(self, "position_px", real_array("position_px", self.position_px, (2,)))
        if self.box_px is not None:
            set_field(self, "box_px", _pixel_box(self.box_px))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswer:
    """A question about the sample and its answer.

    Attributes:
        question: In plain words.
        answer: Likewise.
        topic: What it is about: "perception", "prediction", "planning", "behavior".
        mentions: The objects that either speaks of.
        exchange: Both in kinds and slots, where they were made from the truth.
    """

    question: str
    answer: str
    topic: str | None = None
    mentions: tuple[ObjectMention, ...] = ()
    exchange: Exchange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadVehicle:
    """The vehicle ahead as a driver assistance system sees it: a point, without a box.

    Attributes:
        position_m: (2,) where its rear is, ego frame.
        speed_mps: Along the road, over ground.
        acceleration_mps2: Likewise, where it is known.
        probability: How sure the system is.
    """

    position_m: NDArray[np.float64]
    speed_mps: float
    acceleration_mps2: float | None = None
    probability: float | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A number is not finite, or the probability is outside 0 to 1.
        """
        set_field(self, "position_m", real_array("position_m", self.position_m, (2,)))
        set_field(self, "speed_mps", real_number("speed_mps", self.speed_mps, at_least=-150.0, at_most=150.0))
        if self.acceleration_mps2 is not None:
            set_field(self, "acceleration_mps2", real_number("acceleration_mps2", self.acceleration_mps2))
        if self.probability is not None:
            set_field(
                self, "probability", real_number("probability", self.probability, at_least=0.0, at_most=1.0 + 1e-6)
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LightInImage:
    """A traffic light found in a picture; where it stands is not known.

    Attributes:
        camera: In whose picture.
        box_px: (4,) left, top, right, bottom.
        state: What it shows; UNKNOWN for a lit arrow alone.
        arrows: Which green arrows are lit, of "left", "right" and "straight".
    """

    camera: str
    box_px: NDArray[np.float64]
    state: LightState
    arrows: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: The box is not left, top, right, bottom, or an arrow has no such name.
        """
        set_field(self, "box_px", _pixel_box(self.box_px))
        if unknown := self.arrows - {"left", "right", "straight"}:
            raise ContractError(f"arrows are left, right and straight, got {sorted(unknown)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What would follow if something else were asked for at the same instant.

    Attributes:
        sentence: What would be asked for, in plain words.
        future: Where the car would go.
        refused: Whether the teacher would refuse it; the future is then the one of the instruction in force.
        instruction: The kind and slots of the sentence; None where it asks for nothing that the language knows.
        target_speed_mps: The speed that the teacher would aim for; None where it is not known.
        explanation: What the teacher would do and why; None where it is not known.
        told_pose: (3,) x, y, yaw in the current ego frame: where the car would have been when it was asked for; None
            where it would be asked for here and now.
    """

    sentence: str
    future: Future
    refused: bool = False
    instruction: Instruction | None = None
    target_speed_mps: float | None = None
    explanation: Commentary | None = None
    told_pose: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: There is no sentence, or a field is not of its type.
        """
        if not isinstance(self.sentence, str) or not self.sentence.strip():
            raise ContractError(f"sentence of an alternative must be words, got {self.sentence!r}")
        if not isinstance(self.future, Future) or not isinstance(self.refused, bool):
            raise ContractError(f"an alternative needs a Future and True or False for refused, got {self.refused!r}")
        if self.target_speed_mps is not None:
            set_field(self, "target_speed_mps", real_number("target_speed_mps", self.target_speed_mps, at_least=0.0))
        if self.told_pose is not None:
            set_field(self, "told_pose", real_array("told_pose", self.told_pose, (3,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One instant of a data set.

    Attributes:
        source: Where it comes from.
        observation: What a policy would have seen.
        truth: What is true.
        lead: The vehicles ahead that the data set names so, as points; boxes are in ``truth.objects``.
        lights_in_image: Traffic lights by their place in a picture; lights with a place on the road are in
            ``truth.lights``.
        commentary: What happens and why, in a sentence or a few.
        labels: Facts about the whole sample by name: "weather": "sunny".
        questions: Questions with their answers.
        refused: Whether the teacher refused the instruction in force; None where nobody knows.
        target_speed_mps: The speed that the teacher aimed for; None where it is not known.
        explanation: What the car does and why, with the cause of a slowing or stop; ``commentary`` in slots. None where
            it is not known.
        alternatives: What would follow other instructions; None where nobody looked.
    """

    source: Provenance
    observation: Observation
    truth: Truth
    lead: tuple[LeadVehicle, ...] | None = None
    lights_in_image: tuple[LightInImage, ...] | None = None
    commentary: str | None = None
    labels: Mapping[str, str] | None = None
    questions: tuple[QuestionAnswer, ...] | None = None
    refused: bool | None = None
    target_speed_mps: float | None = None
    explanation: Commentary | None = None
    alternatives: tuple[Alternative, ...] | None = None

    @property
    def cause(self) -> Cause | None:
        """Why the car does what it does; None where it is not known."""
        return None if self.explanation is None else self.explanation.cause

    def __post_init__(self) -> None:
        """Check that the parts belong together.

        Raises:
            ContractError: Observation and truth are of different instants, a label is not a word, or a speed is none.
        """
        apart_s = abs(self.observation.timestamp_s - self.truth.timestamp_s)
        if apart_s > 1e-6:
            raise ContractError(
                f"{self.source}: observation and truth must be of one instant, they are {apart_s:g} s apart"
            )
        if self.labels is not None:
            set_field(self, "labels", frozen_mapping("labels", self.labels, str))
        if self.target_speed_mps is not None:
            set_field(self, "target_speed_mps", real_number("target_speed_mps", self.target_speed_mps, at_least=0.0))


def _pixel_box(box_px: NDArray[np.float64]) -> NDArray[np.float64]:
    box = real_array("box_px", box_px, (4,))
    if not (box[0] <= box[2] and box[1] <= box[3]):
        raise ContractError(f"box_px must be left, top, right, bottom, got {box.tolist()}")
    return box
