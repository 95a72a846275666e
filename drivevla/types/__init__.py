"""The contracts: what crosses a boundary between two parts of the project, checked where it is made.

Everything is frozen; arrays are made read-only. What a policy may see (``Observation``) and what is true (``Truth``)
are different types, so that nothing leaks by habit.
"""

from drivevla.types.batch import CameraBatch, LidarBatch, SensorBatch
from drivevla.types.learning import (
    FitsData,
    GenerativeHead,
    Grid,
    HeadContext,
    Objective,
    PlannerHead,
    PlanTarget,
    PlanTensors,
    ScoresPlans,
)
from drivevla.types.observation import CameraFrame, Command, EgoState, LidarSweep, Observation, PastPoses
from drivevla.types.plan import Plan, PlanModes
from drivevla.types.policy import Policy, PrivilegedPolicy
from drivevla.types.reader import Fault, FaultKind, FindsFaults, Reader, RecognisesFolder, Scene, SparesSensors
from drivevla.types.rig import CameraSpec, LidarSpec, SensorRig
from drivevla.types.sample import (
    Alternative,
    LeadVehicle,
    LightInImage,
    ObjectMention,
    Provenance,
    QuestionAnswer,
    Sample,
)
from drivevla.types.truth import (
    Future,
    LaneTruth,
    LightState,
    LightTruth,
    ObjectTruth,
    SignKind,
    SignTruth,
    Truth,
    VehicleLight,
    Visibility,
)

__all__ = [
    "Alternative",
    "CameraBatch",
    "CameraFrame",
    "CameraSpec",
    "Command",
    "EgoState",
    "Fault",
    "FaultKind",
    "FindsFaults",
    "FitsData",
    "Future",
    "GenerativeHead",
    "Grid",
    "HeadContext",
    "LaneTruth",
    "LeadVehicle",
    "LidarBatch",
    "LidarSpec",
    "LidarSweep",
    "LightInImage",
    "LightState",
    "LightTruth",
    "ObjectMention",
    "ObjectTruth",
    "Objective",
    "Observation",
    "PastPoses",
    "Plan",
    "PlanModes",
    "PlanTarget",
    "PlanTensors",
    "PlannerHead",
    "Policy",
    "PrivilegedPolicy",
    "Provenance",
    "QuestionAnswer",
    "Reader",
    "RecognisesFolder",
    "Sample",
    "Scene",
    "ScoresPlans",
    "SensorBatch",
    "SensorRig",
    "SignKind",
    "SignTruth",
    "SparesSensors",
    "Truth",
    "VehicleLight",
    "Visibility",
]
