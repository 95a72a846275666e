"""The agent file as CARLA leaderboard's evaluators load it. Their packages are the user's own copies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

AGENT = Path(__file__).resolve().parents[2] / "drivevla" / "leaderboard_agent" / "drivevla_agent.py"
ROOTS = ("LEADERBOARD_ROOT", "SCENARIO_RUNNER_ROOT")

AS_THE_EVALUATOR_DOES = """
import importlib, json, os, sys
agent, config, track = sys.argv[1:]
sys.path.insert(0, os.path.dirname(agent))
module = importlib.import_module(os.path.basename(agent).split(".")[0])
kind = getattr(module, getattr(module, "get_entry_point")())

from leaderboard.autoagents.agent_wrapper import AgentWrapper, validate_sensor_configuration
instance = kind("localhost", 2000, 0)
instance.setup(config)
sensors = instance.sensors()
validate_sensor_configuration(sensors, instance.track, track)
for sensor in sensors:
    if "opendrive" not in sensor["type"] and "speedometer" not in sensor["type"]:
        AgentWrapper(instance)._preprocess_sensor_spec(sensor)  # every key that theirs reads is there
instance.destroy()
print(json.dumps([instance.track.value, sorted(sensor["id"] for sensor in sensors)]))
"""


def test_the_agent_s_folder_holds_nothing_else() -> None:
    """The evaluators put it first on Python's path: whatever else lay there would hide packages of that name."""
    assert [path.name for path in AGENT.parent.iterdir() if path.name != "__pycache__"] == [AGENT.name]


def with_harness() -> dict[str, str]:
    missing = [name for name in ROOTS if name not in os.environ]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not set: no copy of CARLA leaderboard here (docs/official-harnesses.md)")
    parts = [os.environ.get("PYTHONPATH", ""), *(os.environ[name] for name in ROOTS)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in parts if part)}


def load(config: str, track: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", AS_THE_EVALUATOR_DOES, str(AGENT), config, track]
    return subprocess.run(command, env=with_harness(), capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_evaluator_loads_the_agent_and_accepts_its_sensors(tmp_path: Path) -> None:
    sees = tmp_path / "sees.yaml"
    sees.write_text("policy: constant_velocity\nrig: nano\ntrack: SENSORS\n")
    for config, track, wanted in (
        ("lane_follower", "MAP", ["gnss", "imu", "map", "speed"]),
        (str(sees), "SENSORS", ["camera_front", "camera_left", "camera_right", "gnss", "imu", "lidar", "speed"]),
    ):
        done = load(config, track)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1]) == [track, wanted]


@pytest.mark.slow
def test_the_wrong_track_is_the_evaluator_s_to_refuse() -> None:
    done = load("lane_follower", "SENSORS")
    assert done.returncode != 0
    assert "wrong track" in done.stderr
