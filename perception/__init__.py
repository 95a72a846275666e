"""Sensors to tokens: camera and LiDAR encoders, BEV, history and their fusion.

Each encoder turns a ``drivevla.types.SensorBatch`` into tokens (or a grid around the car); fusion makes of them the few
tokens that the planner reads. Nothing is imported here, so that a recipe pays for the parts it picks alone.
"""
