"""Learning: samples to batches, objectives, stages, and a loop that can be killed anywhere."""
