"""Tables of scores in Markdown: means over figures with bootstrap intervals, small groups pooled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .metrics import bootstrap
from .score import HYPOTHESES, Score

#: Styles with fewer figures than this are reported together.
SMALLEST_GROUP = 6


@dataclass(frozen=True)
class Column:
    """A metric and how it is printed: title, format of the mean, factor before printing."""

    metric: str
    title: str
    digits: int = 1
    factor: float = 1.0


PLANE = (
    Column("pck10", "PCK@0.1 %", factor=100),
    Column("pck05", "PCK@0.05 %", factor=100),
    Column("pck10_swap_free", "swap-free %", factor=100),
    Column("swapped", "swaps %", factor=100),
    Column("angle_2d", "angle 2D °"),
    Column("depth", "front/behind %", factor=100),
)
SPACE = (
    Column("angle_3d", "angle 3D °"),
    Column("angle_3d_ends", "end bones °"),
    Column("angle_3d_either", "better reading °"),
    Column("mpjpe", "MPJPE mm", 0),
    Column("pa_mpjpe", "PA-MPJPE mm", 0),
    Column("mpve", "MPVE mm", 0),
)
CONTACT = (
    Column("contact_recall", "contact recall %", factor=100),
    Column("contact_precision", "contact precision %", factor=100),
    Column("posed_contact_recall", "posed bodies: recall %", factor=100),
    Column("posed_contact_precision", "precision %", factor=100),
    Column("penetration", "penetration mm"),
    Column("penetration_true", "of the true pose mm"),
)
SHAPE = (
    Column("betas", "betas, mean square error", 3),
    Column("betas_zero", "of zero", 3),
    Column("lengths", "bone lengths, mean error %", factor=100),
    Column("lengths_zero", "of an adult's %", factor=100),
    Column("outside_recall", "outside, recall %", factor=100),
    Column("outside_precision", "outside, precision %", factor=100),
)
SIDE_BY_SIDE = (
    Column("found", "found %", factor=100),
    *PLANE,
    Column("angle_limbs", "limbs 3D °"),
)


def mean(scores: Sequence[Score], column: Column) -> tuple[float, float, float] | None:
    """Weighted mean of a metric over figures and its 95 % interval, as printed; None where nothing has it."""
    pairs = [score.values.get(column.metric, (0.0, 0.0)) for score in scores]
    values, weights = np.array(pairs, float).reshape(-1, 2).T
    if not weights.sum():
        return None
    low, high = bootstrap(values, weights)
    return (
        column.factor * float((values * weights).sum() / weights.sum()),
        column.factor * low,
        column.factor * high,
    )


def groups(scores: Sequence[Score], by: str, least: int = SMALLEST_GROUP) -> dict[str, list[Score]]:
    """Scores by ``style``, ``view`` or ``part``; groups with fewer than ``least`` are pooled as "others"."""
    found: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        if getattr(score, by):
            found[getattr(score, by)].append(score)
    small = [name for name in found if len(found[name]) < least]
    pooled = [score for name in small for score in found.pop(name)]
    ordered = dict(sorted(found.items()))
    return ordered | ({"others": pooled} if pooled else {})


def best_of(scores: Sequence[Score]) -> tuple[Column, ...]:
    """Columns of the best of N hypotheses, for every N up to the most that a figure has; none where all have one."""
    most = max((score.values.get("hypotheses", (1.0, 1.0))[0] for score in scores), default=1.0)
    counts = [count for count in HYPOTHESES if count <= most]
    if not counts:
        return ()
    return (
        Column("hypotheses", "hypotheses"),
        *(Column(f"angle_3d_of_{count}", f"angle 3D °, best of {count}") for count in counts),
        *(
            Column(f"{metric}_of_{count}", f"{title} mm, best of {count}", 0)
            for metric, title in (("mpjpe", "MPJPE"), ("pa_mpjpe", "PA-MPJPE"), ("mpve", "MPVE"))
            for count in counts
        ),
        Column("diversity", "diversity °"),
    )


def table(rows: Mapping[str, Sequence[Score]], columns: Sequence[Column]) -> str:
    """A Markdown table: one row a group, "mean (low-high)" in every cell; columns that nothing has are left out."""
    cells = {name: [mean(scores, column) for column in columns] for name, scores in rows.items()}
    used = [k for k in range(len(columns)) if any(row[k] for row in cells.values())]
    lines = [
        "| | figures | " + " | ".join(columns[k].title for k in used) + " |",
        "|---|--:|" + "--:|" * len(used),
    ]
    for name, row in cells.items():
        texts = [_cell(row[k], columns[k].digits) for k in used]
        lines.append(f"| {name} | {len(rows[name])} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def _cell(value: tuple[float, float, float] | None, digits: int) -> str:
    if value is None:
        return ""
    centre, low, high = value
    return f"{centre:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"
