"""A package that knows nothing of this repository is really installed, offline, and what it adds is used."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def documented_files() -> dict[str, str]:
    """The files of the worked example: what the page shows is what is tested."""
    blocks = re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return dict(blocks)


def install(package: Path, files: dict[str, str], target: Path) -> None:
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(package)], check=True, capture_output=True, timeout=100)


def run_beside(target: Path, program: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(target)}
    return subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("garage")
    files = {"garage/__init__.py": "", **documented_files()}
    assert set(files) == {"pyproject.toml", "garage/__init__.py", "garage/head.py", "garage/driving.py"}
    install(folder / "source", files, folder / "target")
    return folder / "target"


def test_the_documented_package_is_listed_and_its_policy_and_metric_work(garage: Path) -> None:
    done = run_beside(
        garage,
        """
import json, sys
import numpy as np
from drivevla import registry
from drivevla.config.sensor_rig import load_rig
from drivevla.evaluation.open_loop import OpenLoopTruth, Samples, load_metric, predictions_from_plans
from drivevla.testing import check_metric, check_policy, observations_in_motion
from drivevla.types import Plan

policy = registry.load("policies", "keep_speed")()
plans = check_policy(policy, observations_in_motion(load_rig("nano")))
waypoints = np.zeros((2, 6, 3))
waypoints[0, :, 0] = [0.0, 0.0, 1.0, 2.0, 3.0, 4.0]  # 0, 0, 2, 2, 2, 2 m/s
predictions = predictions_from_plans(["a", "b"], [Plan(waypoints=each, dt_s=0.5) for each in waypoints])
nothing = np.zeros((2, 0, 3))
truth = OpenLoopTruth(tokens=("a", "b"), times_s=np.zeros(0), poses=nothing, valid=np.zeros((2, 0), dtype=bool))
scores = check_metric(load_metric("jerk"), Samples(predictions=predictions, truth=truth))
print(json.dumps({
    "jerk": list(scores.per_sample["jerk_mps3"]),
    "origins": [entry.origin for entry in registry.entries("metrics") if entry.name == "jerk"],
    "heads": registry.names("heads"),
    "text": plans[0].text,
    "torch": "torch" in sys.modules,
}))
""",
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["jerk"] == pytest.approx([8.0, 0.0])  # 0, 4, 0 m/s2 every half second: jerks of 8 and -8 m/s3
    assert found["origins"] == ["drivevla-garage"]
    assert "straight" in found["heads"]
    assert found["text"] == "I keep my speed."
    assert not found["torch"], "listing heads must not import them"


def test_the_documented_head_keeps_the_contract(garage: Path) -> None:
    pytest.importorskip("torch", reason="heads are part of the extra train")
    done = run_beside(
        garage,
        """
import torch
from drivevla import registry
from drivevla.testing import check_head
from drivevla.types import HeadContext, PlanTarget

head = registry.load("heads", "straight")(8).eval()
context = HeadContext(tokens_BSD=torch.randn(3, 5, 8), keep_BS=torch.ones(3, 5, dtype=torch.bool))
valid = torch.ones(3, 16, dtype=torch.bool)
valid[0, 10:] = False
print(*check_head(head, context, PlanTarget(waypoints_BT3=torch.randn(3, 16, 3), valid_BT=valid)))
""",
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "ahead\n"


BROKEN_PACKAGE = {
    "pyproject.toml": """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "drivevla-broken"
version = "0"
[tool.setuptools]
py-modules = ["broken_module", "sound_module"]
[project.entry-points."drivevla.heads"]
explodes = "broken_module:Head"
absent = "sound_module:Nothing"
sound = "sound_module:Head"
pointless = "sound_module"
[project.entry-points."drivevla.head"]
misplaced = "sound_module:Head"
""",
    "broken_module.py": "def assemble():\n    raise ValueError('no engine')\nassemble()\n",
    "sound_module.py": "class Head: ...\n",
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    install(folder / "source", BROKEN_PACKAGE, folder / "target")
    return folder / "target"


def load_beside(target: Path, name: str) -> subprocess.CompletedProcess[str]:
    return run_beside(target, f"from drivevla import registry; print(registry.load('heads', {name!r}))")


def test_a_broken_plug_in_shows_its_own_traceback_and_its_name(broken: Path) -> None:
    done = load_beside(broken, "explodes")

    assert done.returncode == 1
    assert "in assemble" in done.stderr
    assert "ValueError: no engine" in done.stderr
    assert "raised while loading heads/explodes (broken_module:Head, from drivevla-broken)" in done.stderr


def test_a_broken_plug_in_does_not_break_its_neighbours(broken: Path) -> None:
    assert "sound_module.Head" in load_beside(broken, "sound").stdout


def test_a_plug_in_without_the_promised_attribute_is_named(broken: Path) -> None:
    done = load_beside(broken, "absent")

    assert "AttributeError" in done.stderr
    assert "from drivevla-broken" in done.stderr


def test_an_entry_that_names_only_a_module_is_refused(broken: Path) -> None:
    assert "ConfigError: heads/pointless" in load_beside(broken, "pointless").stderr


def test_an_entry_point_in_a_misspelt_group_is_pointed_out(broken: Path) -> None:
    done = load_beside(broken, "misplaced")

    assert "UnknownName" in done.stderr
    assert "declares entry points in drivevla.head, which is no group of ours" in done.stderr


def test_two_packages_with_one_name_are_refused(broken: Path, tmp_path: Path) -> None:
    rival = {
        "pyproject.toml": BROKEN_PACKAGE["pyproject.toml"].replace("drivevla-broken", "drivevla-rival"),
        "sound_module.py": BROKEN_PACKAGE["sound_module.py"],
        "broken_module.py": "",
    }
    install(tmp_path / "source", rival, tmp_path / "target")
    both = f"{broken}{os.pathsep}{tmp_path / 'target'}"

    done = run_beside(Path(both), "from drivevla import registry; registry.names('heads')")

    assert "ConfigError: two packages claim one name" in done.stderr
    assert "drivevla-broken" in done.stderr
    assert "drivevla-rival" in done.stderr
