"""Unknown humanoids: every joint is found without a look at the bones' names, and left is left."""

from itertools import permutations, product

import addon_utils
import bpy
import numpy as np
import pytest
from odd_skeletons import odd_skeleton
from posed import hypothesis, random_pose
from random_skeletons import random_skeleton
from rigs import MIXAMO, imported, truth, worst_direction

from backend.body import load_body
from sketch2pose_blender.core.rig_families import find_joints
from sketch2pose_blender.core.rig_mapping import Skeleton, map_skeleton
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid

#: The table of bones marks what is less sure.
UNSURE = 0.75
#: Joint -> its parent and place in metres, facing -y, left at +x; the last ones are no joints of SMPL.
FIGURE = {
    "pelvis": (None, (0, 0, 1.0)),
    "spine1": ("pelvis", (0, 0, 1.1)),
    "spine2": ("spine1", (0, 0, 1.22)),
    "spine3": ("spine2", (0, 0, 1.33)),
    "neck": ("spine3", (0, 0, 1.5)),
    "head": ("neck", (0, 0, 1.57)),
    "left_collar": ("spine3", (0.03, 0, 1.45)),
    "left_shoulder": ("left_collar", (0.18, 0, 1.44)),
    "left_elbow": ("left_shoulder", (0.36, 0.02, 1.24)),
    "left_wrist": ("left_elbow", (0.53, -0.02, 1.05)),
    "left_hip": ("pelvis", (0.1, 0, 0.95)),
    "left_knee": ("left_hip", (0.11, -0.01, 0.52)),
    "left_ankle": ("left_knee", (0.12, 0.02, 0.09)),
    "left_foot": ("left_ankle", (0.12, -0.1, 0.02)),
    "left thumb": ("left_wrist", (0.55, -0.06, 1.02)),
    "left finger": ("left_wrist", (0.6, -0.03, 0.98)),
    "left twist": ("left_elbow", (0.44, 0.0, 1.15)),
    "left IK": (None, (0.12, 0.02, 0.09)),
}


def figure(turn=((1, 0, 0), (0, 1, 0), (0, 0, 1)), scale=1.0):
    """A figure with both sides, its bones named by numbers, and which number is which joint."""
    bones = dict(FIGURE)
    for name, (parent, place) in FIGURE.items():
        if name.startswith("left"):
            mirrored = parent.replace("left", "right") if parent else None
            bones[name.replace("left", "right")] = mirrored, (-place[0], *place[1:])
    order = sorted(bones)  # children before their parents, too
    places = np.array([bones[name][1] for name in order]) @ np.transpose(turn) * scale
    parents = tuple(-1 if bones[name][0] is None else order.index(bones[name][0]) for name in order)
    names = tuple(str(number) for number in range(len(order)))
    joints = {name: str(number) for number, name in enumerate(order) if " " not in name}
    return Skeleton(names, parents, places, places + np.array((0, 0.01 * scale, 0)), np.eye(4)), joints


@pytest.mark.parametrize("axes", list(permutations(range(3))))
def test_any_axes_and_unit(axes):
    for signs in product((1, -1), repeat=3):
        turn = np.zeros((3, 3))
        turn[range(3), axes] = signs
        if np.linalg.det(turn) > 0:
            skeleton, joints = figure(turn, 100.0)
            assert map_skeleton(skeleton).bones == joints


def test_an_object_that_mirrors_swaps_the_sides():
    skeleton, joints = figure()
    mirrored = Skeleton(
        skeleton.names, skeleton.parents, skeleton.heads, skeleton.tails, np.diag([-1, 1, 1, 1])
    )
    found = map_skeleton(mirrored).bones
    assert found["left_wrist"] == joints["right_wrist"]
    assert found["head"] == joints["head"]


def named(skeleton, names):
    """The skeleton, some of its bones called otherwise."""
    called = tuple(names.get(bone, bone) for bone in skeleton.names)
    return Skeleton(called, skeleton.parents, skeleton.heads, skeleton.tails, skeleton.matrix)


def test_what_a_family_calls_otherwise_is_found_by_structure():
    skeleton, joints = figure()
    called = MIXAMO | {"neck": "Throat", "left_foot": "Ball 1", "right_foot": "Ball 2"}
    family, found = find_joints(named(skeleton, {joints[joint]: bone for joint, bone in called.items()}))
    assert family.key == "mixamo"
    assert found.bones == called
    assert found.confidence["left_elbow"] == 1
    assert 0 < found.confidence["neck"] < 1
    # Where names and structure do not say the same, nothing is added.
    called["left_elbow"], called["left_wrist"] = called["left_wrist"], called["left_elbow"]
    _, found = find_joints(named(skeleton, {joints[joint]: bone for joint, bone in called.items()}))
    assert found.bones.keys() == called.keys() - {"neck", "left_foot", "right_foot"}


@pytest.mark.parametrize("swapped", [False, True])
def test_names_tell_left_from_right(swapped):
    skeleton, joints = figure()
    letters = {"left": "RL"[not swapped], "right": "LR"[not swapped]}
    called = {bone: f"qx{bone}.{letters.get(joint.split('_')[0], 'x')}" for joint, bone in joints.items()}
    family, found = find_joints(named(skeleton, called))
    assert family is None
    other = {"left": "right", "right": "left"}
    for joint, bone in joints.items():
        side, _, kind = joint.partition("_")
        meant = f"{other[side]}_{kind}" if swapped and side in other else joint
        assert found.bones[meant] == called[bone]
    blind = map_skeleton(skeleton)
    sure = found.confidence["left_wrist"], blind.confidence["left_wrist"]
    assert (sure[0] < UNSURE / 2) if swapped else (sure[0] >= sure[1])


def test_what_is_no_humanoid_is_not_mapped():
    line = np.linspace((0, 0, 0), (0, 0, 1), 12)
    snake = Skeleton(tuple("abcdefghijkl"), tuple(range(-1, 11)), line, line, np.eye(4))
    assert map_skeleton(snake).bones == {}
    assert map_skeleton(snake).overall == 0


def test_random_humanoids():
    """Spines, necks, twist bones, fingers, hair, skirts, tails, wings, IK bones, props, any axes and unit."""
    right, wrong = [], []
    count = 40
    for figures, start in ((random_skeleton, 30000), (odd_skeleton, 1500)):
        whole = sides = 0
        for seed in range(start, start + count):
            skeleton, joints, names = figures(seed)
            found = map_skeleton(skeleton)
            whole += found.bones == joints
            for joint, bone in found.bones.items():
                (right if joints.get(joint) == bone else wrong).append(found.confidence[joint])
            ends = [joint for joint in joints if joint.endswith(("wrist", "ankle")) and joint in found.bones]
            sides += all(names[int(found.bones[joint])].split()[0] == joint.split("_")[0] for joint in ends)
        assert whole >= 0.85 * count, figures
        assert sides >= 0.95 * count, figures
    # What is wrong is marked as unsure, and little else is.
    assert np.mean(np.array(right) < UNSURE) < 0.15
    assert np.mean(np.array(wrong) < UNSURE) > 0.6


def built(skeleton, rng):
    """The skeleton as an armature, its bones rolled at random."""
    armature = bpy.data.objects.new("rig", bpy.data.armatures.new("rig"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = [armature.data.edit_bones.new(name) for name in skeleton.names]
    for number, bone in enumerate(bones):
        bone.head, bone.tail = skeleton.heads[number], skeleton.tails[number]
        bone.roll = rng.uniform(-3, 3)
        if skeleton.parents[number] >= 0:
            bone.parent = bones[skeleton.parents[number]]
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def test_random_humanoids_are_posed_exactly():
    """One to six bones of the spine, none to three of the neck, twist bones in line: limbs point as the source's."""
    body, rng, whole, spines, necks = load_body(), np.random.default_rng(5), 0, set(), set()
    for seed in range(30):
        skeleton, joints, names = odd_skeleton(1000 + seed)
        armature = built(skeleton, rng)
        humanoid = find_humanoid(armature)
        if humanoid.mapping.bones != joints:
            continue
        whole += 1
        spines.add(sum(name.startswith("spine") for name in names))
        necks.add(sum(name.startswith("neck") for name in names))
        pose = hypothesis(body, random_pose(rng))
        assert pose_humanoid(humanoid, pose, body) == []
        assert worst_direction(armature, joints, pose, body) < 0.5, seed
    assert whole > 24
    assert spines >= {1, 2, 3, 4, 5, 6}
    assert necks >= {0, 1, 2}


def test_a_figure_that_faces_no_axis():
    turn = np.radians(33)
    skeleton, joints = figure(((np.cos(turn), -np.sin(turn), 0), (np.sin(turn), np.cos(turn), 0), (0, 0, 1)))
    assert map_skeleton(skeleton).bones == joints


#: CMU's motion capture as BVH, in two spellings: name (child names), offsets in inches, y up.
CMU_LEG = "{s}HipJoint 0 0 0 > {side}UpLeg {x}1.4 -1.8 0.8 > {side}Leg {x}2.4 -6.7 0 > {side}Foot {x}2.6 -7.2 0 > {side}ToeBase {x}0.2 -0.5 2.2"
CMU_ARM = "{side}Shoulder 0 0 0 > {side}Arm {x}3.5 0.8 -0.2 > {side}ForeArm {x}5.0 0 0 > {side}Hand {x}3.5 0 0 > {side}FingerBase 0 0 0 > {side}HandIndex1 {x}0.7 0 0"
CMU = {
    "files with LowerBack": (
        "Hips 0 0 0 > LowerBack 0 0 0 > Spine 0 2 -0.2 > Spine1 0 2 0",
        "Neck 0 0 0 > Neck1 0 1.7 0 > Head 0 1.7 0.2",
        CMU_LEG,
        CMU_ARM,
        {"pelvis": "Hips", "spine1": "LowerBack", "spine2": "Spine", "spine3": "Spine1", "neck": "Neck", "head": "Head",
         "left_collar": "LeftShoulder", "left_shoulder": "LeftArm", "left_elbow": "LeftForeArm", "left_wrist": "LeftHand",
         "left_hip": "LeftUpLeg", "left_knee": "LeftLeg", "left_ankle": "LeftFoot", "left_foot": "LeftToeBase"},
    ),
    "files with LeftCollar": (
        "Hips 0 0 0 > lowerback 0 0 0 > Chest 0 2 -0.2 > Chest2 0 2 0",
        "lowerneck 0 0 0 > Neck 0 1.7 0 > Head 0 1.7 0.2",
        "{side}hipjoint 0 0 0 > {side}Hip {x}1.4 -1.8 0.8 > {side}Knee {x}2.4 -6.7 0 > {side}Ankle {x}2.6 -7.2 0 > {side}Toe {x}0.2 -0.5 2.2",
        "{side}Collar 0 0 0 > {side}Shoulder {x}3.5 0.8 -0.2 > {side}Elbow {x}5.0 0 0 > {side}radius {x}1.0 0 0 > {side}Wrist {x}2.5 0 0 > {side}hand 0 0 0 > {side}fingers {x}0.7 0 0",
        {"pelvis": "Hips", "spine1": "lowerback", "spine2": "Chest", "spine3": "Chest2", "neck": "lowerneck", "head": "Head",
         "left_collar": "LeftCollar", "left_shoulder": "LeftShoulder", "left_elbow": "LeftElbow", "left_wrist": "LeftWrist",
         "left_hip": "LeftHip", "left_knee": "LeftKnee", "left_ankle": "LeftAnkle", "left_foot": "LeftToe"},
    ),
}  # fmt: skip


def bvh_text(trunk, top, leg, arm):
    """A BVH file of one frame at rest."""

    def chain(text, then=()):
        first, _, rest = text.partition(" > ")
        name, *offset = first.split()
        return joint(name, offset, chain(rest, then) if rest else "".join(map(chain, then)))

    def joint(name, offset, inner):
        channels = "3 Zrotation Yrotation Xrotation"
        kind = "JOINT"
        if name == "Hips":
            kind, channels = "ROOT", "6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"
            inner += "".join(
                chain(leg.format(side=s, s=s[0], x=x)) for s, x in (("Left", ""), ("Right", "-"))
            )
        end = inner or "End Site\n{\nOFFSET 0 0.5 0\n}\n"
        return f"{kind} {name}\n{{\nOFFSET {' '.join(offset)}\nCHANNELS {channels}\n{end}}}\n"

    tops = [top, *(arm.format(side=s, x=x) for s, x in (("Left", ""), ("Right", "-")))]
    tree = chain(trunk, tops)
    count = 3 * tree.count("CHANNELS") + 3
    return f"HIERARCHY\n{tree}MOTION\nFrames: 1\nFrame Time: 0.0083\n{' '.join(['0'] * count)}\n"


@pytest.mark.parametrize("kind", CMU)
def test_motion_capture_as_blender_imports_it(kind, tmp_path):
    *parts, bones = CMU[kind]
    (tmp_path / "a.bvh").write_text(bvh_text(*parts))
    addon_utils.enable("io_anim_bvh")
    bpy.ops.import_anim.bvh(filepath=str(tmp_path / "a.bvh"))
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    right = {j.replace("left", "right"): b.replace("Left", "Right") for j, b in bones.items() if "left" in j}
    found = find_humanoid(armature)
    assert found.mapping.bones == bones | right
    assert found.family is not None


def test_real_rigs():
    wrong = {}
    for file, expected in truth().items():
        armature = imported(file, expected["armature"])
        bones = list(armature.data.bones)
        skeleton = Skeleton(
            tuple(str(number) for number in range(len(bones))),
            tuple(bones.index(bone.parent) if bone.parent else -1 for bone in bones),
            np.array([bone.head_local for bone in bones]),
            np.array([bone.tail_local for bone in bones]),
            np.array(armature.matrix_world),
        )
        found = {joint: bones[int(number)].name for joint, number in map_skeleton(skeleton).bones.items()}
        missed = {joint: name for joint, name in expected["map"].items() if found.get(joint) != name}
        if missed:
            wrong[file.name] = missed
    assert wrong == {}
