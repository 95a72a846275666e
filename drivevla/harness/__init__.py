"""Driving inside evaluators that others wrote: CARLA leaderboard 1.0 and 2.x, Bench2Drive.

==================  ==============================================================================
``config``          ``AgentConfig``: which policy drives, on which track, with which sensors
``driver``          ``HarnessDriver``: their readings in, ``carla.VehicleControl`` out
``sensor_list``     the sensors that they are asked for, within their limits
``given_route``     the route as they give it, as our plans
``geodesy``         from satellite fixes to the map's metres, with and without the map
``world_view``      the truth, for privileged policies
==================  ==============================================================================

The file that the evaluators load is ``drivevla/leaderboard_agent/drivevla_agent.py``; it holds what needs their base
class and nothing else.
"""
