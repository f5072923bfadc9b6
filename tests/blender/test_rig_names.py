"""Bone names in every spelling, and the families of rigs that are known by them."""

import numpy as np
import pytest

from sketch2pose_blender.core.rig_families import families, match_family
from sketch2pose_blender.core.rig_mapping import Skeleton
from sketch2pose_blender.core.rig_names import plain_name


@pytest.mark.parametrize(
    ("name", "stem", "side"),
    [
        ("mixamorig:LeftUpLeg", "upleg", "left"),
        ("mixamorig5:RightToeBase", "toebase", "right"),
        ("Character|Rig:lShldr", "shldr", "left"),
        ("upper_arm_fk.L", "upperarmfk", "left"),
        ("Bip01 R UpperArm", "bip1upperarm", "right"),
        ("J_Bip_C_UpperChest", "jbipcupperchest", ""),
        ("CC_Base_L_Upperarm", "ccbaseupperarm", "left"),
        ("m_avg_R_Collar", "mavgcollar", "right"),
        ("spine_01", "spine1", ""),
        ("Spine1", "spine1", ""),
        ("\uff2c\uff45\uff46\uff54\u3000\uff21\uff52\uff4d", "arm", "left"),  # full width
        ("leftForearm", "forearm", "left"),
        ("righthand", "hand", "right"),
        ("LeftHandIndex1", "handindex1", "left"),
        ("clavicle_r", "clavicle", "right"),
        ("root", "root", ""),
        ("Ball", "ball", ""),
        ("全ての親", "", ""),
    ],
)
def test_a_name_is_taken_apart(name, stem, side):
    assert (plain_name(name).stem, plain_name(name).side) == (stem, side)


def chain_of(names):
    """A skeleton with these names; only the names count here, and that parents stand before children."""
    return Skeleton(
        tuple(names), tuple(range(-1, len(names) - 1)), np.zeros((len(names), 3)), np.zeros((len(names), 3)), np.eye(4)
    )  # fmt: skip


def named(middle, sided, left="Left", right="Right", form="{side}{bone}"):
    limbs = [form.format(side=side, bone=bone) for side in (left, right) for bone in sided]
    return [*middle, *limbs]


#: Family -> the names of its bones as they are written, first the middle, then a limb of each kind, side by side.
SPELLINGS = {
    "SMPL": named(
        ["Pelvis", "Spine1", "Spine2", "Spine3", "Neck", "Head"],
        ["Collar", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Foot"], "L_", "R_",
    ),
    "SMPL in Maya": named(
        ["m_avg_Pelvis", "m_avg_Spine1", "m_avg_Spine2", "m_avg_Spine3", "m_avg_Neck", "m_avg_Head"],
        ["Collar", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Foot"], "m_avg_L_", "m_avg_R_",
    ),
    "VRoid": named(
        [f"J_Bip_C_{name}" for name in ("Hips", "Spine", "Chest", "UpperChest", "Neck", "Head")],
        ["Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "ToeBase"], "J_Bip_L_", "J_Bip_R_",
    ),
    "Unreal 5": named(
        ["pelvis", "spine_01", "spine_02", "spine_03", "spine_04", "spine_05", "neck_01", "neck_02", "head"],
        ["clavicle", "upperarm", "lowerarm", "hand", "thigh", "calf", "foot", "ball"], "_l", "_r", "{bone}{side}",
    ),
    "Daz Genesis 8": named(
        ["hip", "pelvis", "abdomenLower", "abdomenUpper", "chestLower", "chestUpper", "neckLower", "neckUpper", "head"],
        ["Collar", "ShldrBend", "ShldrTwist", "ForearmBend", "ForearmTwist", "Hand",
         "ThighBend", "ThighTwist", "Shin", "Foot", "Toe"], "l", "r",
    ),
    "Daz Genesis 9": named(
        ["hip", "pelvis", "spine1", "spine2", "spine3", "spine4", "neck1", "neck2", "head"],
        ["shoulder", "upperarm", "forearm", "hand", "thigh", "shin", "foot", "toes"], "l_", "r_",
    ),
    "Character Creator": named(
        [f"CC_Base_{name}" for name in ("Hip", "Pelvis", "Waist", "Spine01", "Spine02", "NeckTwist01", "Head")],
        ["Clavicle", "Upperarm", "Forearm", "Hand", "Thigh", "Calf", "Foot", "ToeBase"], "CC_Base_L_", "CC_Base_R_",
    ),
    "Auto-Rig Pro": named(
        ["c_root_master.x", "c_root.x", "c_spine_01.x", "c_spine_02.x", "c_spine_03.x", "c_neck.x", "c_head.x"],
        ["c_shoulder", "c_arm_fk", "c_forearm_fk", "c_hand_fk", "c_thigh_fk", "c_leg_fk", "c_foot_fk", "c_toes_fk"],
        ".l", ".r", "{bone}{side}",
    ),
    "CloudRig": named(
        ["Torso", "FK-Spine", "FK-Spine1", "FK-Spine2", "FK-Neck", "FK-Head"],
        ["FK-Clavicle", "FK-Upperarm", "FK-Forearm", "FK-Hand", "FK-Thigh", "FK-Shin", "FK-Foot", "FK-Toe"],
        ".L", ".R", "{bone}{side}",
    ),
    "Mixamo through three.js": named(
        [f"mixamorig{name}" for name in ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")],
        ["Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase"], "mixamorigLeft", "mixamorigRight",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_familys_bones_are_known_by_name(spelling):
    names = SPELLINGS[spelling]
    found = match_family(chain_of(names))
    assert found is not None
    family, mapping = found
    assert len(mapping.bones) == 22
    assert mapping.overall == 1
    half = (len(names) - next(k for k, name in enumerate(names) if plain_name(name).side)) // 2
    for joint, bone in mapping.bones.items():
        if joint.startswith("left_"):  # the right one is the same bone of the other side
            assert mapping.bones[joint.replace("left", "right")] == names[names.index(bone) + half]
    order = [
        names.index(mapping.bones[joint])
        for joint in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
    ]
    assert order == sorted(order)
    assert family.tested in ("files", "names")


def test_other_names_belong_to_no_family():
    assert match_family(chain_of([f"bone.{number:03d}" for number in range(40)])) is None
    assert match_family(chain_of(SPELLINGS["SMPL"][:-3])) is None  # a leg is missing


def test_every_file_is_whole():
    assert len(families()) > 15
    for family in families():
        assert family.tested in ("files", "names"), family.key
        stems = [stem for stems in family.joints.values() for stem in stems]
        assert all(stem == plain_name(stem).stem for stem in stems), family.key
