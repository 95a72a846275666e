"""CoVLA, full and mini release."""

from drivevla.datasets.covla.reader import CoVLAReader
from drivevla.datasets.covla.weights import inverse_frequency_weights

__all__ = ["CoVLAReader", "inverse_frequency_weights"]
