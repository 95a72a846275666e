"""Tokens to plan: the planner heads, decoding, safety, and from plan to vehicle control."""
