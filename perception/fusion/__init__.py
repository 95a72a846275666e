"""Scene and sentence together: from many tokens to the few that the planner reads."""
