"""Random skeletons of humanoids, with which bone is which joint: for the search by structure.

Figures are built z up, facing -y, left at +x, about 1.7 units high; then they are turned, scaled and shuffled.
"""

# Tuples here are added to arrays, not to tuples.
# ruff: noqa: RUF005

from dataclasses import dataclass, field

import numpy as np

from sketch2pose_blender.core.rig_mapping import Skeleton

#: Side and sign of x.
SIDES = (("left", 1.0), ("right", -1.0))


@dataclass
class Figure:
    """A skeleton under construction.

    Attributes:
        rng: numpy generator.
        places: bone -> (3,) place of its head.
        parents: bone -> parent, None for a root.
        joints: SMPL joint -> bone.
        tails: bone -> (3,) place of its tail, where it is not left to chance.
    """

    rng: np.random.Generator
    places: dict[str, np.ndarray] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    joints: dict[str, str] = field(default_factory=dict)
    tails: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, name, parent, place, joint=None):
        self.places[name] = np.asarray(place, float)
        self.parents[name] = parent
        if joint is not None:
            self.joints[joint] = name
        return name

    def chain(self, name, parent, start, step, count, wander=0.2):
        """A chain of bones that goes on by about ``step``."""
        place, step = np.asarray(start, float), np.asarray(step, float)
        for number in range(count):
            parent = self.add(f"{name} {number}", parent, place)
            place = place + step + self.rng.normal(0, wander * np.linalg.norm(step), 3)
        return parent

    def pair(self, name, parent, start, step, count):
        """The same chain on both sides; ``parent`` may be of a side or of the middle."""
        seed = int(self.rng.integers(1 << 30))
        for side, sign in SIDES:
            of_side = parent.replace("left", side)
            flip = np.array((sign, 1, 1))
            one = Figure(np.random.default_rng(seed), self.places, self.parents)
            before = set(self.places)
            one.chain(f"{side} {name}", of_side, start, step, count)
            for bone in set(self.places) - before:
                self.places[bone] = self.places[bone] * flip

    def chance(self, probability):
        return self.rng.random() < probability

    def about(self, value, spread=0.2):
        return value * (1 + self.rng.uniform(-spread, spread))


def random_skeleton(seed):
    """A random humanoid: its Skeleton with numbers for names, joint -> number, and what each bone is."""
    rng = np.random.default_rng(seed)
    figure = Figure(rng)
    chest, head = _trunk(figure)
    _arms(figure, chest)
    _legs(figure)
    _head_parts(figure, head)
    _extras(figure, chest)
    return finished(figure)


def _trunk(figure):
    rng = figure.rng
    short = figure.chance(0.2)  # a child or a chibi
    hip_height = figure.about(0.6 if short else 0.95, 0.15)
    trunk = figure.about(0.45, 0.2)
    parent = None
    for number in range(rng.integers(0, 3)):
        parent = figure.add(f"root {number}", parent, (0, 0, 0 if figure.chance(0.8) else hip_height))
    lean = rng.normal(0, 0.015)
    pelvis = figure.add("pelvis", parent, (0, 0, hip_height), "pelvis")
    figure.legs_on = pelvis
    if figure.chance(0.15):  # Character Creator, Daz: the legs have a bone of their own
        figure.legs_on = figure.add("legs' pelvis", pelvis, (0, 0, hip_height - 0.01))
    count = int(rng.choice([1, 2, 3, 4, 5], p=[0.1, 0.25, 0.4, 0.15, 0.1]))
    first = rng.uniform(0.1, 0.25)
    shares = first + (1 - first) * np.concatenate([[0], np.sort(rng.uniform(0.5, 1.5, count - 1)).cumsum()])[
        :count
    ] / max(count * 1.2, 1)
    spine = []
    last = pelvis
    for number, share in enumerate(shares):
        place = (0, lean * share * 5 + rng.normal(0, 0.006), hip_height + trunk * share)
        last = figure.add(f"spine {number}", last, place)
        spine.append(last)
    chosen = [
        spine[0],
        *([spine[(count - 1) // 2]] if count > 2 else []),
        *([spine[-1]] if count > 1 else []),
    ]
    joints = ["spine1", *(["spine2"] if count > 2 else []), *(["spine3"] if count > 1 else [])]
    figure.joints |= dict(zip(joints, chosen, strict=True))
    chest = last
    if chest == spine[0] and figure.chance(0.1):
        figure.legs_on = chest  # Biped
    neck_height = hip_height + figure.about(trunk * 1.22, 0.06)
    necks = int(rng.choice([0, 1, 2], p=[0.1, 0.75, 0.15]))
    size = trunk * rng.uniform(0.17, 0.32)
    figure.size = figure.about(0.4 if short else 0.22, 0.15)  # of the head
    for number in range(necks):
        last = figure.add(f"neck {number}", last, (0, lean * 5, neck_height + size * number / max(necks, 1)))
    if necks:
        figure.joints["neck"] = "neck 0"
    head = figure.add(
        "head",
        last,
        (0, lean * 5 - rng.uniform(0, 0.02), neck_height + (size if necks else 0.7 * size)),
        "head",
    )
    figure.neck_height, figure.chest = neck_height, chest
    figure.hip_height = hip_height
    return chest, head


def _arms(figure, chest):
    rng = figure.rng
    base = figure.places[chest]
    drop = np.radians(
        rng.choice([rng.uniform(-8, 8), rng.uniform(25, 60), rng.uniform(60, 82)], p=[0.5, 0.4, 0.1])
    )
    forward = np.radians(rng.normal(0, 6))
    direction = np.array((np.cos(drop) * np.cos(forward), -np.sin(forward), -np.sin(drop)))
    bend = np.radians(max(0.0, rng.normal(4, 6)))
    lower = direction * np.cos(bend) + np.array((0, -1, 0)) * np.sin(bend)
    upper_length = figure.about(0.27, 0.2)
    lower_length = upper_length * rng.uniform(0.8, 1.12)
    wide = figure.about(0.17, 0.25)
    shoulder_height = figure.neck_height - rng.uniform(-0.02, 0.08)
    collar = figure.chance(0.85)
    second_collar = collar and figure.chance(0.08)
    twists = int(rng.choice([0, 1, 2, 3], p=[0.65, 0.2, 0.1, 0.05]))
    inline = figure.chance(0.4)
    fingers = int(rng.choice([0, 1, 2, 5], p=[0.25, 0.1, 0.1, 0.55]))
    palms = figure.chance(0.15)
    finger_bones = int(rng.integers(2, 5))
    on_neck = collar and figure.chance(0.05) and "neck 0" in figure.places
    collar_place = np.array(
        (
            rng.uniform(0.015, 0.05),
            base[1],
            min(shoulder_height, figure.neck_height) - (0.07 if on_neck else rng.uniform(0, 0.04)),
        )
    )
    shoulder = np.array((wide, base[1] + rng.normal(0, 0.01), shoulder_height))
    finger_wander = rng.normal(0, 0.3, (5, 3))
    hand_leaf = figure.chance(0.3)
    for side, sign in SIDES:
        flip = np.array((sign, 1, 1))
        parent = "neck 0" if on_neck else chest
        if collar:
            parent = figure.add(f"{side} collar", parent, collar_place * flip, f"{side}_collar")
            if second_collar:
                parent = figure.add(f"{side} collar 2", parent, (collar_place * 0.4 + shoulder * 0.6) * flip)
        elbow = shoulder + direction * upper_length
        wrist = elbow + lower * lower_length
        parent = figure.add(f"{side} shoulder", parent, shoulder * flip, f"{side}_shoulder")
        parent = _twisted(figure, f"{side} shoulder", shoulder * flip, elbow * flip, twists, inline)
        parent = figure.add(f"{side} elbow", parent, elbow * flip, f"{side}_elbow")
        parent = _twisted(figure, f"{side} elbow", elbow * flip, wrist * flip, twists, inline)
        hand = figure.add(f"{side} wrist", parent, wrist * flip, f"{side}_wrist")
        across = np.cross(lower, (0, 0, 1) if abs(lower[2]) < 0.9 else (0, 1, 0))
        across = -across / np.linalg.norm(across) * np.sign(across[1] or 1)  # forwards: the thumb's side
        hand_size = upper_length * 0.3
        for finger in range(fingers):
            thumb = finger == 0
            spread = across * (0.35 - 0.2 * finger) * hand_size
            start = wrist + lower * hand_size * (0.3 if thumb else 1.0) + spread * (1.4 if thumb else 1.0)
            on = hand
            if palms and not thumb:
                on = figure.add(
                    f"{side} palm {finger}", hand, (wrist + lower * hand_size * 0.3 + spread * 0.5) * flip
                )
            step = (lower + (0.7 * across if thumb else 0) + 0.1 * finger_wander[finger]) * hand_size * 0.35
            for bone in range(finger_bones):
                on = figure.add(f"{side} finger {finger} {bone}", on, (start + step * bone) * flip)
        if not fingers and hand_leaf:
            figure.add(f"{side} hand leaf", hand, (wrist + lower * hand_size) * flip)


def _twisted(figure, bone, start, end, count, inline):
    """Twist bones along a limb. Returns the bone that the limb goes on from."""
    parent = bone
    for number in range(count):
        place = start + (end - start) * (number + 0.5) / count
        twist = figure.add(f"{bone} twist {number}", parent, place)
        if inline:
            parent = twist
    return parent


def _legs(figure):
    rng = figure.rng
    height = figure.hip_height
    hip = np.array((figure.about(0.1, 0.3), rng.normal(0, 0.01), height - rng.uniform(-0.02, 0.08)))
    ankle_height = figure.about(0.08, 0.3)
    share = rng.uniform(0.46, 0.56)
    spread = rng.uniform(0, 0.08)
    ankle = np.array((hip[0] + spread, hip[1] + rng.uniform(0, 0.04), ankle_height))
    knee = hip + (ankle - hip) * share - np.array((0, abs(rng.normal(0, 0.015)), 0))
    toe = figure.chance(0.8)
    toe_leaf = toe and figure.chance(0.4)
    foot_leaf = not toe and figure.chance(0.4)
    heel = toe and figure.chance(0.1)
    single_toes = not toe and not foot_leaf and figure.chance(0.3)
    side_bone, side_bone_beside = figure.chance(0.12), figure.chance(0.5)
    twists = int(rng.choice([0, 1, 2], p=[0.75, 0.15, 0.1]))
    inline = figure.chance(0.3)
    foot = figure.about(0.13, 0.25)
    out = rng.uniform(0, 0.03)
    for side, sign in SIDES:
        flip = np.array((sign, 1, 1))
        parent = figure.legs_on
        if side_bone:
            start = (
                (hip * (0.3, 1, 1) + (0, 0, 0.03)) if side_bone_beside else figure.places[parent] * (0, 1, 1)
            )
            parent = figure.add(f"{side} pelvis side", parent, start * flip)
        figure.add(f"{side} hip", parent, hip * flip, f"{side}_hip")
        parent = _twisted(figure, f"{side} hip", hip * flip, knee * flip, twists, inline)
        figure.add(f"{side} knee", parent, knee * flip, f"{side}_knee")
        parent = _twisted(figure, f"{side} knee", knee * flip, ankle * flip, twists, inline)
        on = figure.add(f"{side} ankle", parent, ankle * flip, f"{side}_ankle")
        ball = ankle + np.array((out, -foot, -ankle_height * 0.75))
        figure.tails[on] = ball * flip
        if toe:
            on = figure.add(f"{side} toe", on, ball * flip, f"{side}_foot")
            if toe_leaf:
                figure.add(f"{side} toe end", on, (ball + (0, -0.06, 0)) * flip)
        elif foot_leaf:
            # Whether such a bone is a toe or marks the foot's end, the structure does not tell.
            figure.add(f"{side} foot end", on, ball * flip, f"{side}_foot")
        if heel:
            figure.add(f"{side} heel", f"{side} ankle", (ankle * (1, 1, 0) + (0, 0.05, 0)) * flip)
        if single_toes:
            for number in range(5):
                place = ball + np.array((0.04 - 0.02 * number, 0.005 * number, 0))
                first = figure.add(f"{side} toe {number} 0", f"{side} ankle", place * flip)
                figure.add(f"{side} toe {number} 1", first, (place + (0, -0.03, 0)) * flip)


def _head_parts(figure, head):
    place, size = figure.places[head], figure.size
    if figure.chance(0.3):
        figure.add("head end", head, place + (0, 0, size))
    if figure.chance(0.3):
        figure.add("jaw", head, place + (0, -0.02, 0.02))
    if figure.chance(0.4):
        figure.pair("eye", head, place + (0.03, -0.4 * size, 0.4 * size), (0, -0.01, 0), 1)
    if figure.chance(0.15):
        for number in range(figure.rng.integers(4, 16)):
            at = place + figure.rng.uniform((0.005, -0.5 * size, 0), (0.3 * size, -0.3 * size, 0.8 * size))
            figure.pair(f"face {number}", head, at, (0.004, -0.004, 0), int(figure.rng.integers(1, 3)))
    if figure.chance(0.2):  # hair
        for number in range(figure.rng.integers(1, 5)):
            at = place + figure.rng.uniform((0.02, -0.3 * size, 0.5 * size), (0.4 * size, 0.5 * size, size))
            step = figure.rng.uniform((0, 0, -0.09), (0.03, 0.03, -0.04))
            figure.pair(f"hair {number}", head, at, step, int(figure.rng.integers(2, 8)))
    if figure.chance(0.15):  # a pony tail
        figure.chain(
            "pony",
            head,
            place + (0, 0.4 * size, 0.7 * size),
            (0, 0.02, -0.08),
            int(figure.rng.integers(2, 9)),
        )
    if figure.chance(0.08):  # ears
        figure.pair(
            "ear", head, place + (0.4 * size, 0, 0.7 * size), (0.02, 0, 0.05), int(figure.rng.integers(1, 4))
        )
    if figure.chance(0.08):
        figure.chain("hat", head, place + (0, 0, size), (0, 0.02, 0.06), 2)


def _extras(figure, chest):
    rng = figure.rng
    base, hips = figure.places[chest], figure.places["pelvis"]
    if figure.chance(0.1):
        figure.chain("tail", "pelvis", hips + (0, 0.1, 0), (0, 0.1, -0.02), int(rng.integers(3, 9)))
    if figure.chance(0.07):
        step = rng.uniform((0.1, 0.0, -0.05), (0.25, 0.1, 0.1))
        figure.pair("wing", chest, base + (0.05, 0.1, 0.1), step, int(rng.integers(3, 6)))
    if figure.chance(0.12):  # a skirt
        for number in range(rng.integers(1, 5)):
            turn = rng.uniform(0.1, 3.0)
            out = np.array((np.sin(turn), -np.cos(turn), 0))
            step = out * 0.03 + (0, 0, -rng.uniform(0.06, 0.14))
            figure.pair(f"skirt {number}", "pelvis", hips + 0.12 * out, step, int(rng.integers(2, 6)))
    if figure.chance(0.1):
        figure.pair("breast", chest, base + (0.07, -0.1, 0.02), (0, -0.05, 0), int(rng.integers(1, 3)))
    if figure.chance(0.08):
        figure.chain("cape", chest, base + (0, 0.1, 0.1), (0, 0.03, -0.15), int(rng.integers(2, 7)))
    if figure.chance(0.15):
        side = str(rng.choice(["left", "right"]))
        figure.add("weapon", f"{side} wrist", figure.places[f"{side} wrist"] + (0, -0.05, 0))
        if figure.chance(0.4):
            figure.add("weapon end", "weapon", figure.places["weapon"] + (0, -0.5, 0.5))
    if figure.chance(0.15):
        root = next(iter(figure.places))
        for joint, name in (("wrist", "hand IK"), ("ankle", "foot IK")):
            figure.pair(name, root, figure.places[f"left {joint}"], (0, 0.1, 0), 1)
        if figure.chance(0.6):
            figure.pair("knee pole", root, figure.places["left knee"] + (0, -0.5, 0), (0, 0, 0), 1)
            figure.pair("elbow pole", root, figure.places["left elbow"] + (0, 0.5, 0), (0, 0, 0), 1)
    if figure.chance(0.1):  # pockets, holsters, pads
        figure.pair("holster", "left hip", figure.places["left hip"] + (0.06, 0, -0.1), (0, 0, -0.05), 1)
        figure.pair(
            "pad", "left shoulder", figure.places["left shoulder"] + (0.02, 0, 0.06), (0.03, 0, 0.01), 1
        )
    if figure.chance(0.05):
        figure.add("camera", None, (0, 0.5, 1.2))


def finished(figure):
    """Shuffle, turn and scale a figure: its Skeleton, joint -> number of its bone, and what each bone is."""
    rng = figure.rng
    names = list(figure.places)
    order = rng.permutation(len(names))
    shuffled = [names[number] for number in order]
    places = np.array([figure.places[name] for name in shuffled])
    tails = places + rng.normal(0, 0.03, places.shape)
    for number, name in enumerate(shuffled):
        if name in figure.tails and figure.chance(0.5):
            tails[number] = figure.tails[name]
    if figure.chance(0.3):  # motion capture and hand work are never quite the same on both sides
        places = places + rng.normal(0, 0.003, places.shape)
    axes = rng.permutation(3)
    turn = np.zeros((3, 3))
    turn[range(3), axes] = rng.choice([-1.0, 1.0], 3)
    if np.linalg.det(turn) < 0:
        turn[0] *= -1
    scale = float(np.exp(rng.uniform(-4, 4)))
    offset = rng.normal(0, 0.3, 3) if figure.chance(0.2) else np.zeros(3)
    index = {name: number for number, name in enumerate(shuffled)}
    parents = tuple(-1 if figure.parents[n] is None else index[figure.parents[n]] for n in shuffled)
    skeleton = Skeleton(
        tuple(str(number) for number in range(len(shuffled))),
        parents,
        ((places + offset) @ turn.T) * scale,
        ((tails + offset) @ turn.T) * scale,
        np.eye(4),
    )
    return skeleton, {joint: str(index[name]) for joint, name in figure.joints.items()}, shuffled
