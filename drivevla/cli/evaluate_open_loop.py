"""Evaluate a policy in open loop: ask it about recorded samples, and hold its plans against what was driven.

Examples:
  drivevla evaluate open-loop --policy runs/nano/best --data /data/log --split test --protocol displacement --out runs/o
  drivevla evaluate open-loop --policy constant_velocity --data /data/nuscenes --no-sensors --scenes scene-0103
    --train-scenes scene-0916 --protocol nuscenes-uniad nuscenes-stp3 --out runs/cv
  drivevla evaluate open-loop --policy runs/nano/best --data /data/log --protocol displacement --ablations --out runs/o
  drivevla evaluate open-loop --compare runs/new runs/old

Constant velocity and, where there is something to learn from, a network on ego motion alone are always asked beside it;
so are copies of a trained model without language and without pictures. What is written where: docs/open-loop.md.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivevla.cli.parser import Parser
from drivevla.errors import UserError, require

if TYPE_CHECKING:
    from drivevla.evaluation.offline import Progress

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Parser) -> None:
    """The options after `drivevla evaluate open-loop`."""
    parser.add_argument(
        "--policy", metavar="NAME|DIR", help="who is judged: a registered name, or a checkpoint's folder"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the policy")
    parser.add_argument("--data", metavar="DIR", help="a data set's folder")
    parser.add_argument("--dataset", metavar="NAME", help="which reader (found from the files)")
    parser.add_argument("--protocol", nargs="+", default=[], metavar="NAME", help="`drivevla score --list` names them")
    parser.add_argument("--split", metavar="NAME", help="judge drives of this split alone")
    parser.add_argument("--scenes", nargs="+", default=[], metavar="NAME", help="judge these drives alone")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="judge every N-th sample of a drive (1)")
    parser.add_argument("--train-data", metavar="DIR", help="where the ego-only baseline learns (--data)")
    parser.add_argument("--train-split", metavar="NAME", help="from which split (those named train)")
    parser.add_argument("--train-scenes", nargs="+", default=[], metavar="NAME", help="from which drives")
    parser.add_argument("--beside", nargs="+", default=[], metavar="NAME|DIR", help="further policies, asked the same")
    parser.add_argument("--ablations", action="store_true", help="take each part of the input away in turn")
    parser.add_argument("--no-sensors", action="store_true", help="read neither pictures nor LiDAR")
    parser.add_argument("--worst", type=int, default=6, metavar="N", help="draw so many worst cases (6)")
    parser.add_argument("--seed", type=int, default=0, help="of the policy and the ego-only baseline (0)")
    parser.add_argument("--device", default="cpu", help="where a trained model computes (cpu)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="run folder")
    parser.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("A", "B"), help="two finished runs side by side")


def run(arguments: argparse.Namespace) -> int:
    """Ask, score, and say what came of it."""
    from drivevla.evaluation.offline import OpenLoopConfig, compare_results, evaluate_open_loop

    if arguments.compare is not None:
        for each in compare_results(*arguments.compare):
            less = (
                "" if each.less is None else f"  A - B {each.less.value:+.4g}{_between(each.less.low, each.less.high)}"
            )
            print(f"{each.protocol:<20} {each.name:<24} {each.a:10.5g} {each.b:10.5g}{less}")
        return 0
    missing = [name for name in ("policy", "data", "protocol", "out") if not getattr(arguments, name)]
    if missing:
        raise UserError(f"open-loop needs --policy, --data, --protocol and --out; missing: --{', --'.join(missing)}")
    config = OpenLoopConfig(
        policy=arguments.policy,
        options=tuple(arguments.set),
        data=arguments.data,
        dataset=arguments.dataset,
        protocols=tuple(arguments.protocol),
        split=arguments.split,
        scenes=tuple(arguments.scenes),
        every=arguments.every,
        train_data=arguments.train_data,
        train_split=arguments.train_split,
        train_scenes=tuple(arguments.train_scenes),
        beside=tuple(arguments.beside),
        ablations=arguments.ablations,
        sensors=not arguments.no_sensors,
        seed=arguments.seed,
        device=arguments.device,
        worst=arguments.worst,
    )
    with _progress_bar() as progress:
        result = evaluate_open_loop(
            config, arguments.out, existing="resume" if arguments.resume else "refuse", progress=progress
        )
    print(_text(result))
    print(f"results: {arguments.out}")
    return 0


@contextmanager
def _progress_bar() -> Iterator[Callable[["Progress"], None]]:
    tqdm = require("tqdm", "sim").tqdm
    layout = "{desc}: {n} of {total} questions, {elapsed}{postfix}"
    with tqdm(total=1, desc="asking", disable=not sys.stderr.isatty(), bar_format=layout) as bar:

        def show(progress: "Progress") -> None:
            bar.total, bar.n = progress.planned, progress.done
            left = "" if progress.left_s is None else f", about {progress.left_s / 60:.0f} min left"
            bar.set_postfix_str(f"{progress.what}{left}")

        yield show


def _text(result: Mapping[str, Any]) -> str:
    data = result["data"]
    told = ", told the truth" if result["privileged"] else ""
    lines = [
        f"{result['policy']}{told} on {data['dataset']}: {data['samples']} samples of {len(data['drives'])} drives"
    ]
    for name, protocol in result["protocols"].items():
        lines += _protocol_lines(name, protocol)
        lines += _manoeuvre_lines(protocol, result["policy"])
    lines += [f"NOT SCORED {name}: {reason}" for name, reason in result["not_scored"].items()]
    if "left_out" in result["ego_only"]:
        lines.append(f"NO ego_only baseline: {result['ego_only']['left_out']}")
    lines += [
        f"  {change['words']}: {_number(change['mean_change_m'])} m mean change of the plan"
        f"{_between(change['low'], change['high'])} in {change['samples']} of {change['of']} samples"
        for change in result["changes"].values()
    ]
    if result["alternatives"]:
        values = result["alternatives"].get("values", {})
        lines.append(f"other instructions ({result['alternatives']['alternatives']}):")
        lines += [
            f"  {name:<18} {_number(each['value'])}{_between(each['low'], each['high'])}"
            for name, each in values.items()
            if each is not None
        ]
    latency = result["asked"][result["policy"]]["latency_ms"]
    lines.append(
        f"latency of {result['policy']}: median {latency['median']:.2f} ms, 95 % within {latency['p95']:.2f} ms"
    )
    return "\n".join(lines)


def _protocol_lines(name: str, protocol: Mapping[str, Any]) -> list[str]:
    definition, policies = protocol["definition"], protocol["policies"]
    lines = [f"{name} (version {definition['version']}): {definition['summary']}"]
    values = list(dict.fromkeys(value for each in policies.values() for value in each["values"]))
    width = max(map(len, values), default=0)
    for who, each in policies.items():
        counts = ", ".join(f"{count} {what}" for what, count in each["counts"].items() if count)
        lines.append(f"  {who} ({counts}){'' if each['complete'] else '  INCOMPLETE: do not compare this score'}")
        lines += [
            f"    {value:<{width}}  {_number(found['value'])}{_between(found['low'], found['high'])}"
            for value, found in each["values"].items()
        ]
    lines += [f"  {who} NOT SCORED: {reason}" for who, reason in protocol["unscored"].items()]
    return lines


def _manoeuvre_lines(protocol: Mapping[str, Any], judged: str) -> list[str]:
    """The headline value where the car turned, stopped and so on, beside the blind baselines."""
    from drivevla.evaluation.offline import CONSTANT_VELOCITY, EGO_ONLY

    value, groups = protocol["headline"], protocol["groups"]["manoeuvre"]
    baselines = [who for who in (CONSTANT_VELOCITY, EGO_ONLY) if who in protocol["policies"] and who != judged]
    found = [
        (group, each, each["policies"][judged][value])
        for group, each in groups.items()
        if value in each["policies"].get(judged, {})
    ]
    if not found or not baselines:
        return []
    lines = [f"  {value} by what was driven; in parentheses {judged} less the baseline, in % of the baseline"]
    for group, each, mine in found:
        words = [f"{judged} {_number(mine['value'])}"]
        for who in baselines:
            theirs, beside = each["policies"].get(who, {}).get(value), each["judged_beside"].get(who)
            if theirs is not None:
                words.append(f"{who} {_number(theirs['value'])} ({_percent(beside)})")
        lines.append(f"    {group:<18} {mine['samples']:>5} samples  {'  '.join(words)}")
    return lines


def _percent(share: Mapping[str, Any] | None) -> str:
    if share is None:
        return "-"
    between = "" if share["low"] is None else f", 95 % {100 * share['low']:+.0f} to {100 * share['high']:+.0f}"
    return f"{100 * share['value']:+.0f} %{between}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"  (95 % {low:.4g} to {high:.4g})"
