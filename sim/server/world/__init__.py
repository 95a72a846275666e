"""The simulated world: episodes, actors, lights, weather and the tick."""
