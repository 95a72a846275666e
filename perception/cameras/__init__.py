"""Pictures to tokens that know where in the car's world they look."""
