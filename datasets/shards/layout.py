"""Names that writing and reading shards share."""

__all__ = ["FORMAT", "INDEX", "LARGEST_SHARD_BYTES"]

INDEX = "shards.json"
FORMAT = 2
LARGEST_SHARD_BYTES = 16_000_000
