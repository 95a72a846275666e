"""Parametric bodies of everything that moves: vehicles, riders, walkers, props; and their placing in a frame."""
