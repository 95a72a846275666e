"""Look into a data set as downloaded, film it, check it, split it, convert it, and pack a drive log for training.

Examples:
  drivevla data info /data/nuscenes
  drivevla data preview /data/nuscenes --out sheets --count 6
  drivevla data film logs/nano films --count 2
  drivevla data validate /data/CoVLA
  drivevla data info /data/logs --dataset my_reader
  drivevla data split logs/nano splits.json --by town --shares train=0.9 val=0.1
  drivevla data convert logs/keyframes exported
  drivevla data pack logs/nano shards/nano --splits splits.json --split train

The exit code of `validate` is 0 where nothing is wrong and 1 where something is. `convert` writes
nuScenes' layout, which the devkit loads. Formats and readers: docs/data.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from drivevla.cli.parser import Parser
from drivevla.errors import UserError

if TYPE_CHECKING:
    from drivevla.types import Reader

__all__ = ["add_arguments", "run"]

_FAULTS_SHOWN = 50
Thing = TypeVar("Thing")


def add_arguments(parser: Parser) -> None:
    """The words and options after `drivevla data`."""
    parser.add_argument("action", choices=["convert", "film", "info", "pack", "preview", "split", "validate"])
    parser.add_argument("root", type=Path, metavar="DIR", help="the data set's folder")
    parser.add_argument(
        "target", type=Path, nargs="?", metavar="OUT", help="of pack, convert and film: a folder; of split: a file"
    )
    parser.add_argument("--dataset", metavar="NAME", help="which reader (found from the files)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where preview writes its sheets")
    parser.add_argument("--count", type=int, default=4, metavar="N", help="how many sheets or films, spread evenly (4)")
    parser.add_argument("--token", metavar="TOKEN", help="preview this sample")
    parser.add_argument(
        "--by", choices=["town", "scene", "log"], default="town", help="what a split keeps together (town)"
    )
    parser.add_argument("--shares", nargs="+", metavar="NAME=SHARE", default=["train=0.9", "val=0.1"], help="of split")
    parser.add_argument("--seed", type=int, default=0, help="of split (0)")
    parser.add_argument(
        "--splits", type=Path, metavar="FILE", help="of pack: what split wrote; without it, all is packed"
    )
    parser.add_argument("--split", default="train", metavar="NAME", help="of pack with --splits: which one (train)")
    parser.add_argument("--all", action="store_true", help=f"name every fault, not the first {_FAULTS_SHOWN}")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for."""
    from drivevla.datasets.opening import open_dataset, reader_class

    if arguments.action == "validate":
        return _validate(reader_class(arguments.root, arguments.dataset), arguments.root, show_all=arguments.all)
    reader = open_dataset(arguments.root, arguments.dataset)
    if arguments.action == "info":
        print(_info(reader))
        return 0
    writers = {"convert": _convert, "film": _film, "pack": _pack, "split": _split}
    if arguments.action in writers:
        if arguments.target is None:
            raise UserError(f"{arguments.action} needs OUT: drivevla data {arguments.action} DIR OUT")
        return writers[arguments.action](reader, arguments)
    if arguments.out is None:
        raise UserError("preview needs --out DIR")
    return _preview(reader, arguments.out, arguments.token, arguments.count)


def _info(reader: Reader) -> str:
    samples = sum(len(scene.tokens) for scene in reader.scenes)
    size = getattr(reader, "stored_bytes", None)  # our own formats know it
    stated = "" if size is None else f", {size / 1e6:.1f} MB, {size / max(samples, 1):,.0f} bytes a sample"
    lines = [f"{reader.dataset}: {len(reader.scenes)} scenes, {samples} samples{stated}"]
    by_split = Counter[str]()
    for scene in reader.scenes:
        by_split[scene.split or "no split"] += len(scene.tokens)
    lines += [f"  {split}: {count} samples" for split, count in sorted(by_split.items())]
    for scene in reader.scenes[:20]:
        words = (scene.name, f"{len(scene.tokens)} samples", scene.map_name or "", scene.description or "")
        lines.append("    " + "  ".join(word for word in words if word))
    if len(reader.scenes) > 20:
        lines.append(f"    and {len(reader.scenes) - 20} more")
    return "\n".join(lines)


def _split(reader: Reader, arguments: argparse.Namespace) -> int:
    import json

    from drivevla.datasets.splitting import split_scenes

    shares = {}
    for pair in arguments.shares:
        name, _, share = pair.partition("=")
        try:
            shares[name] = float(share)
        except ValueError as error:
            raise UserError(f"--shares takes NAME=SHARE, got {pair!r}") from error
    split = split_scenes(reader, by=arguments.by, shares=shares, seed=arguments.seed)
    about = {"dataset": reader.dataset, "by": arguments.by, "shares": shares, "seed": arguments.seed}
    arguments.target.write_text(json.dumps({**about, "splits": split}, indent=1, ensure_ascii=False), encoding="utf-8")
    frames = {scene.name: len(scene.tokens) for scene in reader.scenes}
    for name, scenes in split.items():
        print(f"{name}: {len(scenes)} scenes, {sum(frames[scene] for scene in scenes)} samples")
    return 0


def _convert(reader: Reader, arguments: argparse.Namespace) -> int:
    from drivevla.datasets.nuscenes.export import EXPORT_VERSION, export_nuscenes

    keyframes = export_nuscenes(reader, arguments.target)
    print(f"{keyframes} keyframes in {arguments.target / EXPORT_VERSION}")
    return 0


def _film(reader: Reader, arguments: argparse.Namespace) -> int:
    from drivevla.report.dataset_film import film_scene

    arguments.target.mkdir(parents=True, exist_ok=True)
    for scene in _evenly(reader.scenes, arguments.count):
        path = arguments.target / f"{_file_name(scene.name)}.mp4"
        print(f"{path}: {film_scene(reader, scene, path)} frames")
    return 0


def _pack(reader: Reader, arguments: argparse.Namespace) -> int:
    from drivevla.datasets.drivelog import DriveLogReader
    from drivevla.datasets.shards.packing import pack_drive_log
    from drivevla.datasets.splitting import read_split

    if not isinstance(reader, DriveLogReader):
        raise UserError(f"only drive logs are packed, {arguments.root} is {reader.dataset}")
    scenes = None if arguments.splits is None else read_split(arguments.splits, arguments.split, reader.scenes)
    packed = pack_drive_log(reader, arguments.target, scenes=scenes)
    print(
        f"{packed.frames} frames in {packed.shards} shards, {packed.bytes / 1e6:.1f} MB, "
        f"{packed.bytes_per_frame:,.0f} bytes a frame"
    )
    return 0


def _preview(reader: Reader, out: Path, token: str | None, count: int) -> int:
    from drivevla.datasets.preview import preview_sheet
    from drivevla.errors import DataError, require

    tokens = [token] if token else [each for scene in reader.scenes for each in scene.tokens]
    if not tokens:
        raise UserError(f"{reader.dataset} holds no sample")
    out.mkdir(parents=True, exist_ok=True)
    unreadable = 0
    for each in _evenly(tokens, count):
        try:
            sheet = preview_sheet(reader.sample(each))
        except DataError as error:
            unreadable += 1
            print(f"{each}: {error}")
            continue
        path = out / f"{_file_name(each)}.png"
        require("PIL.Image", "data").fromarray(sheet).save(path)
        print(path)
    return 1 if unreadable else 0


def _evenly(things: Sequence[Thing], count: int) -> list[Thing]:
    """So many of them at most, the first and the last among them."""
    import numpy as np

    places = np.linspace(0, len(things) - 1, min(max(count, 1), len(things))).round().astype(int)
    return [things[place] for place in places.tolist()]


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)


def _validate(kind: type[object], root: Path, *, show_all: bool) -> int:
    from drivevla.types import FindsFaults

    if not isinstance(kind, FindsFaults):
        raise UserError(f"{kind.__name__} cannot examine a folder: it has no find_faults")
    counts = Counter[str]()
    for fault in kind.find_faults(root):
        counts[fault.kind.value] += 1
        if show_all or counts.total() <= _FAULTS_SHOWN:
            print(fault)
    if counts.total() > _FAULTS_SHOWN and not show_all:
        print(f"... and {counts.total() - _FAULTS_SHOWN} more: --all names them")
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "no faults")
    return 1 if counts else 0
