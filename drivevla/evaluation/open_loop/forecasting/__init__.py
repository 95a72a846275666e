"""Forecasts in several modes held against the one future that came: nuScenes prediction, Argoverse 1 and 2."""
