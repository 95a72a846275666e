"""CARLA 0.9.16's wire protocol: MessagePack-RPC, streams and packed structs."""
