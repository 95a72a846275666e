"""The planner heads: scene tokens to a plan, interchangeable by one name in a recipe.

Every head is ``Head(width, *, steps, dt_s, ego_size, ...)`` and keeps ``drivevla.types.PlannerHead``; their names stand
in ``drivevla.registry``. Nothing is imported here, so that a recipe pays for the head it picks alone.
"""
