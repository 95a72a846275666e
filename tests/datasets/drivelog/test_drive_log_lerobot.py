"""The layout is LeRobot v3's: what its loader asks of the files, written down as checks.

Facts: huggingface/lerobot, ``src/lerobot/datasets``: ``utils.py`` (paths, ``DatasetInfo``), ``io_utils.py``
(``load_nested_dataset``, ``load_tasks``, ``load_episodes``), ``feature_utils.py`` (``get_hf_features_from_features``).
"""

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

INFO_KEYS = {
    "codebase_version", "fps", "features", "total_episodes", "total_frames", "total_tasks", "chunks_size",
    "data_files_size_in_mb", "video_files_size_in_mb", "data_path", "video_path", "robot_type", "splits",
}  # fmt: skip
ALWAYS = {"timestamp": "float32", "frame_index": "int64", "episode_index": "int64", "index": "int64"}


@pytest.fixture(scope="module")
def info(log_root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((log_root / "meta/info.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def episodes(log_root: Path) -> list[dict[str, Any]]:
    paths = sorted((log_root / "meta/episodes").glob("*/*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def frames(log_root: Path) -> Any:
    """Every table under ``data``, by the sorted names of the files, as one."""
    return pa.concat_tables(pq.read_table(path) for path in sorted((log_root / "data").glob("*/*.parquet")))


def test_info_says_what_there_is(info: dict[str, Any], episodes: list[dict[str, Any]], frames: Any) -> None:
    assert set(info) == INFO_KEYS
    assert info["codebase_version"] == "v3.0"
    assert isinstance(info["fps"], int)
    assert info["total_episodes"] == len(episodes) == 3
    assert info["total_frames"] == len(frames) == sum(row["length"] for row in episodes)
    assert info["splits"] == {"train": "0:3"}
    assert info["video_path"] is None  # pictures are kept in the tables
    assert {name: info["features"][name]["dtype"] for name in [*ALWAYS, "task_index"]} == ALWAYS | {
        "task_index": "int64"
    }


def test_every_column_is_a_feature_of_its_type_and_none_is_missing(info: dict[str, Any], frames: Any) -> None:
    assert set(frames.column_names) == set(info["features"])
    for name, feature in info["features"].items():
        kind = frames.schema.field(name).type
        if feature["dtype"] == "image":
            assert kind == pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        elif feature["shape"] == [1]:
            assert str(kind) == {"float32": "float", "int64": "int64"}[feature["dtype"]]
        else:
            assert pa.types.is_fixed_size_list(kind)
            assert kind.list_size == feature["shape"][0] == len(feature["names"])


def test_pictures_are_jpeg_of_the_stated_shape(info: dict[str, Any], frames: Any) -> None:
    for name, feature in info["features"].items():
        if feature["dtype"] == "image":
            with Image.open(io.BytesIO(frames.column(name)[0].as_py()["bytes"])) as picture:
                assert picture.format == "JPEG"
                assert [picture.height, picture.width, 3] == feature["shape"]


def test_frames_are_numbered_through_and_by_episode(frames: Any, episodes: list[dict[str, Any]]) -> None:
    assert frames.column("index").to_pylist() == list(range(len(frames)))
    for number, row in enumerate(episodes):
        rows = frames.slice(row["dataset_from_index"], row["length"])
        assert row["episode_index"] == number
        assert row["dataset_to_index"] - row["dataset_from_index"] == row["length"]
        assert set(rows.column("episode_index").to_pylist()) == {number}
        assert rows.column("frame_index").to_pylist() == list(range(row["length"]))
    assert all(one["dataset_to_index"] == next_["dataset_from_index"] for one, next_ in pairwise(episodes))


def test_an_episode_says_where_its_rows_are(
    log_root: Path, info: dict[str, Any], episodes: list[dict[str, Any]]
) -> None:
    for row in episodes:
        path = info["data_path"].format(chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])
        assert pq.read_metadata(log_root / path).num_rows == row["length"]
        assert {"meta/episodes/chunk_index", "meta/episodes/file_index", "tasks"} <= set(row)


def test_tasks_are_indexed_by_their_words(log_root: Path, frames: Any, episodes: list[dict[str, Any]]) -> None:
    table = pq.read_table(log_root / "meta/tasks.parquet")
    tasks = dict(zip(table.column("task_index").to_pylist(), table.column("task").to_pylist(), strict=True))
    assert sorted(tasks) == list(range(len(tasks)))
    assert json.loads(table.schema.metadata[b"pandas"])["index_columns"] == ["task"]
    assert {tasks[index] for index in frames.column("task_index").to_pylist()} == set(episodes[0]["tasks"])


def test_statistics_are_those_of_the_frames(log_root: Path, info: dict[str, Any], frames: Any) -> None:
    statistics = json.loads((log_root / "meta/stats.json").read_text())
    assert set(statistics) == set(info["features"])
    state = np.array(frames.column("observation.state").to_pylist())
    assert np.allclose(statistics["observation.state"]["mean"], state.mean(axis=0), atol=1e-6)
    assert np.allclose(statistics["observation.state"]["std"], state.std(axis=0), atol=1e-6)
    stamps = np.array(frames.column("timestamp").to_pylist())
    assert statistics["timestamp"]["max"] == pytest.approx([stamps.max()])
    assert statistics["index"]["count"] == [len(frames)]
    picture = statistics["observation.images.front"]
    assert np.shape(picture["mean"]) == (3, 1, 1)
    assert 0.0 <= np.min(picture["min"]) <= np.max(picture["max"]) <= 1.0
