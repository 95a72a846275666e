"""The demonstration: type sentences, watch a policy drive them, see what came of each.

==================  ==================================================================================
``config``          what is shown; ``weather`` by everyday words, ``town`` and where the car begins
``drive``           ``run_demo``: one drive, filmed and judged
``conversation``    which sentence is in the policy's ears; ``hearing`` follows one of them to its verdict
``meaning``         what a sentence asks for at a place, for the judge; ``ways`` over the map that do it
``driver``          asks the policy and follows its plans; ``route`` leads privileged policies
``witness``         the car's true pose, for the judge
``diary``           what happened; ``page`` is the report of it, ``screen`` a frame of the film
``audience``        who may watch while it goes on
==================  ==================================================================================
"""

from drivevla.demo.config import DemoConfig, shipped_policy
from drivevla.demo.conversation import Inbox
from drivevla.demo.drive import DemoResult, run_demo

__all__ = ["DemoConfig", "DemoResult", "Inbox", "run_demo", "shipped_policy"]
