"""The demonstration: as much of the main job as exists, on any machine, with something to look at."""

from drivevla.demo.drive import DemoConfig, run_demo

__all__ = ["DemoConfig", "run_demo"]
