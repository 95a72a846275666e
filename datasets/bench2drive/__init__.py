"""Clips of Bench2Drive as downloaded."""

from drivevla.datasets.bench2drive.reader import Bench2DriveReader

__all__ = ["Bench2DriveReader"]
