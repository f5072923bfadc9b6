"""A generated Rigify rig whose limbs stay in IK: they end where FK would put them."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector
from posed import hypothesis, random_pose
from rigs import RIGIFY_LIMBS, worst_direction

from backend.body import load_body
from sketch2pose_blender.rig.animation import retarget
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid
from sketch2pose_blender.rig.keys import action_channels
from sketch2pose_blender.rig.posing import apply_pose

SWITCHES = ("upper_arm_parent.L", "upper_arm_parent.R", "thigh_parent.L", "thigh_parent.R")
#: What shows a limb, and the FK control that has the place and turn that it should have.
ENDS = [(f"ORG-{bone}.{side}", f"{bone}_fk.{side}") for bone in ("hand", "foot", "toe") for side in "LR"]


@pytest.fixture
def rig(rigify_rig, extension):
    assert extension
    rigify_rig.sketch2pose_rig.keep_ik = True
    return rigify_rig


def apart(rig, shown, control):
    """Distance in armature units and angle in degrees between two bones that rest at one place."""
    bpy.context.view_layer.update()
    turns = []
    for name in (shown, control):
        bone = rig.pose.bones[name]
        turns.append(bone.matrix.to_3x3().normalized() @ bone.bone.matrix_local.to_3x3().inverted())
    distance = (rig.pose.bones[shown].head - rig.pose.bones[control].head).length
    return distance, float(np.degrees((turns[0] @ turns[1].inverted()).to_quaternion().angle))


@pytest.mark.parametrize("poles", [False, True])
def test_limbs_end_where_fk_would_put_them(rig, poles):
    body, rng = load_body(), np.random.default_rng(1)
    for name in SWITCHES:
        rig.pose.bones[name]["pole_vector"] = poles
    for frame in (1, 10):
        pose = hypothesis(body, random_pose(rng, 0.5))
        assert pose_humanoid(find_humanoid(rig), pose, body, key_frame=frame) == []
        assert all(rig.pose.bones[name]["IK_FK"] == 0 for name in SWITCHES)
        assert worst_direction(rig, RIGIFY_LIMBS, pose, body) < 0.5
        for shown, control in ENDS:
            distance, angle = apart(rig, shown, control)
            assert distance < 1e-3, shown
            assert angle < 0.1, shown
    # What was keyed shows the pose again.
    for bone in rig.pose.bones:
        bone.matrix_basis.identity()
    bpy.context.scene.frame_set(1)
    bpy.context.scene.frame_set(10)
    assert worst_direction(rig, RIGIFY_LIMBS, pose, body) < 0.5


@pytest.mark.parametrize("poles", [False, True])
def test_limbs_bent_a_little_and_much(rig, poles):
    """Straight limbs are the hardest: what they may stretch, they do not bend."""
    body, rng = load_body(), np.random.default_rng(1)
    for name in SWITCHES:
        rig.pose.bones[name]["pole_vector"] = poles
    for spread in (0.0, 0.01, 0.05, *[0.5] * 9):
        pose = hypothesis(body, random_pose(rng, spread))
        pose_humanoid(find_humanoid(rig), pose, body)
        assert worst_direction(rig, RIGIFY_LIMBS, pose, body) < 0.35, spread


def test_a_limb_in_fk_stays_there_and_others_stay_in_ik(rig):
    body = load_body()
    rig.pose.bones["thigh_parent.L"]["IK_FK"] = 1.0
    pose = hypothesis(body, random_pose(np.random.default_rng(2), 0.5))
    before = rig.pose.bones["foot_ik.L"].matrix_basis.copy()
    pose_humanoid(find_humanoid(rig), pose, body)
    assert worst_direction(rig, RIGIFY_LIMBS, pose, body) < 0.5
    assert rig.pose.bones["foot_ik.L"].matrix_basis == before
    assert [rig.pose.bones[name]["IK_FK"] for name in SWITCHES] == [0, 0, 1, 0]


def test_without_the_choice_limbs_go_to_fk(rig):
    rig.sketch2pose_rig.keep_ik = False
    body = load_body()
    pose = hypothesis(body, random_pose(np.random.default_rng(3), 0.5))
    pose_humanoid(find_humanoid(rig), pose, body)
    assert worst_direction(rig, RIGIFY_LIMBS, pose, body) < 0.5
    assert all(rig.pose.bones[name]["IK_FK"] == 1 for name in SWITCHES)


@pytest.mark.parametrize("poles", [False, True])
def test_copied_animation_of_limbs_that_stay_in_ik(rig, poles):
    body, rng, frames = load_body(), np.random.default_rng(4), (1, 4, 5)
    for name in SWITCHES:
        rig.pose.bones[name]["pole_vector"] = poles
    source = build_character(bpy.context, body, np.zeros(10, np.float32), "Source")
    poses = [hypothesis(body, random_pose(rng, 0.5)) for _ in frames]
    for frame, pose in zip(frames, poses, strict=True):
        apply_pose(source, pose, body, frame)
    # A switch that is animated would switch the limb to FK.
    rig.pose.bones[SWITCHES[0]].keyframe_insert('["IK_FK"]', frame=1)
    assert retarget(source, rig, frames=frames, body=body) == []
    keyed = {curve.data_path.split('"')[1] for curve in action_channels(rig).fcurves}
    assert not [name for name in keyed if name.startswith(("DEF-", "ORG-", "MCH-"))]
    assert len(keyed) < 40, "the bones of joints and the controls of limbs in IK"
    for frame, pose in zip(frames, poses, strict=True):
        bpy.context.scene.frame_set(frame)
        assert all(rig.pose.bones[name]["IK_FK"] == 0 for name in SWITCHES)
        assert worst_direction(rig, RIGIFY_LIMBS, pose, body) < 0.35
        for shown, control in ENDS:
            distance, angle = apart(rig, shown, control)
            assert distance < 1e-3, shown
            assert angle < 0.1, shown


#: Rigs whose limbs in IK have a pole and no swing: how their bones of an arm and a leg are called.
POLE_RIGS = {
    "auto_rig_pro": (
        {"pelvis": "c_root_master.x", "spine1": "c_spine_01.x", "spine3": "c_spine_03.x", "neck": "c_neck.x",
         "head": "c_head.x", "collar": "c_shoulder.{s}"},
        (("c_arm_fk.{s}", "c_forearm_fk.{s}", "c_hand_fk.{s}"), ("arm_stretch.{s}", "forearm_stretch.{s}", "hand.{s}"),
         "c_hand_ik.{s}", "c_arms_pole.{s}", ("c_hand_ik.{s}", "ik_fk_switch", 0.0)),
        (("c_thigh_fk.{s}", "c_leg_fk.{s}", "c_foot_fk.{s}"), ("thigh_stretch.{s}", "leg_stretch.{s}", "foot.{s}"),
         "c_foot_ik.{s}", "c_leg_pole.{s}", ("c_foot_ik.{s}", "ik_fk_switch", 0.0)),
    ),
    "cloudrig": (
        {"pelvis": "MSTR-Spine_Torso", "spine1": "FK-Spine", "spine3": "FK-Chest", "neck": "FK-Neck", "head": "FK-Head",
         "collar": "FK-Shoulder.{S}"},
        (("FK-UpperArm.{S}", "FK-Forearm.{S}", "FK-Wrist.{S}"), ("ORG-UpperArm.{S}", "ORG-Forearm.{S}", "ORG-Wrist.{S}"),
         "IK-MSTR-Wrist.{S}", "IK-POLE-UpperArm.{S}", ("Properties_IKFK", "ik_arm_{side}", 1.0)),
        (("FK-Thigh.{S}", "FK-Knee.{S}", "FK-Foot.{S}"), ("ORG-Thigh.{S}", "ORG-Knee.{S}", "ORG-Foot.{S}"),
         "IK-MSTR-Foot.{S}", "IK-POLE-Thigh.{S}", ("Properties_IKFK", "ik_leg_{side}", 1.0)),
    ),
}  # fmt: skip
PLACES = {
    "pelvis": (0, 0, 1), "spine1": (0, 0, 1.1), "spine3": (0, 0, 1.3), "neck": (0, 0, 1.5), "head": (0, 0, 1.6),
    "collar": (0.04, 0, 1.45), "arm": ((0.17, 0, 1.44), (0.42, 0.03, 1.4), (0.68, 0, 1.36), (0.75, 0, 1.35)),
    "leg": ((0.1, 0, 0.95), (0.11, -0.02, 0.5), (0.12, 0.02, 0.08), (0.12, -0.08, 0.03)),
}  # fmt: skip


def pole_rig(kind):
    """A rig with FK, IK and shown bones for each limb, the switch mixing both, as such rigs are built."""
    middle, arm, leg = POLE_RIGS[kind]
    armature = bpy.data.objects.new(kind, bpy.data.armatures.new(kind))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    made, limbs, joints = armature.data.edit_bones, [], {}

    def bone(name, head, tail, parent=None, roll=0.0):
        new = made.new(name)
        new.head, new.tail, new.roll, new.parent = head, tail, roll, made.get(parent or "")
        return name

    trunk = ["pelvis", "spine1", "spine3", "neck", "head"]
    for above, joint in zip([None, *trunk], trunk, strict=False):
        place = Vector(PLACES[joint])
        joints[joint] = bone(middle[joint], place, place + Vector((0, 0, 0.08)), joints.get(above))
    bone("Properties_IKFK", (1, 0, 0), (1, 0, 0.1))
    for side, sign in (("left", 1), ("right", -1)):

        def named(name, side=side):
            return name.format(s=side[0], S=side[0].upper(), side=side)

        flip = Matrix.Diagonal((sign, 1, 1))
        collar = bone(
            named(middle["collar"]),
            flip @ Vector(PLACES["collar"]),
            flip @ Vector(PLACES["arm"][0]),
            joints["spine3"],
        )
        joints[f"{side}_collar"] = collar
        for kind_of, (fk, shown, end, pole, switch), on, names in (
            ("arm", arm, collar, ("shoulder", "elbow", "wrist")), ("leg", leg, joints["pelvis"], ("hip", "knee", "ankle")),
        ):  # fmt: skip
            points = [flip @ Vector(point) for point in PLACES[kind_of]]
            chains = []
            for spelled in (fk, [f"MCH-{name}" for name in shown], shown):
                above = on
                for number, name in enumerate(spelled[: 2 if spelled[0].startswith("MCH") else 3]):
                    above = bone(named(name), points[number], points[number + 1], above, 0.3)
                chains.append([named(name) for name in spelled])
            bone(named(end), points[2], points[3], None, 0.3)
            out = (points[1] - (points[0] + points[2]) / 2).normalized()
            bone(named(pole), points[1] + 0.5 * out, points[1] + 0.6 * out)
            joints |= {f"{side}_{joint}": name for joint, name in zip(names, chains[0], strict=True)}
            limbs.append(
                (chains, named(end), named(pole), tuple(named(part) for part in switch[:2]), switch[2])
            )
    bpy.ops.object.mode_set(mode="POSE")
    for (fk, solved, shown), end, pole, (holder, prop), value in limbs:
        armature.pose.bones[holder][prop] = float(value)
        solver = armature.pose.bones[solved[1]].constraints.new("IK")
        solver.target = solver.pole_target = armature
        solver.subtarget, solver.pole_subtarget, solver.chain_count = end, pole, 2
        first, rest = armature.data.bones[solved[0]], armature.data.bones
        along = first.tail_local - first.head_local
        plane = (rest[end].head_local - first.head_local).cross(rest[pole].head_local - first.head_local)
        aside, axis = plane.cross(along), first.matrix_local.col[0].xyz
        angle = axis.angle(aside)
        solver.pole_angle = -angle if axis.cross(aside).dot(along) < 0 else angle
        for number, name in enumerate(shown):
            for followed, share in ((fk[number], None), (solved[number] if number < 2 else end, value)):
                copy = armature.pose.bones[name].constraints.new("COPY_TRANSFORMS")
                copy.target, copy.subtarget = armature, followed
                if share is not None:
                    driver = copy.driver_add("influence").driver
                    variable = driver.variables.new()
                    variable.targets[0].id = armature
                    variable.targets[0].data_path = f'pose.bones["{holder}"]["{prop}"]'
                    driver.type, variable.name = "SCRIPTED", "switch"
                    driver.expression = "switch" if share else "1 - switch"
    bpy.ops.object.mode_set(mode="OBJECT")
    shows = {
        f"{side}_{joint}": limb[0][2][number]
        for (side, names), limb in zip(
            [(s, n) for s in ("left", "right") for n in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))],
            limbs, strict=True,
        )
        for number, joint in enumerate(names)
    }  # fmt: skip
    return armature, joints | shows


@pytest.mark.parametrize("kind", POLE_RIGS)
def test_limbs_with_a_pole_alone(kind, extension):
    rig, shown = pole_rig(kind)
    assert extension
    body, rng = load_body(), np.random.default_rng(6)
    found = find_humanoid(rig)
    assert found.family.key == kind
    rig.sketch2pose_rig.keep_ik = True
    assert len(find_humanoid(rig).ik_limbs) == 4
    for keep in (True, False):
        rig.sketch2pose_rig.keep_ik = keep
        for _ in range(3):
            pose = hypothesis(body, random_pose(rng, 0.5))
            assert pose_humanoid(find_humanoid(rig), pose, body) == []
            assert worst_direction(rig, shown, pose, body) < 0.5
    assert find_humanoid(rig).ik_limbs == []
