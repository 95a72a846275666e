"""Logs of the Argoverse 2 sensor data set as downloaded."""

from drivevla.datasets.argoverse2.reader import Argoverse2Reader

__all__ = ["Argoverse2Reader"]
