"""`drivevla score --truth DATASET`: the truth comes from the reader, the predictions from anywhere."""

import json
from pathlib import Path

import numpy as np
import pytest

from drivevla.cli import main
from drivevla.datasets.comma2k19 import Comma2k19Reader
from drivevla.evaluation.open_loop import predictions_from_plans, write_predictions
from drivevla.geometry.covla import enu_from_ecef
from drivevla.policies import ConstantVelocity

ORIGIN_M = np.array([-2_712_470.0, -4_257_690.0, 3_885_650.0])


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """Four seconds due east at 20 m/s; the device looks along (a quaternion worked out from its axes)."""
    from scipy.spatial.transform import Rotation

    enu, times_s = enu_from_ecef(ORIGIN_M), np.arange(80) / 20.0
    x, y, z, w = Rotation.from_matrix(np.stack([enu[0], -enu[1], -enu[2]], axis=1)).as_quat()
    folder = tmp_path / "data" / "route" / "7" / "global_pose"
    folder.mkdir(parents=True)
    places = ORIGIN_M + np.stack([20.0 * times_s, 0 * times_s, 0 * times_s], axis=1) @ enu
    arrays = {
        "frame_times": times_s,
        "frame_positions": places,
        "frame_orientations": np.tile([w, x, y, z], (80, 1)),
    }
    for name, array in arrays.items():
        with (folder / name).open("wb") as file:
            np.save(file, array)
    return tmp_path / "data"


def test_a_perfect_prediction_of_a_data_set(segment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader = Comma2k19Reader(segment)
    tokens = reader.scenes[0].tokens
    plans = [ConstantVelocity().act(reader.sample(token).observation) for token in tokens]
    write_predictions(tmp_path / "p.npz", predictions_from_plans(tokens, plans))
    command = ["score", "covla", "--predictions", str(tmp_path / "p.npz"), "--truth", str(segment)]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["samples"] == len(tokens) == 21
    assert found["values"]["FDE_2d_59points_m"] == pytest.approx(0.0, abs=0.02)
    assert main([*command, "--split", "val"]) == 2  # the data set has no splits
    assert main(["score", "nuscenes-uniad", *command[2:]]) == 2
    assert "keyframes" in capsys.readouterr().err
