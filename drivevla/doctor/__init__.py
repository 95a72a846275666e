"""What this machine has and lacks for DriveVLA's main job: driving the embedded simulator by sentences on a CPU.

==============  =======================================================
``finding``     what one check says
``probe``       runs a few lines of Python in a process of their own
``machine``     Python, memory, cores, disk, ports
``packages``    what has to import, encode or cast a ray
``maps``        maps on this machine
``examination`` the table of checks, and which of them are essential
==============  =======================================================
"""

from drivevla.doctor.examination import CHECKS, Check, examine
from drivevla.doctor.finding import Finding, Result

__all__ = ["CHECKS", "Check", "Finding", "Result", "examine"]
