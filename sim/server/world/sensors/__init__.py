"""Sensors of the world: when each is due, what it measures, and the bytes of its message."""
