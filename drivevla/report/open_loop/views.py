"""The page of one open-loop run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivevla.evaluation.offline import CONSTANT_VELOCITY, EGO_ONLY, read_result
from drivevla.report.page import render_page
from drivevla.report.pictures import picture_uri
from drivevla.report.tables import Cell, Column, Table
from drivevla.report.typography import NO_VALUE, count_of, fixed, signed, whole
from drivevla.runs import read_manifest
from drivevla.runs.condition import ARTEFACTS, MANIFEST

__all__ = ["ProtocolView", "WorstCase", "open_loop_page"]

_PICTURE_PX = 1000
_FEW_DRIVES = 10
_SHARE = "the judged policy's value less this one's, in % of this one's; 95 % interval by drive"
_KEYS = ("judged", "second", "third")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolView:
    """One protocol on the page.

    Attributes:
        name: As the registry has it.
        anchor: Its place on the page.
        summary: Its definition in a line, with version and source.
        denominator: Who is in it.
        scores: A row for everybody asked, a column a value.
        groups: By grouping: a table of the headline value.
        notes: Who has no score and why.
    """

    name: str
    anchor: str
    summary: str
    denominator: str
    scores: Table
    groups: tuple[tuple[str, Table], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """One sample that went badly.

    Attributes:
        title: Where it is.
        story: What was the case, in words.
        picture: A ``data:`` address.
        values: Name, value and key of the colour, for everybody drawn.
    """

    title: str
    story: str
    picture: str
    values: tuple[tuple[str, str, str], ...]


def open_loop_page(folder: Path) -> str:
    """The report of a run.

    Args:
        folder: The ``--out`` of a finished ``drivevla evaluate open-loop``.

    Raises:
        DataError: It is no such run, or not finished.
    """
    result = read_result(folder)
    protocols = [_protocol(name, each, result) for name, each in result["protocols"].items()]
    return render_page(
        "open_loop.html.j2",
        title=f"{result['policy']}: open loop",
        policy=result["policy"],
        label=f"{result['data']['dataset']} · {count_of(result['data']['samples'], 'sample')} of "
        f"{count_of(len(result['data']['drives']), 'drive')}",
        cautions=_cautions(result),
        tiles=_tiles(result),
        protocols=protocols,
        changes=_changes(result["changes"]),
        alternatives=_alternatives(result["alternatives"]),
        latency=_latency(result["asked"]),
        worst=tuple(_case(folder, each) for each in result["worst"]),
        facts=_facts(folder, result),
    )


def _cautions(result: Mapping[str, Any]) -> tuple[str, ...]:
    drives = len(result["data"]["drives"])
    cautions = ["Open loop: how near plans are to one recorded drive, not how well the policy would have driven."]
    if result["privileged"]:
        cautions.append("The policy was told the truth (route, map, others): compare it with privileged policies only.")
    if drives == 1:
        cautions.append("A single drive: nothing can be drawn again, so there are no intervals.")
    elif drives < _FEW_DRIVES:
        cautions.append(f"Only {drives} drives: intervals, drawn by drive, say little.")
    if "left_out" in result["ego_only"]:
        cautions.append(f"No ego-only baseline: {result['ego_only']['left_out']}.")
    failures = result["asked"][result["policy"]]["failures"]
    if failures:
        cautions.append(f"{count_of(failures, 'sample')} without a plan left out: do not compare these numbers.")
    cautions += [f"Not scored under {name}: {reason}." for name, reason in result["not_scored"].items()]
    return tuple(cautions)


def _tiles(result: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The headline value of each protocol, with the baselines' beneath it."""
    tiles = []
    for name, protocol in result["protocols"].items():
        value = protocol["headline"]
        policies = {who: each["values"] for who, each in protocol["policies"].items() if value in each["values"]}
        if value is None or result["policy"] not in policies:
            continue
        found = {who: values[value] for who, values in policies.items()}
        most = max((each["high"] or each["value"] for each in found.values()), default=0.0) or 1.0
        mine = found[result["policy"]]
        others = ", ".join(
            f"{_words(who)} {_number(each['value'])}" for who, each in found.items() if who != result["policy"]
        )
        tiles.append(
            {
                "title": f"{name} · {value}",
                "value": _number(mine["value"]),
                "unit": _unit(value),
                "around": others or "nothing beside it",
                "place": 100 * max(mine["value"], 0.0) / most,
                "low": None if mine["low"] is None else 100 * max(mine["low"], 0.0) / most,
                "high": None if mine["high"] is None else 100 * max(mine["high"], 0.0) / most,
            }
        )
    return tuple(tiles)


def _protocol(name: str, protocol: Mapping[str, Any], result: Mapping[str, Any]) -> ProtocolView:
    definition, judged = protocol["definition"], result["policy"]
    counts = protocol["policies"].get(judged, next(iter(protocol["policies"].values())))["counts"]
    others = ", ".join(
        f"{whole(count)} {key.replace('_', ' ')}" for key, count in counts.items() if key != "samples" and count
    )
    return ProtocolView(
        name=name,
        anchor=f"protocol-{name.replace('.', '-')}",
        summary=f"{definition['summary']}. Version {definition['version']}; {definition['source']}.",
        denominator=f"{whole(counts.get('samples', 0))} samples in the denominator; {others}",
        scores=_scores_table(protocol, judged),
        groups=tuple(
            (grouping, _group_table(grouping, groups, protocol["headline"], list(protocol["policies"])))
            for grouping, groups in protocol["groups"].items()
            if len(groups) > 1 and protocol["headline"] is not None
        ),
        notes=tuple(f"{who} has no score: {reason}" for who, reason in protocol["unscored"].items())
        + tuple(
            f"{who} left samples without a plan." for who, each in protocol["policies"].items() if not each["complete"]
        ),
    )


def _scores_table(protocol: Mapping[str, Any], judged: str) -> Table:
    policies = protocol["policies"]
    values = list(dict.fromkeys(name for each in policies.values() for name in each["values"]))
    columns = (Column(title="Policy"), *(Column(title=_short(name), numeric=True, note=name) for name in values))
    rows = []
    for who, each in policies.items():
        cells = [Cell(text=_words(who), tone="good" if who == judged else "")]
        for name in values:
            found = each["values"].get(name)
            if found is None:
                cells.append(Cell(text=NO_VALUE, sort="", tone="muted"))
                continue
            around = "" if found["low"] is None else f" ({_number(found['low'])}–{_number(found['high'])})"
            cells.append(Cell(text=f"{_number(found['value'])}{around}", sort=found["value"]))
        rows.append(tuple(cells))
    return Table(columns=columns, rows=tuple(rows))


def _group_table(grouping: str, groups: Mapping[str, Any], value: str, asked: Sequence[str]) -> Table:
    beside = [
        who
        for who in asked
        if who in (CONSTANT_VELOCITY, EGO_ONLY)
        and any(who in each.get("judged_beside", {}) for each in groups.values())
    ]
    columns = [
        Column(title=grouping.capitalize()),
        Column(title="Samples", numeric=True, note="in the data set; fewer may count"),
    ]
    for who in asked:
        columns.append(Column(title=_words(who), numeric=True, note=value))
        if who in beside:
            columns.append(Column(title=f"less {_words(who)}", numeric=True, note=_SHARE))
    found = {(group, who): each["policies"].get(who, {}).get(value) for group, each in groups.items() for who in asked}
    most = max((each["value"] for each in found.values() if each), default=0.0) or 1.0
    rows = []
    for group, each in groups.items():
        cells = [Cell(text=_words(group)), Cell(text=whole(each["samples"]), sort=each["samples"])]
        for who in asked:
            cells.append(_mean_cell(found[group, who], most))
            if who in beside:
                cells.append(_share_cell(each.get("judged_beside", {}).get(who)))
        rows.append(tuple(cells))
    return Table(columns=tuple(columns), rows=tuple(rows))


def _mean_cell(mean: Mapping[str, Any] | None, most: float) -> Cell:
    if mean is None:
        return Cell(text=NO_VALUE, sort="", tone="muted")
    return Cell(text=_number(mean["value"]), sort=mean["value"], bar=max(mean["value"], 0.0) / most)


def _share_cell(share: Mapping[str, Any] | None) -> Cell:
    if share is None:
        return Cell(text=NO_VALUE, sort="", tone="muted")
    if share["low"] is None:
        return Cell(text=f"{signed(100 * share['value'], 0)} %", sort=share["value"])
    sure = "good" if share["high"] < 0 else "bad" if share["low"] > 0 else ""
    between = f" ({signed(100 * share['low'], 0)} to {signed(100 * share['high'], 0)})"
    return Cell(text=f"{signed(100 * share['value'], 0)} %{between}", sort=share["value"], tone=sure)


def _changes(changes: Mapping[str, Any]) -> Table | None:
    """What each change of the input changes in the plans."""
    if not changes:
        return None
    most = max((each["mean_change_m"] or 0.0 for each in changes.values()), default=0.0) or 1.0
    columns = (
        Column(title="Changed"),
        Column(title="Samples", numeric=True, note="where there was something to change"),
        Column(title="Plan moves, m", numeric=True, note="mean distance over 3 s between the plans before and after"),
        Column(title="95 %", note="bootstrapped by drive"),
        Column(title="Most, m", numeric=True),
        Column(title="Refusals", numeric=True, note="after less before"),
    )
    rows = []
    for each in changes.values():
        moved = each["mean_change_m"]
        between = NO_VALUE if each["low"] is None else f"{_number(each['low'])} to {_number(each['high'])}"
        refusals = each["refusals_after"] - each["refusals_before"]
        rows.append(
            (
                Cell(text=each["words"]),
                Cell(text=f"{whole(each['samples'])} of {whole(each['of'])}", sort=each["samples"]),
                Cell(text=fixed(moved, 2), sort=moved or 0.0, bar=(moved or 0.0) / most),
                Cell(text=between),
                Cell(text=fixed(each["largest_change_m"], 2), sort=each["largest_change_m"] or 0.0),
                Cell(text=signed(refusals, 0), sort=refusals),
            )
        )
    return Table(columns=columns, rows=tuple(rows))


def _alternatives(alternatives: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not alternatives or not alternatives.get("values"):
        return None
    columns = (
        Column(title="Instruction"),
        Column(title="Asked", numeric=True),
        Column(title="Plan changes, m", numeric=True, note="mean over 3 s"),
        Column(title="Effect", numeric=True, note="1: does as told; 0: does not listen; below 0: the opposite"),
    )
    rows = tuple(
        (
            Cell(text=kind.replace("_", " ")),
            Cell(text=whole(each["samples"]), sort=each["samples"]),
            Cell(text=fixed(each.get("change_m"), 2), sort=each.get("change_m") or 0.0),
            Cell(text=fixed(each.get("effect_size"), 2), sort=_sortable(each.get("effect_size"))),
        )
        for kind, each in alternatives["kinds"].items()
    )
    values = [
        (
            name.replace("_", " "),
            fixed(each["value"], 3),
            "" if each["low"] is None else f"{fixed(each['low'], 3)} to {fixed(each['high'], 3)}",
        )
        for name, each in alternatives["values"].items()
        if each is not None
    ]
    return {"count": alternatives["alternatives"], "values": values, "table": Table(columns=columns, rows=rows)}


def _latency(asked: Mapping[str, Any]) -> Table:
    columns = (
        Column(title="Policy"),
        Column(title="Questions", numeric=True),
        Column(title="Without a plan", numeric=True),
        Column(title="Median, ms", numeric=True, note="on the wall, of one question, reading not counted"),
        Column(title="95 % within, ms", numeric=True),
        Column(title="Longest, ms", numeric=True),
    )
    rows = tuple(
        (
            Cell(text=_words(who)),
            Cell(text=whole(each["questions"]), sort=each["questions"]),
            Cell(text=whole(each["failures"]), sort=each["failures"], tone="bad" if each["failures"] else "muted"),
            *(
                Cell(text=fixed(each["latency_ms"][key], 2), sort=each["latency_ms"][key])
                for key in ("median", "p95", "largest")
            ),
        )
        for who, each in asked.items()
    )
    return Table(columns=columns, rows=rows)


def _case(folder: Path, case: Mapping[str, Any]) -> WorstCase:
    words = [case["manoeuvre"], f"at {case['speed']}" if "m/s" in case["speed"] else case["speed"]]
    words += [] if case["command"] == "none" else [f"command {case['command'].replace('_', ' ')}"]
    words += [] if case["weather"] == "not known" else [case["weather"]]
    said = f" Asked: “{case['sentence']}”" if case["sentence"] else ""
    keys = dict(zip(case["shown"], _KEYS, strict=False))
    return WorstCase(
        title=f"{case['drive']} / {case['token'].rpartition('/')[2]}",
        story=f"{', '.join(words).capitalize()}.{said}",
        picture=picture_uri(folder / ARTEFACTS / case["picture"], width_px=_PICTURE_PX),
        values=tuple(
            (_words(who), f"{_number(value)} {_unit(case['value_name'])}", keys.get(who, ""))
            for who, value in case["values"].items()
            if who in keys
        ),
    )


def _facts(folder: Path, result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    data, session = result["data"], read_manifest(folder / MANIFEST).sessions[-1]
    ego = result["ego_only"]
    drives = data["drives"]
    learnt = (
        "none" if "left_out" in ego else f"{whole(ego['samples'])} samples of {count_of(len(ego['scenes']), 'drive')}"
    )
    return (
        ("data set", data["dataset"]),
        ("split", data["split"] or "all"),
        ("drives", ", ".join(drives) if len(drives) <= 4 else whole(len(drives))),
        (
            "samples",
            whole(data["samples"]) if data["every"] == 1 else f"{whole(data['samples'])}, every {data['every']}.",
        ),
        ("sensors read", ", ".join(data["sensors"]) or "none"),
        ("ego-only baseline learnt from", learnt),
        ("split hash", data["split_hash"][:16]),
        ("data fingerprint", data["data_fingerprint"][:16]),
        ("fingerprint of the sensors", data["sensor_fingerprint"][:16]),
        ("version", f"DriveVLA {session.version}, commit {(session.commit or 'none')[:10]}"),
        ("finished", session.ended or "not recorded"),
    )


def _words(who: str) -> str:
    return who.replace("_", " ")


def _short(name: str) -> str:
    """A value's name without its unit: the table says the unit in the hint."""
    return name.removesuffix("_m").replace("_", " ")


def _unit(name: str) -> str:
    return next((unit for unit in ("m", "rad") if name.endswith(f"_{unit}")), "")


def _number(value: float | None) -> str:
    if value is None:
        return NO_VALUE
    return fixed(value, 3 if abs(value) < 1 else 2)


def _sortable(value: float | None) -> float | str:
    return "" if value is None else value
