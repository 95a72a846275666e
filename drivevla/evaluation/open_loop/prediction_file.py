"""Prediction files: one row a pose, as Parquet or as an npz of plain columns.

Columns: ``token`` (text), ``t_s``, ``x``, ``y``, ``yaw`` (ego frame under the rear axle at the sample's time, metres
and radians), and where wanted ``z``, ``mode`` (0, 1, ...), ``score`` (of the mode), ``text`` and ``refused`` (of the
sample; true, false, 1 or 0) and ``frame`` ("ego" in every row: a file in another frame can say so and is refused). An
answer without a plan is one row whose ``t_s``, ``x``, ``y`` and ``yaw`` are all null (NaN). Nothing else may be
missing, and no pose may come twice.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError, DataError, require
from drivevla.evaluation.open_loop.predictions import Predictions

__all__ = ["read_columns", "read_predictions", "write_predictions"]

_NEEDED = ("token", "t_s", "x", "y", "yaw")
_OPTIONAL = ("z", "mode", "score", "text", "refused", "frame")
_TIMES_AGREE_S = 1e-5  # single precision seconds


def read_predictions(path: Path) -> Predictions:
    """Read a prediction file.

    Raises:
        DataError: The file cannot be read, lacks a column, is in another frame, holds NaN or infinite numbers, holds a
            pose twice, or its plans differ in their times or their number of modes.
    """
    columns = read_columns(path)
    unknown = sorted(set(columns) - {*_NEEDED, *_OPTIONAL})
    missing = [name for name in _NEEDED if name not in columns]
    if missing or unknown:
        raise DataError(
            f"{path} lacks {missing} and has {unknown} besides; a prediction file has {list(_NEEDED)} "
            f"and may have {list(_OPTIONAL)}"
        )
    try:
        return _assembled(columns)
    except (ContractError, DataError) as error:
        raise DataError(f"{path}: {error}") from error


def read_columns(path: Path) -> dict[str, NDArray[Any]]:
    """The columns of a Parquet file, or the arrays of an npz without objects. Null texts come as "", numbers as NaN.

    Raises:
        DataError: There is no such file, it is neither of the two, or it is damaged.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
            raise DataError(f"{path} is no readable npz without objects: {error}") from error
    if path.suffix == ".parquet":
        return _parquet_columns(path)
    raise DataError(f"{path} must end in .parquet or .npz")


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a prediction file; ``read_predictions`` gives the same predictions back.

    Raises:
        DataError: The name ends neither in .parquet nor in .npz.
    """
    columns = _flat(predictions)
    if path.suffix == ".npz":
        with path.open("wb") as file:
            np.savez_compressed(file, **columns)
    elif path.suffix == ".parquet":
        require("pyarrow", "data")
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({name: pa.array(column.tolist()) for name, column in columns.items()})
        pq.write_table(table, path)
    else:
        raise DataError(f"{path} must end in .parquet or .npz")


def _parquet_columns(path: Path) -> dict[str, NDArray[Any]]:
    require("pyarrow", "data")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is no readable Parquet file: {error}") from error
    columns = {}
    for name in table.column_names:
        values = table.column(name).combine_chunks()
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            columns[name] = np.array([text if text is not None else "" for text in values.to_pylist()], dtype=np.str_)
        else:
            columns[name] = values.to_numpy(zero_copy_only=False)
    return columns


def _assembled(columns: dict[str, NDArray[Any]]) -> Predictions:
    token = _texts("token", columns["token"])
    rows = len(token)
    numbers: dict[str, NDArray[np.float64]] = {
        name: _numbers(name, columns[name], rows) for name in ("t_s", "x", "y", "yaw", "z") if name in columns
    }
    mode = _whole(columns["mode"], rows) if "mode" in columns else np.zeros(rows, dtype=np.int64)
    score = _numbers("score", columns["score"], rows) if "score" in columns else None
    _check_frame(columns, rows)
    tokens, sample = _by_first_appearance(token)
    absent = np.isnan(numbers["t_s"])
    _check_finite(numbers, token, absent)
    planned = np.zeros(len(tokens), dtype=np.bool_)
    planned[sample[~absent]] = True
    _check_alone(sample, absent, tokens)
    order = np.lexsort((numbers["t_s"], mode, sample))
    order = order[~absent[order]]
    times, modes = _grid(numbers["t_s"][order], mode[order], sample[order], tokens, planned)
    shape = (int(planned.sum()), modes, len(times))
    poses = np.full((len(tokens), modes, len(times), 3), np.nan)
    poses[planned] = np.stack([numbers[name][order].reshape(shape) for name in ("x", "y", "yaw")], axis=-1)
    heights = None
    if "z" in numbers:
        heights = np.full(poses.shape[:3], np.nan)
        heights[planned] = numbers["z"][order].reshape(shape)
    scores = np.full(poses.shape[:2], 1.0 / max(modes, 1))
    if score is not None and planned.any():
        scores[planned] = _one_a_mode(score[order].reshape(shape))
    elif score is None and modes > 1:
        raise DataError(f"the plans have {modes} modes and no column score; say which is the likeliest")
    return Predictions(
        tokens=tokens,
        times_s=times,
        poses=poses,
        scores=scores,
        planned=planned,
        texts=_text_of_samples(columns, sample, len(tokens), rows),
        heights_m=heights,
        refused=_refusals_of_samples(columns, sample, tokens, rows),
    )


def _texts(name: str, column: NDArray[Any]) -> NDArray[np.str_]:
    if column.ndim != 1 or not np.issubdtype(column.dtype, np.str_):
        raise DataError(f"the column {name} must be texts, got {column.dtype} of shape {column.shape}")
    return column


def _numbers(name: str, column: NDArray[Any], rows: int) -> NDArray[np.float64]:
    if column.shape != (rows,) or not np.issubdtype(column.dtype, np.number):
        raise DataError(f"the column {name} must be {rows} numbers, got {column.dtype} of shape {column.shape}")
    return column.astype(np.float64)


def _whole(column: NDArray[Any], rows: int) -> NDArray[np.int64]:
    values = _numbers("mode", column, rows)
    if not np.isfinite(values).all() or (values != np.floor(values)).any() or (values < 0).any():
        raise DataError("the column mode must hold 0, 1, ...")
    return values.astype(np.int64)


def _check_frame(columns: dict[str, NDArray[Any]], rows: int) -> None:
    if "frame" not in columns:
        return
    others = sorted(set(_texts("frame", np.atleast_1d(columns["frame"])).tolist()) - {"ego"})
    if others or columns["frame"].shape not in {(), (rows,)}:
        raise DataError(
            f"the poses are in the frame {others}; 'ego' is accepted: x forward, y left, at the rear axle where the "
            "sample is; drivevla.geometry converts"
        )


def _by_first_appearance(token: NDArray[np.str_]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    names, first, inverse = np.unique(token, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return tuple(names[order].tolist()), rank[inverse]


def _check_finite(numbers: dict[str, NDArray[np.float64]], token: NDArray[np.str_], absent: NDArray[np.bool_]) -> None:
    for name, column in numbers.items():
        wrong = np.where(absent, ~np.isnan(column), ~np.isfinite(column))
        if wrong.any():
            raise DataError(
                f"{name} is NaN, null or infinite in {int(wrong.sum())} rows, such as one of {token[wrong][0]!r}; an "
                "answer without a plan has none of t_s, x, y, yaw and z"
            )


def _check_alone(sample: NDArray[np.intp], absent: NDArray[np.bool_], tokens: tuple[str, ...]) -> None:
    with_rows = np.bincount(sample[absent], minlength=len(tokens))
    with_poses = np.bincount(sample[~absent], minlength=len(tokens))
    wrong = (with_rows > 1) | ((with_rows > 0) & (with_poses > 0))
    if wrong.any():
        raise DataError(f"{tokens[int(np.argmax(wrong))]!r} has a row without a plan beside other rows")


def _grid(
    t_s: NDArray[np.float64],
    mode: NDArray[np.int64],
    sample: NDArray[np.intp],
    tokens: tuple[str, ...],
    planned: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], int]:
    if not len(t_s):
        return np.zeros(0), 1
    same = (np.diff(sample) == 0) & (np.diff(mode) == 0) & (np.diff(t_s) <= _TIMES_AGREE_S)
    if same.any():
        row = int(np.argmax(same))
        raise DataError(f"{tokens[sample[row]]!r} has two poses at {t_s[row]:g} s of mode {mode[row]}")
    length = int(np.argmax(np.append((np.diff(sample) != 0) | (np.diff(mode) != 0), True))) + 1
    modes = int(np.sum(sample == sample[0])) // length
    if len(t_s) == int(planned.sum()) * modes * length:
        times = t_s.reshape(-1, length)
        agree = np.abs(times - times[0]).max() <= _TIMES_AGREE_S
        expected = np.broadcast_to(np.arange(modes)[:, None], (int(planned.sum()), modes, length))
        samples = sample.reshape(-1, modes * length)
        if agree and np.array_equal(mode.reshape(expected.shape), expected) and (samples == samples[:, :1]).all():
            return times[0], modes
    first = tokens[sample[0]]
    raise DataError(
        f"every sample must have the same times and the modes 0 to K - 1; {first!r} has {modes} modes of {length} "
        "poses and another sample differs"
    )


def _one_a_mode(score: NDArray[np.float64]) -> NDArray[np.float64]:
    if not np.isfinite(score).all() or (np.ptp(score, axis=-1) > 0).any():
        raise DataError("score must be a finite number and the same in every row of a mode")
    return score[..., 0]


def _text_of_samples(
    columns: dict[str, NDArray[Any]], sample: NDArray[np.intp], count: int, rows: int
) -> tuple[str | None, ...]:
    if "text" not in columns:
        return (None,) * count
    text = _texts("text", columns["text"])
    if len(text) != rows:
        raise DataError(f"the column text must have {rows} rows, got {len(text)}")
    found: list[str | None] = [None] * count
    for index, words in zip(sample.tolist(), text.tolist(), strict=True):
        if words and found[index] not in (None, words):
            raise DataError("one sample has two different texts")
        found[index] = words or found[index]
    return tuple(found)


def _refusals_of_samples(
    columns: dict[str, NDArray[Any]], sample: NDArray[np.intp], tokens: tuple[str, ...], rows: int
) -> NDArray[np.bool_] | None:
    if "refused" not in columns:
        return None
    column = columns["refused"]
    if column.dtype == np.bool_:
        column = column.astype(np.float64)
    values = _numbers("refused", column, rows)
    if not np.isin(values, (0.0, 1.0)).all():
        raise DataError("the column refused must hold true or false (1 or 0) in every row")
    refused = np.zeros(len(tokens), dtype=np.bool_)
    refused[sample] = values == 1.0
    differ = refused[sample] != (values == 1.0)
    if differ.any():
        raise DataError(f"{tokens[sample[int(np.argmax(differ))]]!r} is refused in one row and not in another")
    return refused


def _flat(predictions: Predictions) -> dict[str, NDArray[Any]]:
    modes, steps = predictions.poses.shape[1:3]
    planned = np.flatnonzero(predictions.planned)
    alone = np.flatnonzero(~predictions.planned)
    per_sample = modes * steps
    sample = np.concatenate([np.repeat(planned, per_sample), alone])
    nothing = np.full(len(alone), np.nan)
    poses = predictions.poses[planned].reshape(-1, 3)
    texts = np.array([text or "" for text in predictions.texts], dtype=np.str_)
    mode = np.concatenate([np.tile(np.repeat(np.arange(modes), steps), len(planned)), np.zeros(len(alone), np.int64)])
    columns: dict[str, NDArray[Any]] = {
        "token": np.array(predictions.tokens, dtype=np.str_)[sample],
        "t_s": np.concatenate([np.tile(predictions.times_s, len(planned) * modes), nothing]),
        **{name: np.concatenate([poses[:, axis], nothing]) for axis, name in enumerate(("x", "y", "yaw"))},
        "mode": mode,
        "score": predictions.scores[sample, mode],
        "text": texts[sample],
        "frame": np.full(len(sample), "ego"),
    }
    if predictions.refused is not None:
        columns["refused"] = predictions.refused[sample]
    if predictions.heights_m is not None:
        columns["z"] = np.concatenate([predictions.heights_m[planned].reshape(-1), nothing])
    return columns
