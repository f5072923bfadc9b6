"""Humanoid armatures for the tests: made by the tests themselves, or read from a folder with a truth.json."""

import itertools
import json
import os
from pathlib import Path

import addon_utils
import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector

from backend.body import forward_kinematics, global_rotations
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.core.rest_frames import joint_rotations

MIXAMO = {
    "pelvis": "mixamorig:Hips", "spine1": "mixamorig:Spine", "spine2": "mixamorig:Spine1",
    "spine3": "mixamorig:Spine2", "neck": "mixamorig:Neck", "head": "mixamorig:Head",
    **{
        f"{side.lower()}_{joint}": f"mixamorig:{side}{bone}"
        for side in ("Left", "Right")
        for joint, bone in (
            ("collar", "Shoulder"), ("shoulder", "Arm"), ("elbow", "ForeArm"), ("wrist", "Hand"),
            ("hip", "UpLeg"), ("knee", "Leg"), ("ankle", "Foot"), ("foot", "ToeBase"),
        )
    },
}  # fmt: skip
#: What a generated Rigify rig shows of each joint, in FK and in IK.
RIGIFY = {
    "pelvis": "ORG-spine", "spine1": "ORG-spine.001", "spine2": "ORG-spine.002", "spine3": "ORG-spine.003",
    "neck": "ORG-spine.004", "head": "ORG-spine.006",
    **{
        f"{side}_{joint}": f"ORG-{bone}.{side[0].upper()}"
        for side in ("left", "right")
        for joint, bone in (
            ("collar", "shoulder"), ("shoulder", "upper_arm"), ("elbow", "forearm"), ("wrist", "hand"),
            ("hip", "thigh"), ("knee", "shin"), ("ankle", "foot"), ("foot", "toe"),
        )
    },
}  # fmt: skip
#: Without its pelvis, neck and head, whose bones are not where SMPL's joints are.
RIGIFY_LIMBS = {joint: bone for joint, bone in RIGIFY.items() if joint not in ("pelvis", "neck", "head")}
TRUNK = ("spine1", "spine2", "spine3", "neck", "head")
SEGMENTS = [
    *itertools.pairwise(TRUNK),
    *(
        (f"{side}_{a}", f"{side}_{b}")
        for side in ("left", "right")
        for a, b in (
            ("collar", "shoulder"), ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
        )
    ),
]  # fmt: skip


def truth():
    """File -> armature and true bones, of the folder that SKETCH2POSE_RIGS names; skips without it."""
    if "SKETCH2POSE_RIGS" not in os.environ:
        pytest.skip("SKETCH2POSE_RIGS names no folder of rigs with a truth.json")
    folder = Path(os.environ["SKETCH2POSE_RIGS"])
    values = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert values
    return {folder / file: expected for file, expected in values.items()}


def imported(file, name):
    """The armature of that name in a file."""
    if file.suffix == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(file))
    else:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        addon, group, operator = {
            ".glb": ("io_scene_gltf2", "import_scene", "gltf"),
            ".fbx": ("io_scene_fbx", "import_scene", "fbx"),
            ".bvh": ("io_anim_bvh", "import_anim", "bvh"),
        }[file.suffix]
        addon_utils.enable(addon)
        getattr(getattr(bpy.ops, group), operator)(filepath=str(file))
    armature = bpy.data.objects[name]
    # Some files come with an animation that would pose the bones again.
    if armature.animation_data:
        armature.animation_data.action = None
        for track in armature.animation_data.nla_tracks:
            track.mute = True
    return armature


def random_humanoid(rng, names):
    """An armature with a random rest pose between T and A, random rolls, proportions and extra bones.

    Args:
        rng: numpy generator.
        names: joint -> bone name for the joints that it shall have.
    """

    def spread(amount):
        return 1 + rng.uniform(-amount, amount)

    place = {"pelvis": Vector((0, 0, 0.95 * spread(0.2)))}
    for joint, parent, step in (
        ("spine1", "pelvis", (0, 0.01, 0.1)), ("spine2", "spine1", (0, 0.02, 0.12)),
        ("spine3", "spine2", (0, 0.01, 0.12)), ("neck", "spine3", (0, -0.01, 0.2)),
        ("head", "neck", (0, -0.02, 0.1)),
    ):  # fmt: skip
        place[joint] = place[parent] + Vector(step) * spread(0.4)
    drop, forward = rng.uniform(0, 1.2), rng.uniform(-0.4, 0.4)
    arm = Vector((np.cos(drop) * np.cos(forward), -np.sin(forward), -np.sin(drop)))
    lengths = 0.28 * spread(0.3), 0.25 * spread(0.3), 0.42 * spread(0.3), 0.4 * spread(0.3)
    for side, sign in (("left", 1), ("right", -1)):
        flip = Matrix.Diagonal((sign, 1, 1))
        for joint, parent, step in (
            ("collar", "spine3", Vector((0.04, 0, 0.14))), ("shoulder", "collar", Vector((0.13, 0.01, 0.01))),
            ("elbow", "shoulder", arm * lengths[0]), ("wrist", "elbow", (arm + Vector((0, -0.1, 0))) * lengths[1]),
            ("hip", "pelvis", Vector((0.1, 0, -0.04))), ("knee", "hip", Vector((0.02, -0.02, -1)) * lengths[2]),
            ("ankle", "knee", Vector((0.01, 0.04, -1)) * lengths[3]), ("foot", "ankle", Vector((0.02, -0.14, -0.06))),
        ):  # fmt: skip
            place[f"{side}_{joint}"] = (
                place[f"{side}_{parent}" if f"{side}_{parent}" in place else parent] + flip @ step
            )
    data = bpy.data.armatures.new("rig")
    armature = bpy.data.objects.new("rig", data)
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    made = {}
    parents = {"spine1": "pelvis", "spine2": "spine1", "spine3": "spine2", "neck": "spine3", "head": "neck"}
    for side in ("left", "right"):
        parents |= {
            f"{side}_{j}": f"{side}_{p}" if p in ("collar", "shoulder", "elbow", "hip", "knee", "ankle") else p
            for j, p in (
                ("collar", "spine3"), ("shoulder", "collar"), ("elbow", "shoulder"), ("wrist", "elbow"),
                ("hip", "pelvis"), ("knee", "hip"), ("ankle", "knee"), ("foot", "ankle"),
            )
        }  # fmt: skip
    for joint, point in place.items():
        if joint not in names:
            continue
        bone = data.edit_bones.new(names[joint])
        bone.head = point
        bone.tail = point + Vector(rng.normal(0, 0.05, 3))  # tails say nothing, as importers leave them
        bone.roll = rng.uniform(-3, 3)
        parent = parents.get(joint)
        while parent is not None and parent not in names:
            parent = parents.get(parent)
        if parent is not None:
            above = made[parent]
            if rng.random() < 0.3:  # a twist bone between
                above = data.edit_bones.new(f"{names[joint]} twist")
                above.head, above.tail = (made[parent].head + point) / 2, point + Vector((0, 0, 0.03))
                above.parent = made[parent]
            bone.parent = above
        made[joint] = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.scale = [float(np.exp(rng.normal(0, 1)))] * 3
    armature.rotation_euler = rng.uniform(-3, 3, 3)
    return armature


def joints_of(hypothesis, body):
    """(24, 3) posed joints, SMPL rest frame."""
    rest = body.rest(np.array(hypothesis.betas, np.float32))[1]
    return forward_kinematics(global_rotations(joint_rotations(hypothesis)), rest)


def worst_direction(armature, bones, hypothesis, body):
    """Degrees between the directions of source and target, the worst; the target's own frame by its rest pose."""
    bpy.context.view_layer.update()
    frame = rest_frame(armature, bones)
    joints = joints_of(hypothesis, body)
    worst = 0.0
    trunk = [joint for joint in TRUNK if joint in bones]
    for start, end in [*itertools.pairwise(trunk), *SEGMENTS[4:]]:
        if start not in bones or end not in bones:
            continue
        own = np.array(armature.pose.bones[bones[end]].head - armature.pose.bones[bones[start]].head)
        source = joints[JOINT_NAMES.index(end)] - joints[JOINT_NAMES.index(start)]
        cosine = own @ frame @ source / np.linalg.norm(own) / np.linalg.norm(source)
        worst = max(worst, float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))))
    return worst


def rest_frame(armature, bones):
    """(3, 3) SMPL rest frame -> armature space, by the armature's own axes."""
    head = {joint: np.array(armature.data.bones[bone].head_local) for joint, bone in bones.items()}
    left = np.round(unit(head["left_hip"] - head["right_hip"]))
    up = np.round(unit(head["left_shoulder"] + head["right_shoulder"] - head["left_hip"] - head["right_hip"]))
    return np.stack([left, up, np.cross(left, up)], 1)


def unit(vector):
    return vector / np.linalg.norm(vector)
