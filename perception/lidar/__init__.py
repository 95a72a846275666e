"""Points to a grid around the car."""
