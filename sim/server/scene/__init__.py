"""From OpenDRIVE text to what stands in the world: meshes, ground, signals, spawn points, obstacles, walkers' mesh."""
