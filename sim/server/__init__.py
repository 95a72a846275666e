"""The embedded simulator: a CPU server that the unmodified CARLA client connects to."""
