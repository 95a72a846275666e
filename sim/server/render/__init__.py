"""Sensors by ray casting: cameras, LiDAR, radar, and the look of things."""
