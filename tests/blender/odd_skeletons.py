"""Random humanoids of other builds than those of random_skeletons: as game engines, hobbyists and mocap suits have.

They are z up, facing -y, left at +x, about 1.7 units high, before :func:`random_skeletons.finished` turns them.
What is no joint of SMPL stands in the way on purpose: muscles, twists, targets, clothes, hair, things carried.
"""

# Tuples here are added to arrays, not to tuples.
# ruff: noqa: RUF005

import numpy as np
from random_skeletons import SIDES, Figure, finished


def odd_skeleton(seed):
    """A random humanoid: its Skeleton with numbers for names, joint -> number, and what each bone is."""
    rng = np.random.default_rng((77, seed))
    figure = Figure(rng)
    build = str(rng.choice(["adult", "adult", "child", "chibi", "long arms", "tall"]))
    figure.leg = {"adult": 0.9, "child": 0.55, "chibi": 0.35, "long arms": 0.6, "tall": 1.2}[build]
    figure.leg *= rng.uniform(0.9, 1.1)
    figure.trunk = {"adult": 0.47, "child": 0.38, "chibi": 0.3, "long arms": 0.55, "tall": 0.45}[build]
    figure.trunk *= rng.uniform(0.9, 1.1)
    figure.arm = {"adult": 0.29, "child": 0.2, "chibi": 0.14, "long arms": 0.42, "tall": 0.33}[build]
    figure.arm *= rng.uniform(0.9, 1.1)
    figure.skull = {"adult": 0.2, "child": 0.22, "chibi": 0.38, "long arms": 0.2, "tall": 0.2}[build]
    _trunk(figure)
    _legs(figure)
    _arms(figure)
    _head(figure)
    _helpers(figure)
    _clothes(figure)
    return finished(figure)


def _trunk(figure):
    rng, hips = figure.rng, figure.leg + 0.08
    parent = None
    for number, height in enumerate(rng.choice([0.0, 0.0, hips], rng.integers(0, 3))):
        parent = figure.add(f"root {number}", parent, (0, 0, height))
    low = figure.chance(0.1)  # MikuMikuDance turns the figure about a centre below the hips
    pelvis = figure.add("pelvis", parent, (0, 0, hips - (0.3 * figure.leg if low else 0)), "pelvis")
    figure.legs_on = pelvis
    if low or figure.chance(0.15):
        figure.legs_on = figure.add("lower body", pelvis, (0, 0, hips + (0.1 if low else -0.01)))
    count = int(rng.integers(1, 7))
    # A lower back at the pelvis's own place is a joint of SMPL where there are few.
    start = 0.0 if figure.chance(0.15) and 1 < count < 4 else rng.uniform(0.08, 0.25)
    heights = start + (0.78 - start) * np.linspace(0, 1, count + 1)[:-1] ** rng.uniform(0.8, 1.2)
    curve = rng.uniform(-0.03, 0.03)
    spine, last = [], pelvis
    for number, height in enumerate(heights):
        place = (0, curve * np.sin(np.pi * height), hips + figure.trunk * height)
        last = figure.add(f"spine {number}", last, place)
        spine.append(last)
    figure.joints["spine1"] = spine[0]
    if count > 2:
        figure.joints["spine2"] = spine[(count - 1) // 2]
    if count > 1:
        figure.joints["spine3"] = spine[-1]
    figure.hips, figure.chest, figure.spine = hips, last, spine
    necks = int(rng.choice([0, 1, 2, 3], p=[0.15, 0.6, 0.15, 0.1]))
    base, neck = hips + figure.trunk * rng.uniform(1.1, 1.25), figure.trunk * rng.uniform(0.14, 0.24)
    for number in range(necks):
        last = figure.add(f"neck {number}", last, (0, 0.01 * number, base + neck * number / necks))
    if necks:
        figure.joints["neck"] = "neck 0"
    figure.add("head", last, (0, -0.01, base + (neck if necks else 0.6 * neck)), "head")
    figure.base = base


def _legs(figure):
    rng, height = figure.rng, figure.hips
    wide = rng.uniform(0.07, 0.13)
    spread, bend = rng.uniform(0, 0.15), rng.uniform(0, 0.05)
    hip = np.array((wide, 0, height - rng.uniform(0, 0.06)))
    ankle = np.array((wide + spread * figure.leg, 0.02, rng.uniform(0.06, 0.12)))
    knee = hip + (ankle - hip) * rng.uniform(0.46, 0.54) - (0, bend * figure.leg, 0)
    foot = rng.uniform(0.1, 0.17) * min(1.0, figure.leg / 0.8)
    ball = ankle + (0.01, -foot, -0.8 * ankle[2])
    toe = figure.chance(0.75)
    beside, above = figure.chance(0.12), figure.chance(0.1)
    twist = str(rng.choice(["none", "beside", "inline", "same place"], p=[0.6, 0.15, 0.1, 0.15]))
    five = toe and figure.chance(0.12)
    for side, sign in SIDES:
        flip = np.array((sign, 1, 1))
        on = figure.legs_on
        if above:  # CMU's hip joints
            on = figure.add(f"{side} hip joint", on, figure.places["pelvis"] * (1, 1, 1))
        elif beside:
            on = figure.add(f"{side} buttock", on, (hip * (0.4, 1, 1) + (0, 0.02, 0.05)) * flip)
        on = figure.add(f"{side} hip", on, hip * flip, f"{side}_hip")
        on = _twist(figure, on, hip * flip, knee * flip, twist)
        on = figure.add(f"{side} knee", on, knee * flip, f"{side}_knee")
        on = _twist(figure, on, knee * flip, ankle * flip, twist)
        on = figure.add(f"{side} ankle", on, ankle * flip, f"{side}_ankle")
        figure.tails[on] = ball * flip
        if toe:
            on = figure.add(f"{side} toe", on, ball * flip, f"{side}_foot")
            if five:
                for number in range(5):
                    place = ball + (0.03 - 0.015 * number, -0.02 + 0.004 * number, 0)
                    figure.add(f"{side} toe {number}", on, place * flip)
            elif figure.chance(0.4):
                figure.add(f"{side} toe end", on, (ball + (0, -0.05, 0)) * flip)
    if not toe:
        return
    if figure.chance(0.15):
        figure.pair("heel", "left ankle", ankle * (1, 1, 0) + (0, 0.35 * foot, 0), (0, 0, 0), 1)


def _twist(figure, bone, start, end, kind):
    """One or two bones that share a limb's twist. Returns the bone that the limb goes on from."""
    if kind == "none":
        return bone
    if kind == "same place":
        figure.add(f"{bone} twist", bone, start)
        return bone
    for number in range(2 if kind == "beside" else 1):
        twist = figure.add(f"{bone} twist {number}", bone, start + (end - start) * (0.35 + 0.3 * number))
    return twist if kind == "inline" else bone


def _arms(figure):
    rng = figure.rng
    drop = np.radians(rng.choice([rng.uniform(-5, 10), rng.uniform(30, 55), rng.uniform(65, 85)]))
    forward = np.radians(rng.choice([rng.uniform(-8, 8), rng.uniform(10, 35)], p=[0.85, 0.15]))
    upper = np.array((np.cos(drop) * np.cos(forward), -np.cos(drop) * np.sin(forward), -np.sin(drop)))
    bend = np.radians(rng.choice([0, rng.uniform(5, 40)]))
    lower = upper * np.cos(bend) + np.array((0, -1, 0)) * np.sin(bend)
    lower = lower / np.linalg.norm(lower)
    wide = max(0.1, 0.37 * figure.trunk * rng.uniform(0.8, 1.25))
    shoulder = np.array((wide, 0.01, figure.base - rng.uniform(0, 0.12) * figure.trunk))
    elbow = shoulder + figure.arm * upper
    wrist = elbow + figure.arm * rng.uniform(0.85, 1.05) * lower
    collars = int(rng.choice([0, 1, 2], p=[0.2, 0.75, 0.05]))
    collar = np.array((rng.uniform(0.01, 0.06), 0, shoulder[2] - rng.uniform(-0.02, 0.05)))
    twist = str(rng.choice(["none", "beside", "inline", "same place"], p=[0.55, 0.2, 0.1, 0.15]))
    muscles = figure.chance(0.15)
    fingers, joints = int(rng.choice([0, 1, 3, 4, 5], p=[0.2, 0.1, 0.15, 0.15, 0.4])), int(rng.integers(1, 5))
    palms, size = figure.chance(0.25), 0.33 * figure.arm
    across = np.cross(lower, (0, 0, 1) if abs(lower[2]) < 0.8 else (1, 0, 0))
    across = across / np.linalg.norm(across) * (-1 if across[1] > 0 else 1)
    for side, sign in SIDES:
        flip = np.array((sign, 1, 1))
        on = figure.chest
        if collars:
            on = figure.add(f"{side} collar", on, collar * flip, f"{side}_collar")
            if collars > 1:
                figure.add(f"{side} trapezius", on, (0.5 * collar + 0.5 * shoulder + (0, 0.02, 0.02)) * flip)
        on = figure.add(f"{side} shoulder", on, shoulder * flip, f"{side}_shoulder")
        if muscles:
            for name, share in (("biceps", 0.45), ("triceps", 0.55)):
                aside = (0, -0.03 if name == "biceps" else 0.03, 0)
                figure.add(f"{side} {name}", on, (shoulder + (elbow - shoulder) * share + aside) * flip)
        on = _twist(figure, on, shoulder * flip, elbow * flip, twist)
        on = figure.add(f"{side} elbow", on, elbow * flip, f"{side}_elbow")
        on = _twist(figure, on, elbow * flip, wrist * flip, twist)
        hand = figure.add(f"{side} wrist", on, wrist * flip, f"{side}_wrist")
        for finger in range(fingers):
            thumb = finger == 0 and fingers > 1
            spread = across * size * ((0.5 if thumb else 0.45) - (0 if thumb else 0.25 * (finger - 1)))
            start = wrist + lower * size * (0.35 if thumb else 1.0) + spread
            step = (lower + (0.8 if thumb else 0.0) * across) * size * 0.35
            on = hand
            if palms and not thumb:
                on = figure.add(f"{side} palm {finger}", hand, (wrist + 0.2 * (start - wrist)) * flip)
            for joint in range(joints):
                on = figure.add(f"{side} finger {finger} {joint}", on, (start + joint * step) * flip)
    figure.wrist = wrist


def _head(figure):
    place, skull = figure.places["head"], figure.skull
    if figure.chance(0.35):
        figure.add("head end", "head", place + (0, 0, skull * (0 if figure.chance(0.15) else 1)))
    face = "head"
    if figure.chance(0.2):
        aside = (0, -0.3 * skull, 0.3 * skull) if figure.chance(0.5) else (0, 0, 0)
        face = figure.add("face", "head", place + aside)
    if figure.chance(0.4):
        figure.pair("eye", face, place + (0.15 * skull, -0.4 * skull, 0.45 * skull), (0, -0.02, 0), 1)
    if figure.chance(0.3):
        figure.chain("jaw", face, place + (0, -0.1 * skull, 0.1 * skull), (0, -0.3 * skull, -0.05), 2, 0.05)
    if figure.chance(0.2):
        for number in range(int(figure.rng.integers(3, 12))):
            low, high = (0.03 * skull, -0.5 * skull, 0.05 * skull), (0.3 * skull, -0.3 * skull, 0.7 * skull)
            figure.pair(f"face {number}", face, place + figure.rng.uniform(low, high), (0, 0, 0), 1)
    if figure.chance(0.25):  # hair, twin tails to the floor among it
        for number in range(int(figure.rng.integers(1, 4))):
            at = place + figure.rng.uniform((0.1, -0.3, 0.4), (0.5, 0.5, 1.0)) * skull
            length = int(figure.rng.integers(2, 10))
            figure.pair(f"hair {number}", "head", at, (0.01, 0.01, -min(0.09, at[2] / (length + 2))), length)
    if figure.chance(0.2):
        at = place + (0, 0.4 * skull, 0.6 * skull)
        figure.chain("pony tail", "head", at, (0, 0.02, -0.07), int(figure.rng.integers(2, 8)))
    if figure.chance(0.1):
        figure.pair("ear", "head", place + (0.3 * skull, 0, 0.8 * skull), (0.03, 0, 0.07), 3)


def _helpers(figure):
    root = next(iter(figure.places))
    if figure.chance(0.2):  # targets, with the feet's rolls
        for joint in ("wrist", "ankle"):
            figure.pair(f"{joint} target", root, figure.places[f"left {joint}"], (0, 0, 0), 1)
        if figure.chance(0.5):
            figure.pair("knee pole", root, figure.places["left knee"] + (0, -0.5, 0), (0, 0, 0), 1)
            figure.pair("elbow pole", root, figure.places["left elbow"] + (0, 0.5, 0), (0, 0, 0), 1)
        if figure.chance(0.4):
            at = figure.places["left ankle"]
            figure.pair(
                "foot roll", "left ankle target 0", at * (1, 1, 0) + (0, 0.06, 0), (0, -0.08, 0.01), 3
            )
    if figure.chance(0.15):  # corrective bones
        for joint in ("elbow", "knee"):
            limb = {"elbow": "shoulder", "knee": "hip"}[joint]
            figure.pair(
                f"{joint} helper", f"left {limb}", figure.places[f"left {joint}"] + (0, 0.03, 0), (0, 0, 0), 1
            )
    if figure.chance(0.15):
        base = figure.places[figure.chest]
        figure.pair("pectoral", figure.chest, base + (0.08, -0.1, 0.03), (0.02, -0.02, 0), 1)
        figure.pair("latissimus", figure.chest, base + (0.1, 0.07, -0.02), (0.02, 0.01, -0.05), 1)
    if figure.chance(0.12):
        figure.pair("breast", figure.chest, figure.places[figure.chest] + (0.07, -0.1, 0), (0, -0.05, 0), 2)
    if figure.chance(0.08):
        figure.add("belly", figure.spine[0], figure.places[figure.spine[0]] + (0, -0.15, 0))
    for name in ("head", figure.chest, "pelvis"):
        if figure.chance(0.08):
            figure.add(f"{name} attach", name, figure.places[name])


def _clothes(figure):
    rng, hips = figure.rng, np.array((0, 0, figure.hips))
    base = figure.places[figure.chest]
    if figure.chance(0.2):  # a skirt, in front and behind too
        step = (0, 0, -0.25 * figure.leg / 3)
        for number in range(int(rng.integers(1, 4))):
            turn = 0.4 + 0.9 * number
            out = np.array((np.sin(turn), -np.cos(turn), 0))
            figure.pair(f"skirt {number}", "pelvis", hips + 0.14 * out, step + 0.02 * out, 3)
        if figure.chance(0.5):
            figure.chain("skirt front", "pelvis", hips + (0, -0.14, 0), step, 3, 0.05)
            figure.chain("skirt back", "pelvis", hips + (0, 0.14, 0), step, 3, 0.05)
    if figure.chance(0.12):
        figure.chain("tail", "pelvis", hips + (0, 0.1, 0.02), (0, 0.08, -0.04), int(rng.integers(3, 9)))
    if figure.chance(0.1):
        figure.pair(
            "coat", figure.spine[0], hips + (0.12, 0.08, 0), (0.01, 0.02, -0.12), int(rng.integers(2, 5))
        )
    if figure.chance(0.1):
        figure.chain("cape", figure.chest, base + (0, 0.1, 0.1), (0, 0.02, -0.14), int(rng.integers(2, 6)))
    if figure.chance(0.08):
        figure.pair(
            "wing", figure.chest, base + (0.05, 0.12, 0.1), (0.2, 0.08, 0.06), int(rng.integers(3, 6))
        )
    if figure.chance(0.1):
        figure.chain("backpack", figure.chest, base + (0, 0.15, 0), (0, 0.03, -0.1), 2)
    if figure.chance(0.2):
        side = str(rng.choice(["left", "right"]))
        hand = figure.places[f"{side} wrist"]
        figure.chain("weapon", f"{side} wrist", hand + (0, -0.08, 0), (0, -0.3, 0.3), int(rng.integers(1, 4)))
    if figure.chance(0.1):
        figure.add("shield", "left elbow", figure.places["left elbow"] + (0.05, 0, 0.05))
    if figure.chance(0.1):
        figure.pair(
            "sleeve", "left elbow", figure.places["left elbow"] + (0.02, 0, -0.03), (0.05, 0, -0.05), 3
        )
    if figure.chance(0.1):
        figure.pair(
            "pad", "left shoulder", figure.places["left shoulder"] + (0.02, 0, 0.06), (0.04, 0, 0.02), 1
        )
    if figure.chance(0.05):
        figure.add("camera", None, (0, -2.0, 1.5))
