"""CARLA's blueprints with true sizes: vehicles, walkers, props, sensors."""
