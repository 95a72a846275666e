"""The model: perception, language and planner joined, and what it needs to learn and to be stored."""
