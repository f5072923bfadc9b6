"""Palms and soles look where the source's do, however hands are turned at rest, and whatever fingers are called."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector
from posed import hypothesis, random_pose
from rigs import MIXAMO, imported, random_humanoid, rest_frame, truth, unit, worst_direction

from backend.body import global_rotations, load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.core.rest_frames import joint_rotations
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid

BODY = load_body()
SIDES = ("left", "right")
FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")


def palm(along, across, side):
    """Where a palm looks: ``along`` to the fingers, ``across`` from the little finger to the thumb's side."""
    return unit(np.cross(along, across) if side == "left" else np.cross(across, along))


def degrees(first, second):
    return float(np.degrees(np.arccos(np.clip(unit(first) @ unit(second), -1, 1))))


def add_fingers(armature, rng, names):
    """Five fingers on each hand, the hand bent and turned about the forearm by up to 100 degrees."""
    twist, bend = np.radians(rng.uniform(-100, 100)), np.radians(rng.uniform(-30, 30))
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for side, sign in (("left", 1), ("right", -1)):
        wrist = bones[MIXAMO[f"{side}_wrist"]]
        forearm = wrist.head - bones[MIXAMO[f"{side}_elbow"]].head
        size, along = 0.35 * forearm.length, forearm.normalized()
        forwards = (Vector((0, -1, 0)) - along * -along.y).normalized()
        up = along.cross(forwards) * sign
        turn = Matrix.Rotation(sign * twist, 3, along) @ Matrix.Rotation(bend, 3, forwards)
        along, forwards, up = turn @ along, turn @ forwards, turn @ up
        for number, finger in enumerate(FINGERS):
            thumb = number == 0
            aside = 0.6 if thumb else 0.55 - 0.3 * number
            place = wrist.head + size * (along * (0.4 if thumb else 1.0) + forwards * aside)
            step = (along + forwards * (0.9 if thumb else 0.05 * (2 - number))) - up * (0.3 if thumb else 0.1)
            parent = wrist
            for joint in range(3):
                bone = bones.new(names(side, finger, joint))
                bone.head, bone.tail = place, place + step * 0.4 * size
                bone.parent, bone.roll = parent, rng.uniform(-3, 3)
                place, parent = bone.tail, bone
    bpy.ops.object.mode_set(mode="OBJECT")


def shown_palm(armature, wrist, index, little, side):
    head = {name: np.array(armature.pose.bones[name].head) for name in (wrist, index, little)}
    return palm((head[index] + head[little]) / 2 - head[wrist], head[index] - head[little], side)


def source_palm(pose, side):
    """Where the source's palm looks, SMPL rest frame: down in the T-pose, across the hand."""
    rest = BODY.rest(np.array(pose.betas, np.float32))[1]
    wrist, hand = (JOINT_NAMES.index(f"{side}_{joint}") for joint in ("wrist", "hand"))
    along = unit(rest[hand] - rest[wrist])
    down = np.array((0, -1.0, 0))
    return global_rotations(joint_rotations(pose))[wrist] @ unit(down - along * (along @ down))


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_palms_and_soles_look_where_the_sources_do(seed, named):
    rng = np.random.default_rng(seed)
    armature = random_humanoid(rng, MIXAMO)

    def called(side, finger, joint):
        number = f"{side} {rng.integers(1 << 30)}"
        return f"mixamorig:{side.title()}Hand{finger}{joint}" if named else number

    add_fingers(armature, rng, called)
    knuckles = {}
    for side in SIDES:
        hand = armature.data.bones[MIXAMO[f"{side}_wrist"]]
        chains = sorted((b for b in hand.children if len(b.children_recursive) == 2), key=lambda b: b.name)
        # As they were made: thumb first.
        chains = [b for b in armature.data.bones if b in chains]
        knuckles[side] = chains[1].name, chains[4].name
    for _ in range(3):
        pose = hypothesis(BODY, random_pose(rng), rng.normal(size=10))
        pose_humanoid(find_humanoid(armature), pose, BODY)
        assert worst_direction(armature, MIXAMO, pose, BODY) < 0.05
        frame = rest_frame(armature, MIXAMO)
        for side in SIDES:
            own = shown_palm(armature, MIXAMO[f"{side}_wrist"], *knuckles[side], side)
            assert degrees(frame.T @ own, source_palm(pose, side)) < 3
            foot = armature.pose.bones[MIXAMO[f"{side}_ankle"]]
            turn = np.array(foot.matrix.to_3x3().normalized()) @ np.array(foot.bone.matrix_local.to_3x3()).T
            sole = global_rotations(joint_rotations(pose))[JOINT_NAMES.index(f"{side}_ankle")][:, 1]
            assert degrees(frame.T @ turn @ frame[:, 1], sole) < 0.1


def test_without_fingers_a_hand_turns_with_its_forearm():
    armature = random_humanoid(np.random.default_rng(2), MIXAMO)
    pose_humanoid(
        find_humanoid(armature), hypothesis(BODY, np.concatenate([[[np.pi, 0, 0]], np.zeros((23, 3))])), BODY
    )
    bpy.context.view_layer.update()
    for side in SIDES:
        hand, forearm = (armature.pose.bones[MIXAMO[f"{side}_{joint}"]] for joint in ("wrist", "elbow"))
        turns = [
            np.array(b.matrix.to_3x3()) @ np.array(b.bone.matrix_local.to_3x3()).T for b in (hand, forearm)
        ]
        np.testing.assert_allclose(*turns, atol=1e-4)


def test_a_generated_rigify_rigs_palms(rigify_rig):
    rng = np.random.default_rng(3)
    for _ in range(3):
        pose = hypothesis(BODY, random_pose(rng, 0.5))
        pose_humanoid(find_humanoid(rigify_rig), pose, BODY)
        bpy.context.view_layer.update()
        for side in SIDES:
            letter = side[0].upper()
            names = (f"ORG-{bone}.{letter}" for bone in ("hand", "f_index.01", "f_pinky.01"))
            own = shown_palm(rigify_rig, *names, side)
            # Rigify stands along the axes, z up, facing -y.
            assert degrees(own @ [[1, 0, 0], [0, 0, -1], [0, 1, 0]], source_palm(pose, side)) < 4


def skin(armature, names):
    """(V, 3) armature space, linearly skinned, of the vertices that the bones of these names move."""
    found = []
    for thing in bpy.data.objects:
        if thing.type != "MESH" or thing.find_armature() != armature:
            continue
        groups = {g.index: armature.pose.bones[g.name] for g in thing.vertex_groups if g.name in names}
        moves = {g: bone.matrix @ bone.bone.matrix_local.inverted() for g, bone in groups.items()}
        to_armature = armature.matrix_world.inverted() @ thing.matrix_world
        for vertex in thing.data.vertices:
            weights = {g.group: g.weight for g in vertex.groups if g.group in groups}
            whole = sum(weights.values())
            if whole > 0.6:
                place = to_armature @ vertex.co
                moved = [weight / whole * np.array(moves[g] @ place) for g, weight in weights.items()]
                found.append(np.sum(moved, 0))
    return np.array(found).reshape(-1, 3)


def plane(points):
    """Normal of the plane through points."""
    return np.linalg.svd(points - points.mean(0), full_matrices=False)[2][2]


def test_the_skins_of_real_rigs_hands_and_feet():
    """In the T-pose, palms lie flat to 20 degrees and soles to 4, by the skin, which nothing else here looks at."""
    t_pose = hypothesis(BODY, np.concatenate([[[np.pi, 0, 0]], np.zeros((23, 3))]))
    palms, soles = {}, {}
    for file, expected in truth().items():
        armature = imported(file, expected["armature"])
        found = find_humanoid(armature)
        pose_humanoid(found, t_pose, BODY)
        bpy.context.view_layer.update()
        up = rest_frame(armature, found.mapping.bones)[:, 1]
        for side in SIDES:
            hand, foot = (armature.data.bones[found.mapping.bones[f"{side}_{j}"]] for j in ("wrist", "ankle"))
            fingers = [
                b for b in hand.children_recursive if not any(w in b.name for w in ("humb", "Finger0"))
            ]
            points = skin(armature, {bone.name for bone in (hand, *fingers)})
            if len(points) > 20 and len(fingers) > 5:
                off = degrees(plane(points), up)
                palms[file.name, side] = min(off, 180 - off)
            points = skin(armature, {bone.name for bone in (foot, *foot.children_recursive)})
            if len(points) > 20:
                heights = points @ up
                off = degrees(plane(points[heights < np.quantile(heights, 0.3)]), up)
                soles[file.name, side] = min(off, 180 - off)
    print({key: round(value) for key, value in palms.items()}, {k: round(v) for k, v in soles.items()})
    assert len(palms) > 12
    assert len(soles) > 12
    assert max(palms.values()) < 25
    assert max(soles.values()) < 4
