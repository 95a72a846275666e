"""What is done to samples between a reader and a batch.

==============  ======================================================================
``skipping``    a sample that cannot be read: an error, or counted and left out
``augmenting``  pictures changed together with their calibration
==============  ======================================================================
"""

from drivevla.training.data.augmenting import Augmentation, AugmentationConfig
from drivevla.training.data.skipping import SkippingSamples

__all__ = ["Augmentation", "AugmentationConfig", "SkippingSamples"]
