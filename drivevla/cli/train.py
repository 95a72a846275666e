"""Train a recipe on data sets, and go on where a killed run was.

Examples:
  drivevla train nano --data logs/nano --out runs/nano
  drivevla train nano training.stages.drive.steps=2000 --data logs/a logs/b --out runs/short --device cuda --workers 16
  drivevla train nano --data logs/nano --out runs/nano --resume
  drivevla train nano --data logs/nano --write-answers answers.safetensors
  drivevla train nano --data logs/nano --out runs/nano --answers answers.safetensors --device cuda
  torchrun --nproc-per-node 2 -m drivevla train nano --data logs/nano --out runs/nano

Any reader's data set can be trained on; scenes of the split "val" are watched and never learned from. The checkpoint
is in the run's folder, which `drivevla evaluate closed-loop --policy` takes as it is. --write-answers only asks the
pretrained sentence encoder everything that the data says; with its answers, training elsewhere needs no such encoder.
See docs/training.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivevla.cli.parser import Parser
from drivevla.errors import UserError, require

if TYPE_CHECKING:
    from drivevla.training.logbook import Progress

__all__ = ["add_arguments", "run"]

_SILENT_S = 15.0
"""Where the output is no terminal, a line at most this often."""


def add_arguments(parser: Parser) -> None:
    """The words and options after `drivevla train`."""
    parser.add_argument("recipe", metavar="RECIPE", help="a recipe's name, or a YAML file of that kind")
    parser.add_argument("overrides", nargs="*", default=[], metavar="key=value", help="changes to the recipe")
    parser.add_argument("--data", nargs="+", type=Path, metavar="DIR", help="folders of data sets")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the run's folder")
    parser.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where the model computes (cpu)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that read samples (0)")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="what the sentence encoder answers")
    parser.add_argument("--write-answers", type=Path, metavar="FILE", help="write that file, and do not train")
    parser.add_argument("--shard", action="store_true", help="spread gradients and moments over torchrun's processes")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard's files, too")


def run(arguments: argparse.Namespace) -> int:
    """Train."""
    if not arguments.data or not (arguments.out or arguments.write_answers):
        raise UserError("train needs --data, and --out for the run's folder (or --write-answers)")
    require("torch", "train")
    from drivevla.config.resolve import load_config
    from drivevla.training.material import read_material
    from drivevla.training.recipe import RecipeConfig
    from drivevla.training.run import train_recipe, write_answers

    recipe = load_config(RecipeConfig, arguments.recipe, arguments.overrides)
    material = read_material(arguments.data, recipe.data)
    if arguments.write_answers:
        count = write_answers(recipe, material, arguments.write_answers)
        print(f"answers to {count} sentences: {arguments.write_answers}")
        return 0
    with _told() as tell:
        folder = train_recipe(
            recipe,
            material,
            arguments.out,
            existing="resume" if arguments.resume else "refuse",
            device=arguments.device,
            workers=arguments.workers,
            answers=arguments.answers,
            tensorboard=arguments.tensorboard,
            shard=arguments.shard,
            tell=tell,
        )
    print(f"checkpoint: {folder}")
    return 0


@contextmanager
def _told() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, now and then a line elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines().tell
        return
    bar: Any = require("tqdm", "train").tqdm(total=1, unit="step")
    with bar:

        def show(progress: Progress) -> None:
            bar.total, bar.n = progress.steps, progress.step
            bar.set_description_str(progress.stage, refresh=False)
            bar.set_postfix_str(_text(progress))

        yield show


class _Lines:
    def __init__(self) -> None:
        self._last_s = -_SILENT_S

    def tell(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last_s >= _SILENT_S or progress.step == progress.steps:
            self._last_s = now
            print(f"{progress.stage} {progress.step}/{progress.steps}: {_text(progress)}", file=sys.stderr, flush=True)


def _text(progress: Progress) -> str:
    parts = [f"loss {progress.loss:.3f}"]
    if progress.samples_per_s is not None and progress.left_s is not None:
        parts += [f"{progress.samples_per_s:.0f} samples/s", f"{progress.left_s / 60:.1f} min left"]
    watched = progress.watched
    parts += [f"{name} {watched[name]:.2f}" for name in ("ade_m", "ade_turning_m") if name in watched]
    if progress.still:
        parts.append(f"NEVER CHANGES: {', '.join(progress.still)}")
    return ", ".join(parts)
