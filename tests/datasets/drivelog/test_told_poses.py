"""Where the car was when it first heard what it hears, from the rows of an episode."""

import numpy as np
import pytest

from drivevla.datasets.drivelog.rows import told_poses


def _row(sentence: str | None, x_m: float, y_m: float, yaw_rad: float) -> dict[str, object]:
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return {"sentence": sentence, "world_from_ego": [cos, -sin, 0, x_m, sin, cos, 0, y_m, 0, 0, 1, 0]}


def test_it_is_the_first_of_the_frames_that_have_the_sentence_one_after_the_other() -> None:
    rows = [
        _row(None, 0.0, 0.0, 0.0),
        _row("left", 2.0, 0.0, 0.0),
        _row("left", 12.0, 0.0, 0.0),
        _row("left", 12.0, 5.0, np.pi / 2),  # it turned left: where it heard it lies behind and on its left
        _row("on", 12.0, 9.0, np.pi / 2),
        _row("left", 12.0, 10.0, np.pi / 2),
    ]
    none, *told = told_poses(rows)
    assert none is None
    wanted = [[0, 0, 0], [-10, 0, 0], [-5, 10, -np.pi / 2], [0, 0, 0], [0, 0, 0]]
    assert np.array(told).ravel().tolist() == pytest.approx(np.array(wanted).ravel(), abs=1e-4)


def test_an_episode_without_frames_has_no_such_places() -> None:
    assert told_poses([]) == []
