"""How vehicles and walkers move and what they hit."""
