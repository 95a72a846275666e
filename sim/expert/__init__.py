"""The expert: a privileged policy in the class of PDM-Lite, the teacher and the upper anchor. See ``docs/expert.md``.

==================  ==================================================================================
``policy``          ``Expert``: truth in, plan out; asks the parts below in turn
``scene``           everybody else as arrays
``way``             the route ahead at even spacing, places along it, and paths beside it
``shifts``          how far beside the route the car drives, and where
``leaders``         whom to stay behind
``following``       IDM: the speed behind whoever is ahead
``profile``         all that limits the speed, rolled out over time
``forecast``        where everybody will be: bicycle model, and along their lanes
``boxes``           oriented boxes that touch
``stops``           lights, stop and yield signs
``conflicts``       gap acceptance where ways cross or join
``crossers``        walkers and cyclists who cross
``gaps``            whether there is room on the lane beside
``lasting``         what one drives around instead of waiting for it
``obstacles``       what stands in the way, and which ways lead around it
``detours``         when to begin a way around, how long to keep to it, when to give it up
``lane_changes``    when to make the lane changes of the route
``courtesy``        room for emergency vehicles and for oncoming traffic on our side
``wishes``          instructions in force
``narration``       what the car says it does, and why
==================  ==================================================================================
"""

from drivevla.sim.expert.policy import Expert

__all__ = ["Expert"]
