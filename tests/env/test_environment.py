"""The environment keeps Gymnasium's contract, pays the driving score, and leaves no simulator behind."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError, ContractError

gymnasium = pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")
pytest.importorskip("carla", reason="the extra 'sim' is not installed")

SMALL: dict[str, Any] = {"map_name": "Gen_tee_1", "rig": "front", "route_length_m": (40.0, 60.0)}


@pytest.fixture
def env() -> Iterator[Any]:
    made = gymnasium.make("drivevla.env:DriveVLA-v0", render_mode="rgb_array", **SMALL)
    yield made
    made.close()


def test_an_action_is_pedals_and_wheel() -> None:
    from drivevla.env.spaces import control_of

    gas = control_of(np.array([0.5, -0.25]))
    assert (gas.throttle, gas.brake, gas.steering) == (0.5, 0.0, -0.25)
    braked = control_of(np.array([-1.0, 1.0]))
    assert (braked.throttle, braked.brake, braked.steering) == (0.0, 1.0, 1.0)
    for bad in ([0.5], [0.5, 1.5], [np.nan, 0.0]):
        with pytest.raises(ContractError, match="two numbers"):
            control_of(np.array(bad))


def test_every_sensor_of_a_rig_has_its_place() -> None:
    from drivevla.env.spaces import observation_space

    space = observation_space(load_rig("nano"))
    assert space["camera_left"].shape == (128, 256, 3)
    assert space["lidar"].shape == (32 * 720, 3)
    assert "lidar" not in observation_space(load_rig("front")).spaces


def test_what_cannot_be_driven_is_refused_before_a_simulator_starts() -> None:
    from drivevla.env import DriveEnv

    with pytest.raises(ConfigError, match="max_seconds"):
        DriveEnv(max_seconds=0.0)
    with pytest.raises(ConfigError, match="rgb_array"):
        DriveEnv(render_mode="human")
    with pytest.raises(ConfigError, match="no route on Gen_tee_1"):
        DriveEnv(map_name="Gen_tee_1", routes="generated_20")


def test_the_return_is_the_driving_score_and_nothing_is_left_running(env: Any) -> None:
    others = _children()  # servers of other tests in this process
    observation, info = env.reset(seed=3)
    assert observation in env.observation_space
    assert info["backend"].startswith("embedded")
    paid = 0.0
    for _ in range(20):
        observation, reward, terminated, truncated, info = env.step(np.array([0.6, 0.0], dtype=np.float32))
        paid += reward
        assert not terminated
        assert not truncated
    assert info["driving_score"] > 5.0
    assert paid == pytest.approx(info["driving_score"])
    assert observation["ego"][0] > 3.0
    assert env.render().shape[2] == 3
    servers = _children() - others
    assert servers
    env.close()
    assert not servers & _children()


def test_without_an_episode_there_is_nothing_to_step_or_see() -> None:
    from drivevla.env import DriveEnv

    env = DriveEnv(render_mode="rgb_array", **SMALL)
    with pytest.raises(ContractError, match="reset first"):
        env.step(np.zeros(2, dtype=np.float32))
    with pytest.raises(ContractError, match="reset first"):
        env.render()
    env.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_example_of_the_docs_runs() -> None:
    page = (Path(__file__).parents[2] / "docs/gym.md").read_text(encoding="utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    assert "gymnasium.make" in example
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    assert "driving score" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_gymnasiums_own_checker_is_content() -> None:
    from gymnasium.utils.env_checker import check_env

    env = gymnasium.make("drivevla.env:DriveVLA-v0", render_mode="rgb_array", **SMALL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*different render modes.*")
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


def _children() -> set[int]:
    listed = subprocess.run(["ps", "-o", "pid=,ppid=", "-A"], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    known = subprocess.run(["ps", "-o", "pid=,args=", "-A"], capture_output=True, text=True, check=True).stdout
    servers = {int(line.split()[0]) for line in known.splitlines() if "drivevla.sim.server" in line}
    return {pid for pid, parent in pairs if parent == os.getpid()} & servers
