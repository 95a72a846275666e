"""Sensors to tokens: camera and LiDAR encoders, BEV, objects, history and their fusion."""
