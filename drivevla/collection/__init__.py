"""Collects training data: the expert drives generated towns and what it sees, does and would do is written down.

==================  =================================================================================
``config``          what a collection is made of: towns, routes, traffic, words, what is kept
``routes``          the routes of a town, with weather, traffic, words and scenarios, all from seeds
``drive``           one route driven and written
``disturbing``      pushes at the wheel, so that there is something to recover from
``keeping``         which captures become frames
``labels``          from the expert's plan to what is learnt
``other_ways``      the ways that the route does not take at the next junction
``alternatives``    what would follow if something else were asked for
``walkers``         people on the pavements
``job``, ``child``  one town, driven in a process of its own
``runner``          all towns, several at once, resumable
``coverage``        what a collection holds
==================  =================================================================================
"""
