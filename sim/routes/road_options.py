"""CARLA's road options: what a planned route asks for at each point."""

from enum import IntEnum

from drivevla.types import Command

__all__ = ["LANE_CHANGES", "RoadOption"]


class RoadOption(IntEnum):
    """The numbers of ``agents.navigation.local_planner.RoadOption`` (CARLA 0.9.16); data sets store them."""

    VOID = -1
    LEFT = 1
    RIGHT = 2
    STRAIGHT = 3
    LANEFOLLOW = 4
    CHANGELANELEFT = 5
    CHANGELANERIGHT = 6

    @property
    def command(self) -> Command:
        """The same as the contract that a policy hears; what is void asks for nothing but to go on."""
        return _COMMANDS[self]


LANE_CHANGES = (RoadOption.CHANGELANELEFT, RoadOption.CHANGELANERIGHT)

_COMMANDS = {
    RoadOption.VOID: Command.LANE_FOLLOW,
    RoadOption.LEFT: Command.LEFT,
    RoadOption.RIGHT: Command.RIGHT,
    RoadOption.STRAIGHT: Command.STRAIGHT,
    RoadOption.LANEFOLLOW: Command.LANE_FOLLOW,
    RoadOption.CHANGELANELEFT: Command.CHANGE_LANE_LEFT,
    RoadOption.CHANGELANERIGHT: Command.CHANGE_LANE_RIGHT,
}
