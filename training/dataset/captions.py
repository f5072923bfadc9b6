"""Captions from what is known of a drawing: style, hand, view, posture and how much is shown."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from ..drawing.chance import pick
from ..drawing.record import Drawing, DrawnFigure

_STYLES: dict[str, tuple[str, ...]] = {
    "pencil": ("a pencil drawing", "a graphite sketch", "a pencil outline"),
    "ink": ("an ink drawing", "a clean line drawing", "a pen drawing"),
    "brush": ("a brush drawing", "a drawing in brush ink"),
    "charcoal": ("a charcoal drawing", "a drawing in charcoal"),
    "engraving": ("an engraving", "a hatched engraving"),
    "cartoon": ("a flat cartoon", "clip art", "a cartoon"),
    "oil": ("an oil sketch", "a painting in short strokes", "a painted sketch"),
    "wash": ("an ink wash drawing", "a watercolour sketch", "a loose wash drawing"),
    "silhouette": ("a silhouette", "a solid shape", "a shadow figure"),
    "stick": ("a stick figure", "a stick man drawing"),
    "pictogram": ("a pictogram", "a rounded icon"),
    "construction": ("a construction drawing", "an artist's first construction of masses"),
    "box_mannequin": ("a mannequin of boxes", "a figure built of boxes in perspective"),
    "cylinder_mannequin": ("a mannequin of cylinders", "a figure built of tubes and joint balls"),
    "children": ("a child's drawing", "a drawing by a child"),
    "mannequin": ("a mannequin sketch", "a wooden doll of ovals and tubes"),
    "doodle": ("an ink doodle", "a doodle with bendy limbs"),
    "gesture": ("a gesture drawing", "a quick gesture sketch"),
}
_PARTS = {"waist_up": "from the waist up", "bust": "as a bust", "legs": "of the legs only"}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")


def caption(drawing: Drawing) -> str:
    """One English sentence without a full stop; the same drawing always gives the same words."""
    rng = np.random.default_rng((drawing.seed, 7))
    kinds = _STYLES.get(drawing.style, (f"a {drawing.style} drawing",))
    words = [
        pick(rng, kinds),
        "by a practised hand" if drawing.regime == "expert" else "by an unsure hand",
    ]
    figure, *others = drawing.figures
    if others:
        return f"{' '.join(words)} with {_NUMBERS[len(drawing.figures)]} figures"
    who = "of a person" if rng.random() < 0.5 else "of a figure"
    if figure.part != "whole":
        who += f" {_PARTS[figure.part]}"
    return ", ".join([f"{words[0]} {words[1]} {who} {view(figure)}", *posture(figure)])


def view(figure: DrawnFigure) -> str:
    """From where the figure is seen, in words."""
    if figure.facing > 0.8:
        return "seen from the front"
    if figure.facing > 0.35:
        return "in three-quarter view"
    if figure.facing > -0.35:
        return "in profile"
    return "seen from behind"


def posture(figure: DrawnFigure) -> list[str]:
    """What the body does, in words: from the picture's own 3D joints, so lying and standing on the head count."""
    at = {name: figure.keypoints3d[keypoint_index(name)] for name in _JOINTS}
    spine = at["neck"] - at["pelvis"]
    upright = float(-spine[1] / max(np.linalg.norm(spine), 1e-6))
    words = []
    if upright < -0.5:
        words.append("upside down")
    elif upright < 0.35:
        words.append("lying or bent over")
    bent = {side: _bend(at[f"{side}_hip"], at[f"{side}_knee"], at[f"{side}_ankle"]) for side in _SIDES}
    if upright > 0.35 and min(bent.values()) > 70:
        words.append("sitting or crouching")
    elif upright > 0.35 and max(bent.values()) > 70:
        words.append("with one knee bent")
    raised = sum(at[f"{side}_wrist"][1] < at["head"][1] for side in _SIDES) if upright > 0.35 else 0
    if raised:
        words.append("both arms raised" if raised == len(_SIDES) else "one arm raised")
    return words


_SIDES = ("left", "right")
_JOINTS = ("pelvis", "neck", "head", *(f"{s}_{n}" for s in _SIDES for n in ("hip", "knee", "ankle", "wrist")))


def _bend(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    """Degrees by which the chain a-b-c departs from straight."""
    first, second = b - a, c - b
    cosine = first @ second / max(float(np.linalg.norm(first) * np.linalg.norm(second)), 1e-9)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
