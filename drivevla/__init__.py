"""DriveVLA: the toolkit for driving vision-language-action policies.

Importing this package does nothing but define names: no torch, no carla, no open3d is loaded until something needs it.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
