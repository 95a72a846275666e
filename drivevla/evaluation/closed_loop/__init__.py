"""Closed-loop evaluation: routes are driven in a simulator, recorded tick by tick, and scored.

==============  ==========================================================================
``driver``      asks the policy, follows its plans
``world``       what the criteria are told of a CARLA world: lights, signs, traffic, the ego
``way``         the route as the judge, the policy and the expert need it
``record``      the table of ticks
``episode``     one route from start to end
``child``       the process that drives one route
``watch``       starts that process, watches it, ends it when it hangs
``runner``      all routes and repetitions, resumable
``summary``     mean, spread and confidence over the repetitions
==============  ==========================================================================
"""
