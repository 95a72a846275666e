"""comma2k19: real driving on motorways, the stand-in for CoVLA where that is not at hand."""

from drivevla.datasets.comma2k19.reader import Comma2k19Reader

__all__ = ["Comma2k19Reader"]
