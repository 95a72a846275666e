"""The one table of what strangers plug in: names to ``module:attribute``.

Configurations hold names; this module turns a name into the object behind it. What ships with DriveVLA stands in
``BUILT_IN`` below. An installed package adds to a group by an entry point in its own ``pyproject.toml``::

    [project.entry-points."drivevla.heads"]
    straight = "my_package.straight:StraightHead"

Nothing registers by being imported, and nothing is imported until it is loaded, so that a plug-in that is broken breaks
only those who ask for it by name.
"""

import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, Literal, TypeAlias

from drivevla.errors import ConfigError, UnknownName, unknown_name

__all__ = ["BUILT_IN", "GROUPS", "Entry", "Group", "entries", "load", "names"]

Group: TypeAlias = Literal[
    "heads", "encoders", "auxiliary", "readers", "metrics", "policies", "scenarios", "objectives"
]

GROUPS: Mapping[Group, str] = {
    "heads": "head",
    "encoders": "encoder",
    "auxiliary": "auxiliary head",
    "readers": "reader",
    "metrics": "metric",
    "policies": "policy",
    "scenarios": "scenario",
    "objectives": "objective",
}
"""The groups that can be added to, each with the word for one member of it."""

BUILT_IN: Mapping[Group, Mapping[str, str]] = {
    "heads": {  # planner heads: drivevla.planner
        "affordance": "drivevla.planner.heads.affordance:AffordanceHead",
        "cvae": "drivevla.planner.heads.cvae:CvaeHead",
        "diffusion": "drivevla.planner.heads.diffusion:DiffusionHead",
        "flow": "drivevla.planner.heads.flow:FlowHead",
        "regression": "drivevla.planner.heads.regression:RegressionHead",
        "token_autoregressive": "drivevla.planner.heads.token_autoregressive:AutoregressiveTokenHead",
        "token_parallel": "drivevla.planner.heads.token_parallel:ParallelTokenHead",
        "vocabulary": "drivevla.planner.heads.vocabulary:VocabularyHead",
    },
    "encoders": {  # camera and LiDAR encoders: drivevla.perception
        "convolutional": "drivevla.perception.cameras.convolutional:ConvolutionalEncoder",
        "ground": "drivevla.perception.ground:GroundEncoder",
        "language_model": "drivevla.models.backbone.language_model:LanguageBackbone",
        "objects": "drivevla.perception.objects:ObjectQueries",
        "pillars": "drivevla.perception.lidar.pillars:PillarEncoder",
        "pretrained": "drivevla.perception.cameras.pretrained:PretrainedEncoder",
        "raster": "drivevla.perception.lidar.raster:RasterEncoder",
    },
    "auxiliary": {  # heads that only learn beside the planner: drivevla.models.auxiliary
        "boxes": "drivevla.models.auxiliary.boxes:BoxHead",
        "depth": "drivevla.models.auxiliary.dense:DepthHead",
        "ground_grid": "drivevla.models.auxiliary.dense:GroundGridHead",
        "junction_ways": "drivevla.models.auxiliary.dense:JunctionWaysHead",
        "lamps": "drivevla.models.auxiliary.lamps:LampHead",
        "lead": "drivevla.models.auxiliary.traffic:LeadHead",
        "light": "drivevla.models.auxiliary.traffic:LightHead",
        "semantic_grid": "drivevla.models.auxiliary.dense:SemanticGridHead",
    },
    "readers": {  # readers of data sets: drivevla.datasets
        "argoverse2": "drivevla.datasets.argoverse2:Argoverse2Reader",
        "bench2drive": "drivevla.datasets.bench2drive:Bench2DriveReader",
        "comma2k19": "drivevla.datasets.comma2k19:Comma2k19Reader",
        "covla": "drivevla.datasets.covla:CoVLAReader",
        "drivelog": "drivevla.datasets.drivelog:DriveLogReader",
        "nuscenes": "drivevla.datasets.nuscenes:NuScenesReader",
        "shards": "drivevla.datasets.shards:ShardReader",
    },
    "metrics": {  # open-loop protocols: drivevla.evaluation.open_loop
        "admlp": "drivevla.evaluation.open_loop.nuscenes.stp3:ADMLP",
        "argoverse1": "drivevla.evaluation.open_loop.forecasting.argoverse:Argoverse1",
        "argoverse2": "drivevla.evaluation.open_loop.forecasting.argoverse:Argoverse2",
        "bevplanner": "drivevla.evaluation.open_loop.nuscenes.bevplanner:BEVPlanner",
        "commentary": "drivevla.evaluation.open_loop.text.commentary:CommentarySlots",
        "counterfactual": "drivevla.evaluation.open_loop.instructed:CounterfactualEffect",
        "covla": "drivevla.evaluation.open_loop.covla:CoVLA",
        "covla-10": "drivevla.evaluation.open_loop.covla:covla_10",
        "displacement": "drivevla.evaluation.open_loop.displacement:Displacement",
        "dreaming": "drivevla.evaluation.open_loop.dreaming:ActionDreaming",
        "drivelm": "drivevla.evaluation.open_loop.text.drivelm:DriveLM",
        "navsim-v1.1": "drivevla.evaluation.open_loop.navsim.protocol:NavsimV1",
        "navsim-v2": "drivevla.evaluation.open_loop.navsim.protocol:NavsimV2",
        "nuscenes-prediction": "drivevla.evaluation.open_loop.forecasting.nuscenes:NuScenesPrediction",
        "nuscenes-stp3": "drivevla.evaluation.open_loop.nuscenes.stp3:STP3",
        "nuscenes-uniad": "drivevla.evaluation.open_loop.nuscenes.uniad:UniAD",
        "nuscenes-uniad-upto": "drivevla.evaluation.open_loop.nuscenes.uniad:uniad_up_to",
        "nuscenes-vad": "drivevla.evaluation.open_loop.nuscenes.vad:VAD",
        "opendrivevla": "drivevla.evaluation.open_loop.nuscenes.opendrivevla:OpenDriveVLA",
        "parse-failures": "drivevla.evaluation.open_loop.instructed:ParseFailures",
        "refusals": "drivevla.evaluation.open_loop.text.commentary:Refusals",
        "text": "drivevla.evaluation.open_loop.text.captioning:Captioning",
        "text-meteor": "drivevla.evaluation.open_loop.text.captioning:CaptioningWithMeteor",
        "waymo-rfs": "drivevla.evaluation.open_loop.waymo:WaymoRFS",
    },
    "policies": {  # whatever drives: drivevla.policies
        "altered": "drivevla.evaluation.altered:altered_policy",
        "expert": "drivevla.sim.expert:Expert",
        "constant_velocity": "drivevla.policies.constant_velocity:ConstantVelocity",
        "guarded": "drivevla.policies.guarded:guarded_policy",
        "lane_follower": "drivevla.policies.lane_follower:LaneFollower",
        "replay": "drivevla.policies.replay:Replay",
        "stand_still": "drivevla.policies.stand_still:StandStill",
    },
    "scenarios": {  # situations on the road: drivevla.sim
        "Accident": "drivevla.sim.scenarios.obstacles:Accident",
        "AccidentTwoWays": "drivevla.sim.scenarios.obstacles:AccidentTwoWays",
        "BlockedIntersection": "drivevla.sim.scenarios.blocked_junction:BlockedIntersection",
        "ConstructionObstacle": "drivevla.sim.scenarios.construction:ConstructionObstacle",
        "ConstructionObstacleTwoWays": "drivevla.sim.scenarios.construction:ConstructionObstacleTwoWays",
        "ControlLoss": "drivevla.sim.scenarios.control_loss:ControlLoss",
        "CrossJunctionDefectTrafficLight": "drivevla.sim.scenarios.lead_junctions:CrossJunctionDefectTrafficLight",
        "CrossingBicycleFlow": "drivevla.sim.scenarios.bicycle_flow:CrossingBicycleFlow",
        "DynamicObjectCrossing": "drivevla.sim.scenarios.crossing_walkers:DynamicObjectCrossing",
        "EnterActorFlow": "drivevla.sim.scenarios.actor_flows:EnterActorFlow",
        "EnterActorFlowV2": "drivevla.sim.scenarios.actor_flows:EnterActorFlowV2",
        "HardBreakRoute": "drivevla.sim.scenarios.hard_brake:HardBreakRoute",
        "HazardAtSideLane": "drivevla.sim.scenarios.slow_cyclists:HazardAtSideLane",
        "HazardAtSideLaneTwoWays": "drivevla.sim.scenarios.slow_cyclists:HazardAtSideLaneTwoWays",
        "HighwayCutIn": "drivevla.sim.scenarios.cut_ins:HighwayCutIn",
        "HighwayExit": "drivevla.sim.scenarios.actor_flows:HighwayExit",
        "InterurbanActorFlow": "drivevla.sim.scenarios.actor_flows:InterurbanActorFlow",
        "InterurbanAdvancedActorFlow": "drivevla.sim.scenarios.actor_flows:InterurbanAdvancedActorFlow",
        "InvadingTurn": "drivevla.sim.scenarios.invading_turn:InvadingTurn",
        "MergerIntoSlowTraffic": "drivevla.sim.scenarios.actor_flows:MergerIntoSlowTraffic",
        "MergerIntoSlowTrafficV2": "drivevla.sim.scenarios.actor_flows:MergerIntoSlowTrafficV2",
        "NonSignalizedJunctionLeftTurn": "drivevla.sim.scenarios.junction_turns:NonSignalizedJunctionLeftTurn",
        "NonSignalizedJunctionLeftTurnEnterFlow": (
            "drivevla.sim.scenarios.bench2drive_turns:NonSignalizedJunctionLeftTurnEnterFlow"
        ),
        "NonSignalizedJunctionRightTurn": "drivevla.sim.scenarios.junction_turns:NonSignalizedJunctionRightTurn",
        "OppositeVehicleRunningRedLight": "drivevla.sim.scenarios.opposite_vehicle:OppositeVehicleRunningRedLight",
        "OppositeVehicleTakingPriority": "drivevla.sim.scenarios.opposite_vehicle:OppositeVehicleTakingPriority",
        "ParkedObstacle": "drivevla.sim.scenarios.obstacles:ParkedObstacle",
        "ParkedObstacleTwoWays": "drivevla.sim.scenarios.obstacles:ParkedObstacleTwoWays",
        "ParkingCrossingPedestrian": "drivevla.sim.scenarios.crossing_walkers:ParkingCrossingPedestrian",
        "ParkingCutIn": "drivevla.sim.scenarios.cut_ins:ParkingCutIn",
        "ParkingExit": "drivevla.sim.scenarios.parking_exit:ParkingExit",
        "PedestrianCrossing": "drivevla.sim.scenarios.crossing_walkers:PedestrianCrossing",
        "PriorityAtJunction": "drivevla.sim.scenarios.blocked_junction:PriorityAtJunction",
        "RedLightWithoutLeadVehicle": "drivevla.sim.scenarios.lead_junctions:RedLightWithoutLeadVehicle",
        "SequentialLaneChange": "drivevla.sim.scenarios.bench2drive_turns:SequentialLaneChange",
        "SignalizedJunctionLeftTurn": "drivevla.sim.scenarios.junction_turns:SignalizedJunctionLeftTurn",
        "SignalizedJunctionLeftTurnEnterFlow": (
            "drivevla.sim.scenarios.bench2drive_turns:SignalizedJunctionLeftTurnEnterFlow"
        ),
        "SignalizedJunctionRightTurn": "drivevla.sim.scenarios.junction_turns:SignalizedJunctionRightTurn",
        "StaticCutIn": "drivevla.sim.scenarios.cut_ins:StaticCutIn",
        "T_Junction": "drivevla.sim.scenarios.bench2drive_turns:T_Junction",
        "VanillaNonSignalizedTurn": "drivevla.sim.scenarios.bench2drive_turns:VanillaNonSignalizedTurn",
        "VanillaNonSignalizedTurnEncounterStopsign": (
            "drivevla.sim.scenarios.bench2drive_turns:VanillaNonSignalizedTurnEncounterStopsign"
        ),
        "VanillaSignalizedTurnEncounterGreenLight": (
            "drivevla.sim.scenarios.bench2drive_turns:VanillaSignalizedTurnEncounterGreenLight"
        ),
        "VanillaSignalizedTurnEncounterRedLight": (
            "drivevla.sim.scenarios.bench2drive_turns:VanillaSignalizedTurnEncounterRedLight"
        ),
        "VehicleOpensDoorTwoWays": "drivevla.sim.scenarios.opened_door:VehicleOpensDoorTwoWays",
        "VehicleTurningRoute": "drivevla.sim.scenarios.crossing_behind_turn:VehicleTurningRoute",
        "VehicleTurningRoutePedestrian": "drivevla.sim.scenarios.crossing_behind_turn:VehicleTurningRoutePedestrian",
        "YieldToEmergencyVehicle": "drivevla.sim.scenarios.emergency:YieldToEmergencyVehicle",
    },
    "objectives": {  # training objectives: drivevla.training
        "imitation": "drivevla.training.imitation:Imitation",
        "joint_text": "drivevla.training.text:JointText",
    },
}
"""What ships with DriveVLA: one line a name, ``"regression": "drivevla.planner.regression:RegressionHead"``."""

_PREFIX = "drivevla."


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the table.

    Attributes:
        group: What kind of thing it is, one of ``GROUPS``.
        name: What a configuration calls it.
        target: ``module:attribute`` of the object behind the name.
        origin: The distribution that brings it; "drivevla" for what is built in.
    """

    group: Group
    name: str
    target: str
    origin: str

    def __str__(self) -> str:
        return f"{self.group}/{self.name} ({self.target}, from {self.origin})"


def entries(group: Group) -> tuple[Entry, ...]:
    """Every name of a group, ours and those of installed packages, sorted by name; nothing is imported.

    Raises:
        UnknownName: There is no such group.
        ConfigError: Two packages claim the same name.
    """
    if group not in GROUPS:
        raise unknown_name("registry group", group, GROUPS)
    built_in = [
        Entry(group=group, name=name, target=target, origin="drivevla") for name, target in BUILT_IN[group].items()
    ]
    table: dict[str, Entry] = {}
    for entry in [*built_in, *_plugged_in(group)]:
        rival = table.setdefault(entry.name, entry)
        if rival is not entry:
            raise ConfigError(
                f"two packages claim one name: {rival} and {entry}; uninstall one, or rename its entry point"
            )
    return tuple(table[name] for name in sorted(table))


def names(group: Group) -> tuple[str, ...]:
    """The names of a group, sorted."""
    return tuple(entry.name for entry in entries(group))


def load(group: Group, name: str) -> Any:
    """Import and return the object behind a name.

    Whatever a broken plug-in raises comes out as it is, with its own traceback and a note that names the plug-in.

    Raises:
        UnknownName: The group has no such name; the message holds the nearest match.
        ConfigError: Two packages claim the same name, or the entry is not ``module:attribute``.
    """
    table = {entry.name: entry for entry in entries(group)}
    if name not in table:
        raise _unknown(group, name, table)
    entry = table[name]
    module, _, attribute = entry.target.partition(":")
    if not (module and attribute):
        raise ConfigError(f"{entry} does not name an object: an entry is 'module:attribute'")
    try:
        return EntryPoint(name=name, value=entry.target, group=_PREFIX + group).load()
    except Exception as error:
        error.add_note(f"raised while loading {entry}")
        raise


def _plugged_in(group: Group) -> Iterable[Entry]:
    for point in importlib.metadata.entry_points(group=_PREFIX + group):
        origin = point.dist.name if point.dist else "an unnamed package"
        yield Entry(group=group, name=point.name, target=point.value, origin=origin)


def _unknown(group: Group, name: str, known: Iterable[str]) -> UnknownName:
    error = unknown_name(GROUPS[group], name, known)
    misspelt = _foreign_groups()
    if not misspelt:
        return error
    return UnknownName(
        f"{error}; note that an installed package declares entry points in {', '.join(misspelt)}, which is no group "
        f"of ours: those are {', '.join(_PREFIX + each for each in GROUPS)}"
    )


def _foreign_groups() -> list[str]:
    points = (point for distribution in importlib.metadata.distributions() for point in distribution.entry_points)
    ours = {_PREFIX + group for group in GROUPS}
    return sorted({point.group for point in points if point.group.startswith(_PREFIX) and point.group not in ours})
