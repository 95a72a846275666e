"""Training shards: a drive log as few flat files, for machines that have only torch, NumPy and Pillow.

===============  ============================================================
``record``       one sample as bytes
``shard_file``   many records in one file
``packing``      from a drive log to shards
``reader``       ``ShardReader``
===============  ============================================================
"""

from drivevla.datasets.shards.reader import ShardReader

__all__ = ["ShardReader"]
