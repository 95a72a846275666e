"""Closed-loop evaluation: routes are driven in a simulator, recorded tick by tick, and scored.

================  ==========================================================================
``guidance``      what the policy may hear, by name
``driver``        guides and asks the policy, follows its plans
``town``          the map of a drive
``world``         what the criteria are told of a CARLA world: lights, signs, traffic, the ego
``way``           the route as the judge needs it; ``setting`` all that stays the same in a drive
``record``        the table of ticks; ``pictures`` what it looked like
``instructions``  what was said, and whether it was done; ``telling`` retells a tick
``episode``       one route from start to end; ``outcome`` what came of it, ``events`` where
``child``         the process that drives one route
``watch``         starts that process, watches it, ends it when it hangs
``workers``       drives here, or on the workers of a Ray cluster
``runner``        all routes and repetitions, resumable
``rescore``       the records of a run under other rules
``summary``       mean, spread and confidence over the repetitions
================  ==========================================================================
"""
