"""Which way those who come along a lane have been seen to go on, while the ego waits for them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from drivevla.types import LaneTruth

__all__ = ["Habits"]

_SEEN = 2
"""So many, and nobody else otherwise, make a habit."""


class Habits:
    """Remembers through which lane of a junction everybody went from one road to the next."""

    def __init__(self) -> None:
        self._came_by: dict[str, str] = {}
        self._went: defaultdict[str, list[str]] = defaultdict(list)

    def watch(self, names: Sequence[str], lane_ids: Sequence[str | None], lanes: Mapping[str, LaneTruth]) -> None:
        """See where everybody is.

        Args:
            names: Track ids.
            lane_ids: The lane that each follows, None for none.
            lanes: The lanes near.
        """
        for name, lane_id in zip(names, lane_ids, strict=True):
            if lane_id is None or lanes[lane_id].in_junction:
                continue
            before = self._came_by.get(name)
            self._came_by[name] = lane_id
            if before is None or before == lane_id or before not in lanes:
                continue
            through = [
                each
                for each in lanes[before].successors or ()
                if each in lanes and lane_id in (lanes[each].successors or ())
            ]
            self._went[before] += through[:1]

    @property
    def ways(self) -> dict[str, str]:
        """By lane, the one that all who came by it have taken from there, where there were enough of them."""
        return {lane: went[-1] for lane, went in self._went.items() if len(went) >= _SEEN and len(set(went)) == 1}
