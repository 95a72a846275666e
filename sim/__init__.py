"""CARLA: session, routes, scenarios, expert and runner, and the embedded server that speaks CARLA's wire protocol."""
