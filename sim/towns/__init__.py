"""Our own towns from seeds: road networks, signals and landmarks, written as OpenDRIVE."""
