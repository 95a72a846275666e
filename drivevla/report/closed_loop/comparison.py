"""Two runs side by side: refused where they are not of the same routes and rules, and told where they differ else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drivevla.errors import DataError
from drivevla.evaluation.closed_loop.summary import spread
from drivevla.report.closed_loop.cards import DriveCard, MediaBudget, drive_card
from drivevla.report.closed_loop.infractions import KINDS, totals
from drivevla.report.closed_loop.run import EvaluatedDrive, EvaluatedRun
from drivevla.report.closed_loop.track import DriveTrack
from drivevla.report.closed_loop.views import headlines, read_tracks, rules_view, run_facts, setting_text
from drivevla.report.page import render_page
from drivevla.report.road_map import SpeedScale, speed_scale
from drivevla.report.tables import Cell, Column, Table
from drivevla.report.typography import fixed, signed, whole

__all__ = ["RoutePair", "comparison_page", "differences"]

_SAME_MATTERS = ("map", "rig", "vehicles", "guidance", "repetitions", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePair:
    """One route in both runs.

    Attributes:
        anchor: Of its place on the page.
        route_id: Its id.
        town: Its map.
        mean_a: Mean driving score over the repetitions of the first run.
        mean_b: Likewise of the second.
        scores_a: The driving score of each repetition of the first run.
        scores_b: Likewise of the second.
        a: Its worst drive in the first run.
        b: Likewise in the second.
    """

    anchor: str
    route_id: str
    town: str
    mean_a: float
    mean_b: float
    scores_a: tuple[float, ...]
    scores_b: tuple[float, ...]
    a: DriveCard
    b: DriveCard

    @property
    def delta(self) -> float:
        """First less second."""
        return self.mean_a - self.mean_b


def comparison_page(a: EvaluatedRun, b: EvaluatedRun) -> str:
    """The report of two runs, the routes with the greatest difference first.

    Raises:
        DataError: They were scored by different rules or drove different routes: their scores mean different things.
    """
    _refuse_strangers(a, b)
    tracks = read_tracks(a), read_tracks(b)
    scale = speed_scale([track.speed_mps for each in tracks for track in each.values()])
    pairs = _pairs(a, b, tracks, scale)
    return render_page(
        "comparison.html.j2",
        title=f"{a.policy} against {b.policy}: closed loop",
        a=run_facts(a),
        b=run_facts(b),
        names=_names(a, b),
        headlines=list(zip(headlines(a), headlines(b), strict=True)),
        overall=_overall(pairs),
        differences=differences(a, b),
        rules=rules_view(a),
        infractions=_infraction_table(a, b),
        overview=_overview(pairs),
        pairs=pairs,
        scale=scale,
    )


def differences(a: EvaluatedRun, b: EvaluatedRun) -> tuple[tuple[str, str, str], ...]:
    """What else than the policy differs: name, first, second."""
    either = [(_conditions(a)[name], _conditions(b)[name], name) for name in _conditions(a)]
    return tuple((name, ours, theirs) for ours, theirs, name in either if ours != theirs)


def _conditions(run: EvaluatedRun) -> dict[str, str]:
    complete = "yes" if run.summary["complete"] else "no: drives or scenarios are missing"
    return {
        "backend": ", ".join(run.summary["backends"]) or "none",
        **{name: setting_text(run.config.get(name)) for name in _SAME_MATTERS},
        "told the truth": "yes" if run.summary["privileged"] else "no",
        "complete": complete,
    }


def _refuse_strangers(a: EvaluatedRun, b: EvaluatedRun) -> None:
    if a.rules.name != b.rules.name:
        raise DataError(
            f"{a.folder} was scored by {a.rules.name} and {b.folder} by {b.rules.name}: their scores mean different "
            "things; judge one again with drivevla evaluate rescore, or compare runs of the same rules"
        )
    ours, theirs = a.manifest.data_fingerprint, b.manifest.data_fingerprint
    if ours != theirs:
        raise DataError(
            f"{a.folder} drove {a.config.get('routes')} and {b.folder} drove {b.config.get('routes')}: the routes are "
            f"not the same (fingerprints {(ours or 'none')[:12]} and {(theirs or 'none')[:12]}); compare runs of one "
            "suite"
        )


def _pairs(
    a: EvaluatedRun,
    b: EvaluatedRun,
    tracks: tuple[Mapping[str, DriveTrack], Mapping[str, DriveTrack]],
    scale: SpeedScale,
) -> tuple[RoutePair, ...]:
    by_route = _by_route(a.drives), _by_route(b.drives)
    both = sorted(by_route[0].keys() & by_route[1].keys())
    ordered = sorted(both, key=lambda index: -abs(_mean(by_route[0][index]) - _mean(by_route[1][index])))
    budget = MediaBudget(2 * len(ordered))
    pairs = []
    for index in ordered:
        sides = [each[index] for each in by_route]
        worst = [min(side, key=lambda drive: drive.record.score_composed) for side in sides]
        cards = [
            drive_card(run.rules, drive, track[drive.folder.name], scale=scale, budget=budget, prefix=prefix)
            for run, drive, track, prefix in zip((a, b), worst, tracks, "ab", strict=True)
        ]
        pairs.append(
            RoutePair(
                anchor=f"route-{index}",
                route_id=worst[0].summary.route_id,
                town=worst[0].summary.town,
                mean_a=_mean(sides[0]),
                mean_b=_mean(sides[1]),
                scores_a=_scores(sides[0]),
                scores_b=_scores(sides[1]),
                a=cards[0],
                b=cards[1],
            )
        )
    return tuple(pairs)


def _by_route(drives: Sequence[EvaluatedDrive]) -> dict[int, list[EvaluatedDrive]]:
    found: dict[int, list[EvaluatedDrive]] = {}
    for drive in drives:
        found.setdefault(drive.index, []).append(drive)
    return found


def _scores(drives: Sequence[EvaluatedDrive]) -> tuple[float, ...]:
    return tuple(drive.record.score_composed for drive in sorted(drives, key=lambda each: each.summary.repetition))


def _mean(drives: Sequence[EvaluatedDrive]) -> float:
    return sum(drive.record.score_composed for drive in drives) / len(drives)


def _names(a: EvaluatedRun, b: EvaluatedRun) -> tuple[str, str]:
    """Policies where they tell the runs apart, folders where they do not."""
    return (a.policy, b.policy) if a.policy != b.policy else (a.folder.name, b.folder.name)


def _overall(pairs: Sequence[RoutePair]) -> str:
    """The mean difference over the routes, with its interval, in a sentence."""
    if not pairs:
        return "The runs have no route in common."
    difference = spread([pair.delta for pair in pairs])
    better = sum(pair.delta > 0 for pair in pairs)
    worse = sum(pair.delta < 0 for pair in pairs)
    counts = f"better on {better}, worse on {worse}, equal on {len(pairs) - better - worse} of {len(pairs)} routes"
    mean = f"A scores {signed(difference.mean)} points against B, {counts}"
    if difference.low is None or difference.high is None:
        return f"{mean}."
    verdict = "" if difference.low > 0 or difference.high < 0 else ", which holds 0: the routes do not tell them apart"
    between = f"{signed(difference.low)} to {signed(difference.high)}"
    return f"{mean}; 95 % interval of the paired difference {between}{verdict}."


def _infraction_table(a: EvaluatedRun, b: EvaluatedRun) -> Table:
    columns = (
        Column(title="Infraction"),
        *(
            Column(title=f"{what}, {side}", numeric=True)
            for what in ("Count", "Per km", "Points lost")
            for side in ("A", "B")
        ),
    )
    rows = [
        (
            Cell(text=KINDS[ours.kind].title),
            Cell(text=whole(ours.count), sort=ours.count),
            Cell(text=whole(theirs.count), sort=theirs.count),
            Cell(text=fixed(ours.per_km, 2), sort=ours.per_km),
            Cell(text=fixed(theirs.per_km, 2), sort=theirs.per_km),
            Cell(text=fixed(ours.cost_points), sort=ours.cost_points),
            Cell(text=fixed(theirs.cost_points), sort=theirs.cost_points),
        )
        for ours, theirs in zip(totals(a), totals(b), strict=True)
        if ours.count or theirs.count
    ]
    return Table(columns=columns, rows=tuple(rows))


def _overview(pairs: Sequence[RoutePair]) -> Table:
    most = max((abs(pair.delta) for pair in pairs), default=0.0) or 1.0
    columns = (
        Column(title="Route"),
        Column(title="A", numeric=True),
        Column(title="B", numeric=True),
        Column(title="A − B", numeric=True),
        Column(title="A ended"),
        Column(title="B ended"),
        Column(title="Town"),
    )
    rows = tuple(
        (
            Cell(text=pair.route_id, href=f"#{pair.anchor}", sort=_place(pair.route_id)),
            Cell(text=fixed(pair.mean_a), sort=pair.mean_a),
            Cell(text=fixed(pair.mean_b), sort=pair.mean_b),
            Cell(text=signed(pair.delta), sort=pair.delta, bar=pair.delta / most, diverging=True),
            Cell(text=pair.a.status, tone="good" if pair.a.succeeded else "bad"),
            Cell(text=pair.b.status, tone="good" if pair.b.succeeded else "bad"),
            Cell(text=pair.town),
        )
        for pair in pairs
    )
    return Table(columns=columns, rows=rows)


def _place(route_id: str) -> float | str:
    return float(route_id) if route_id.isdecimal() else route_id
