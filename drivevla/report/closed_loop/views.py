"""Whole pages: the report of one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drivevla.evaluation.closed_loop.summary import Spread
from drivevla.report.closed_loop.cards import DriveCard, MediaBudget, drive_card
from drivevla.report.closed_loop.infractions import FORMULAS, KINDS, InfractionTotal, totals
from drivevla.report.closed_loop.run import EvaluatedRun
from drivevla.report.closed_loop.track import DriveTrack, read_track
from drivevla.report.page import render_page
from drivevla.report.road_map import SpeedScale, speed_scale
from drivevla.report.tables import Cell, Column, Table
from drivevla.report.typography import count_of, duration, fixed, whole

__all__ = ["Headline", "RunFacts", "headlines", "read_tracks", "rules_view", "run_facts", "run_page", "setting_text"]

SCORES: Mapping[str, tuple[str, str, int]] = {
    "score_composed": ("Driving score", "of 100", 1),
    "score_route": ("Route completion", "%", 1),
    "score_penalty": ("Infraction penalty", "of 1", 3),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One big number.

    Attributes:
        title: What it is.
        value: The number, set.
        unit: Behind it.
        around: Its interval, or why there is none.
        low: Lower end of the interval on a bar from 0 to 100 percent; None without one.
        high: Its upper end.
        place: The value on the same bar.
    """

    title: str
    value: str
    unit: str
    around: str
    place: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What stands at the head of a run.

    Attributes:
        policy: Who drove.
        label: The benchmark's words for the rules, and where it was driven.
        cautions: What a reader must know before comparing.
        facts: Everything else, name and value.
    """

    policy: str
    label: str
    cautions: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def run_page(run: EvaluatedRun) -> str:
    """The report of a run, worst drives first."""
    tracks = read_tracks(run)
    scale = speed_scale([track.speed_mps for track in tracks.values()])
    cards, found = _cards(run, tracks, scale), totals(run)
    return render_page(
        "closed_loop.html.j2",
        title=f"{run.policy}: closed loop",
        run=run_facts(run),
        headlines=headlines(run),
        goals=_goals(run),
        rules=rules_view(run),
        infractions=_infraction_table(found),
        never=[KINDS[each.kind].title.lower() for each in found if not each.count],
        overview=_overview(cards),
        cards=cards,
        repeated=any(card.repetition for card in cards),
        scale=scale,
    )


def read_tracks(run: EvaluatedRun) -> dict[str, DriveTrack]:
    """The track of every drive, by the name of its folder."""
    return {drive.folder.name: read_track(drive) for drive in run.drives}


def headlines(run: EvaluatedRun) -> tuple[Headline, ...]:
    """Driving score, route completion and penalty, and how many routes were finished and clean."""
    made = [_headline(run.scores[name], *words) for name, words in SCORES.items() if name in run.scores]
    finished = sum(drive.record.completed for drive in run.drives)
    clean = sum(drive.record.completed and not any(drive.record.infractions.values()) for drive in run.drives)
    share = 100 * finished / max(len(run.drives), 1)
    made.append(
        Headline(
            title="Routes finished",
            value=f"{fixed(share, 0)}",
            unit="%",
            around=f"{finished} of {count_of(len(run.drives), 'drive')}; {clean} clean",
            place=share,
        )
    )
    return tuple(made)


def run_facts(run: EvaluatedRun) -> RunFacts:
    """Who drove what, where, with which versions."""
    summary, config, session = run.summary, run.config, run.manifest.sessions[-1]
    backend = ", ".join(summary["backends"]) or "no simulator came up"
    asked = ("routes", "map", "rig", "vehicles", "guidance", "repetitions", "seed")
    facts = [
        ("rules", f"{run.rules.benchmark} ({run.rules.name})"),
        ("backend", backend),
        *((name, setting_text(config[name])) for name in asked if config.get(name) is not None),
        ("drives", f"{summary['drives']} of {summary['planned']}"),
        ("simulated", duration(sum(drive.summary.simulated_s for drive in run.drives))),
        ("version", f"DriveVLA {session.version}, commit {(session.commit or 'none')[:10]}"),
        ("finished", session.ended or "not recorded"),
        ("fingerprint of the routes", (run.manifest.data_fingerprint or "none")[:16]),
    ]
    return RunFacts(
        policy=run.policy,
        label=f"{run.rules.benchmark} rules · {backend}",
        cautions=_cautions(run),
        facts=tuple(facts),
    )


def setting_text(value: object) -> str:
    """A value of a configuration, in words."""
    return ", ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)


def rules_view(run: EvaluatedRun) -> dict[str, object]:
    """The definition of the score: words and the table of penalties."""
    rules = run.rules
    word = "weight" if rules.sums_penalties else "factor"
    listed = [(KINDS[kind].title, fixed(value, 2)) for kind, value in rules.penalties.items()]
    if rules.minimum_speed_penalty:
        form = "{0} × (1 − p)" if rules.sums_penalties else "1 − {0} × (1 − p)"
        listed.append(("Slower than the traffic, at share p", form.format(fixed(rules.minimum_speed_penalty, 1))))
    return {"name": rules.name, "formula": FORMULAS[rules.sums_penalties], "word": word, "penalties": listed}


def _headline(score: Spread, title: str, unit: str, digits: int) -> Headline:
    full = 1.0 if unit == "of 1" else 100.0
    around, low, high = "one repetition: no interval", None, None
    if score.low is not None and score.high is not None and score.std is not None:
        around = f"95 % {fixed(score.low, digits)} to {fixed(score.high, digits)}, std {fixed(score.std, digits)}"
        low, high = (min(max(100 * end / full, 0.0), 100.0) for end in (score.low, score.high))
    return Headline(
        title=title,
        value=fixed(score.mean, digits),
        unit=unit,
        around=around,
        place=100 * score.mean / full,
        low=low,
        high=high,
    )


def _cautions(run: EvaluatedRun) -> tuple[str, ...]:
    summary = run.summary
    cautions = []
    if run.embedded:
        cautions.append(
            "Driven in DriveVLA's embedded simulator, not in CARLA: not comparable with published CARLA numbers."
        )
    if summary["privileged"]:
        cautions.append("The policy was told the truth (route, map, others): compare it with privileged policies only.")
    if summary["scenarios_left_out"]:
        left_out = ", ".join(f"{count} {kind}" for kind, count in summary["scenarios_left_out"].items())
        cautions.append(f"Scenarios that the routes ask for did not take place: {left_out}.")
    if summary["drives"] < summary["planned"]:
        cautions.append(f"{summary['planned'] - summary['drives']} planned drives are missing and count 0.")
    if summary["begun_again"]:
        cautions.append(f"{count_of(summary['begun_again'], 'route')} begun again after the simulator was lost.")
    return tuple(cautions)


def _goals(run: EvaluatedRun) -> dict[str, object] | None:
    """How many instructions were carried out; None where none was given."""
    heard = [each for drive in run.drives for each in drive.instructions if each.verdict != "said anew"]
    if not heard:
        return None
    judged = [each for each in heard if each.verdict in ("reached", "failed")]
    reached = sum(each.verdict == "reached" for each in judged)
    return {
        "reached": reached,
        "judged": len(judged),
        "unjudged": len(heard) - len(judged),
        "misleading": sum(each.misleading for each in heard),
        "percent": 100 * reached / max(len(judged), 1),
        "knew_the_route": run.summary["privileged"],
    }


def _infraction_table(found: Sequence[InfractionTotal]) -> Table:
    most = max((each.cost_points for each in found), default=0.0) or 1.0
    columns = (
        Column(title="Infraction"),
        Column(title="Count", numeric=True),
        Column(title="Per km", numeric=True, note="driven kilometres; outside the lanes: kilometres, by the 2.x rules"),
        Column(
            title="Points lost",
            numeric=True,
            note="by how much the mean score of a drive would be higher without any of this kind",
        ),
    )
    rows = tuple(
        (
            Cell(text=KINDS[each.kind].title),
            Cell(
                text=whole(each.count),
                sort=each.count,
            ),
            Cell(
                text=fixed(each.per_km, 2),
                sort=each.per_km,
            ),
            Cell(
                text=fixed(each.cost_points),
                sort=each.cost_points,
                bar=each.cost_points / most,
                tone="" if each.cost_points else "muted",
            ),
        )
        for each in sorted(found, key=lambda total: (-total.cost_points, -total.count))
        if each.count
    )
    return Table(columns=columns, rows=rows)


def _cards(run: EvaluatedRun, tracks: Mapping[str, DriveTrack], scale: SpeedScale) -> tuple[DriveCard, ...]:
    budget = MediaBudget(len(run.drives))
    worst_first = sorted(run.drives, key=lambda drive: (drive.record.score_composed, drive.index))
    return tuple(
        drive_card(run.rules, drive, tracks[drive.folder.name], scale=scale, budget=budget) for drive in worst_first
    )


def _overview(cards: Sequence[DriveCard]) -> Table:
    repeated = any(card.repetition for card in cards)
    columns = [
        Column(title="Route"),
        Column(title="Score", numeric=True),
        Column(title="Completion", numeric=True, note="percent of the route"),
        Column(title="Penalty", numeric=True, note="what the infractions leave of it"),
        Column(title="Infractions", numeric=True),
        Column(title="Ended"),
        Column(title="Time", numeric=True, note="simulated seconds"),
        Column(title="Town"),
    ]
    columns += [Column(title="Repetition", numeric=True)] if repeated else []
    return Table(columns=tuple(columns), rows=tuple(_overview_row(card, repeated=repeated) for card in cards))


def _overview_row(card: DriveCard, *, repeated: bool) -> tuple[Cell, ...]:
    row = (
        Cell(text=card.route_id, href=f"#{card.anchor}", sort=_natural(card.route_id)),
        Cell(text=fixed(card.score), sort=card.score, bar=card.score / 100),
        Cell(text=fixed(card.completion, 0), sort=card.completion),
        Cell(text=fixed(card.penalty, 2), sort=card.penalty),
        Cell(text=str(len(card.incidents)), sort=len(card.incidents)),
        Cell(text=card.status, tone="good" if card.succeeded else "bad"),
        Cell(text=fixed(card.end_s, 0), sort=card.end_s),
        Cell(text=card.town),
    )
    return (*row, Cell(text=str(card.repetition + 1), sort=card.repetition)) if repeated else row


def _natural(name: str) -> float | str:
    return float(name) if name.isdecimal() else name
