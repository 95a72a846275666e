"""Look into a data set as downloaded: what it holds, how it looks, what is wrong with it.

Examples:
  drivevla data info /data/nuscenes
  drivevla data preview /data/nuscenes --out sheets --count 6
  drivevla data validate /data/CoVLA
  drivevla data info /data/logs --dataset my_reader

The exit code of `validate` is 0 where nothing is wrong and 1 where something is. Formats and readers: docs/data.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.cli.parser import Parser
from drivevla.errors import UserError

if TYPE_CHECKING:
    from drivevla.types import Reader

__all__ = ["add_arguments", "run"]

_FAULTS_SHOWN = 50


def add_arguments(parser: Parser) -> None:
    """The words and options after `drivevla data`."""
    parser.add_argument("action", choices=["info", "preview", "validate"])
    parser.add_argument("root", type=Path, metavar="DIR", help="the data set's folder")
    parser.add_argument("--dataset", metavar="NAME", help="which reader (found from the files)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where preview writes its sheets")
    parser.add_argument("--count", type=int, default=4, metavar="N", help="how many sheets, spread evenly (4)")
    parser.add_argument("--token", metavar="TOKEN", help="preview this sample")
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
    if arguments.out is None:
        raise UserError("preview needs --out DIR")
    return _preview(reader, arguments.out, arguments.token, arguments.count)


def _info(reader: Reader) -> str:
    samples = sum(len(scene.tokens) for scene in reader.scenes)
    lines = [f"{reader.dataset}: {len(reader.scenes)} scenes, {samples} samples"]
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


def _preview(reader: Reader, out: Path, token: str | None, count: int) -> int:
    import numpy as np

    from drivevla.datasets.preview import preview_sheet
    from drivevla.errors import DataError, require

    tokens = [token] if token else [each for scene in reader.scenes for each in scene.tokens]
    if not tokens:
        raise UserError(f"{reader.dataset} holds no sample")
    chosen = [tokens[index] for index in np.unique(np.linspace(0, len(tokens) - 1, max(count, 1)).round().astype(int))]
    out.mkdir(parents=True, exist_ok=True)
    unreadable = 0
    for each in chosen:
        try:
            sheet = preview_sheet(reader.sample(each))
        except DataError as error:
            unreadable += 1
            print(f"{each}: {error}")
            continue
        path = out / f"{''.join(letter if letter.isalnum() or letter in '-_' else '_' for letter in each)}.png"
        require("PIL.Image", "data").fromarray(sheet).save(path)
        print(path)
    return 1 if unreadable else 0


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
