"""What is done to samples before a batch: one that cannot be read is an error, or counted and left out."""

from drivevla.training.data.skipping import SkippingSamples

__all__ = ["SkippingSamples"]
