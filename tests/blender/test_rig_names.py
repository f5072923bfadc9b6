"""Bone names in every spelling, and the families of rigs that are known by them."""

import bpy
import numpy as np
import pytest

from sketch2pose_blender.core.rig_families import families, match_family
from sketch2pose_blender.core.rig_mapping import Skeleton
from sketch2pose_blender.core.rig_names import bare_names, plain_name
from sketch2pose_blender.rig.humanoid import search_humanoid


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
        ("全ての親", "全ての親", ""),
        ("左ひじ", "ひじ", "left"),
        ("ひじ.L", "ひじ", "left"),
        ("上半身2", "上半身2", ""),
        ("右足ＩＫ", "足ik", "right"),
        ("b__L_UpperArm__", "bupperarm", "left"),
        ("mCollarLeft", "mcollar", "left"),
        ("LUArm", "uarm", "left"),
        ("L5", "l5", ""),
        ("NPC L Thigh [LThg]", "npcthigh", "left"),
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
    limbs = [form.format(side=side, bone=bone).format(side) for side in (left, right) for bone in sided]
    return [*middle, *limbs]


MIXAMO_LIMBS = ["Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase"]
UNREAL_LIMBS = ["clavicle", "upperarm", "lowerarm", "hand", "thigh", "calf", "foot", "ball"]
UNREAL_TRUNK = ["pelvis", *(f"spine_0{n}" for n in range(1, 6)), "neck_01", "neck_02", "head"]
BIPED_LIMBS = ["Clavicle", "UpperArm", "Forearm", "Hand", "Thigh", "Calf", "Foot", "Toe0"]
RIGIFY_LIMBS = ["shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe"]
UNITY_LIMBS = ["Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes"]
SMPL_LIMBS = ["Collar", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Foot"]

#: Names as they are written -> key of the family and the bones: the middle, then one limb of a kind, side by side.
SPELLINGS = {
    "SMPL": ("smpl", named(
        ["pelvis", "spine1", "spine2", "spine3", "neck", "head"], [limb.lower() for limb in SMPL_LIMBS], "left_", "right_",
    )),
    "SMPL-X files": ("smpl", named(["Pelvis", "Spine1", "Spine2", "Spine3", "Neck", "Head"], SMPL_LIMBS, "L_", "R_")),
    "SMPL in Maya": ("smpl", named(
        ["m_avg_Pelvis", "m_avg_Spine1", "m_avg_Spine2", "m_avg_Spine3", "m_avg_Neck", "m_avg_Head"],
        SMPL_LIMBS, "m_avg_L_", "m_avg_R_",
    )),
    "SMPL in Maya, female": ("smpl", named(
        ["f_avg_Pelvis", "f_avg_Spine1", "f_avg_Spine2", "f_avg_Spine3", "f_avg_Neck", "f_avg_Head"],
        SMPL_LIMBS, "f_avg_L_", "f_avg_R_",
    )),
    "Mixamo": ("mixamo", named(
        [f"mixamorig:{name}" for name in ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head", "HeadTop_End")],
        MIXAMO_LIMBS, "mixamorig:Left", "mixamorig:Right",
    )),
    "Mixamo through three.js": ("mixamo", named(
        [f"mixamorig{name}" for name in ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")],
        MIXAMO_LIMBS, "mixamorigLeft", "mixamorigRight",
    )),
    "Ready Player Me": ("ready_player_me", named(
        ["Hips", "Spine", "Spine1", "Spine2", "Neck", "Head", "HeadTop_End", "LeftEye", "RightEye"],
        MIXAMO_LIMBS,
    )),
    "CMU BVH": ("cmu_bvh", named(
        ["Hips", "LHipJoint", "RHipJoint", "LowerBack", "Spine", "Spine1", "Neck", "Neck1", "Head"], MIXAMO_LIMBS,
    )),
    "BVH with collars": ("bvh", named(
        ["Hips", "lowerback", "Chest", "Chest2", "lowerneck", "Neck", "Head"],
        ["Collar", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Toe"],
    )),
    "Unity Humanoid": ("unity", named(["Hips", "Spine", "Chest", "UpperChest", "Neck", "Head"], UNITY_LIMBS)),
    "Unity Humanoid with spaces": ("unity", named(
        ["Hips", "Spine", "Chest", "Upper Chest", "Neck", "Head"],
        ["Shoulder", "Upper Arm", "Lower Arm", "Hand", "Upper Leg", "Lower Leg", "Foot", "Toes"], "Left ", "Right ",
    )),
    "VRM 1": ("vrm1", named(["hips", "spine", "chest", "upperChest", "neck", "head"], UNITY_LIMBS, "left", "right")),
    "VRM 1, VRM Add-on": ("vrm1", named(
        ["hips", "spine", "chest", "upper_chest", "neck", "head"],
        ["shoulder", "upper_arm", "lower_arm", "hand", "upper_leg", "lower_leg", "foot", "toes"], ".L", ".R", "{bone}{side}",
    )),
    "VRoid": ("vrm0", named(
        [f"J_Bip_C_{name}" for name in ("Hips", "Spine", "Chest", "UpperChest", "Neck", "Head")],
        ["Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "ToeBase"], "J_Bip_L_", "J_Bip_R_",
    )),
    "Unreal 4": ("unreal4", named(
        ["pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "head"], UNREAL_LIMBS, "_l", "_r", "{bone}{side}",
    )),
    "Unreal 5": ("unreal5", named(UNREAL_TRUNK, UNREAL_LIMBS, "_l", "_r", "{bone}{side}")),
    "MetaHuman": ("metahuman", named(
        [*UNREAL_TRUNK, "FACIAL_C_FacialRoot"], UNREAL_LIMBS, "_l", "_r", "{bone}{side}",
    )),
    "Daz Genesis 8": ("daz", named(
        ["hip", "pelvis", "abdomenLower", "abdomenUpper", "chestLower", "chestUpper", "neckLower", "neckUpper", "head"],
        ["Collar", "ShldrBend", "ShldrTwist", "ForearmBend", "ForearmTwist", "Hand",
         "ThighBend", "ThighTwist", "Shin", "Foot", "Toe"], "l", "r",
    )),
    "Daz Genesis 9": ("daz9", named(
        ["hip", "pelvis", "spine1", "spine2", "spine3", "spine4", "neck1", "neck2", "head"],
        ["shoulder", "upperarm", "forearm", "hand", "thigh", "shin", "foot", "toes"], "l_", "r_",
    )),
    "Character Creator": ("character_creator", named(
        [f"CC_Base_{name}" for name in ("Hip", "Pelvis", "Waist", "Spine01", "Spine02", "NeckTwist01", "Head")],
        ["Clavicle", "Upperarm", "Forearm", "Hand", "Thigh", "Calf", "Foot", "ToeBase"], "CC_Base_L_", "CC_Base_R_",
    )),
    "Auto-Rig Pro": ("auto_rig_pro", named(
        ["c_root_master.x", "c_root.x", "c_spine_01.x", "c_spine_02.x", "c_spine_03.x", "c_neck.x", "c_head.x"],
        ["c_shoulder", "c_arm_fk", "c_forearm_fk", "c_hand_fk", "c_thigh_fk", "c_leg_fk", "c_foot_fk", "c_toes_fk"],
        ".l", ".r", "{bone}{side}",
    )),
    "CloudRig": ("cloudrig", named(
        ["Torso", "FK-Spine", "FK-Spine1", "FK-Spine2", "FK-Neck", "FK-Head"],
        ["FK-Clavicle", "FK-Upperarm", "FK-Forearm", "FK-Hand", "FK-Thigh", "FK-Shin", "FK-Foot", "FK-Toe"],
        ".L", ".R", "{bone}{side}",
    )),
    "CloudRig with wrists": ("cloudrig", named(
        ["MSTR-Spine_Torso", "FK-Spine", "FK-RibCage", "FK-Chest", "FK-Neck", "FK-Head"],
        ["FK-Shoulder", "FK-UpperArm", "FK-Forearm", "FK-Wrist", "FK-Thigh", "FK-Knee", "FK-Foot", "FK-Toes"],
        ".L", ".R", "{bone}{side}",
    )),
    "Rigify metarig": ("rigify_metarig", named(
        ["spine", *(f"spine.00{n}" for n in range(1, 7))], RIGIFY_LIMBS, ".L", ".R", "{bone}{side}",
    )),
    "Rigify metarig of MPFB": ("rigify_mpfb", named(
        ["spine", *(f"spine.00{n}" for n in range(1, 7)), "DEF-shoulder-helper.L", "DEF-shoulder-helper.R"],
        RIGIFY_LIMBS, ".L", ".R", "{bone}{side}",
    )),
    "Rigify": ("rigify", named(
        ["torso", "spine_fk", "spine_fk.001", "spine_fk.002", "spine_fk.003", "neck", "head"],
        ["shoulder", "upper_arm_fk", "forearm_fk", "hand_fk", "thigh_fk", "shin_fk", "foot_fk", "toe_fk"],
        ".L", ".R", "{bone}{side}",
    )),
    "3ds Max Biped": ("biped", named(
        [f"Bip01 {name}" for name in ("Pelvis", "Spine", "Spine1", "Spine2", "Neck", "Head")],
        BIPED_LIMBS, "Bip01 L ", "Bip01 R ",
    )),
    "Valve": ("valve_biped", named(
        [f"ValveBiped.Bip01_{name}" for name in ("Pelvis", "Spine", "Spine1", "Spine2", "Spine4", "Neck1", "Head1")],
        BIPED_LIMBS, "ValveBiped.Bip01_L_", "ValveBiped.Bip01_R_",
    )),
    "The Sims 4": ("sims4", named(
        [f"b__{name}__" for name in ("Pelvis", "Spine0", "Spine1", "Spine2", "Neck", "Head")],
        [f"{name}__" for name in (*BIPED_LIMBS[:-1], "Toe")], "b__L_", "b__R_",
    )),
    "Advanced Skeleton": ("advanced_skeleton", named(
        ["Root_M", "Spine1_M", "Spine2_M", "Chest_M", "Neck_M", "Head_M"],
        ["Scapula", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Toes"], "_L", "_R", "{bone}{side}",
    )),
    "Synty": ("synty", named(
        ["Root", "Hips", "Spine_01", "Spine_02", "Spine_03", "Neck", "Head"],
        ["Clavicle", "Shoulder", "Elbow", "Hand", "UpperLeg", "LowerLeg", "Ankle", "Ball"], "_L", "_R", "{bone}{side}",
    )),
    "Xsens": ("xsens", named(
        ["Pelvis", "L5", "L3", "T12", "T8", "Neck", "Head"],
        ["Shoulder", "UpperArm", "ForeArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toe"],
    )),
    "Second Life": ("second_life", named(
        ["mPelvis", "mTorso", "mChest", "mNeck", "mHead"],
        ["mCollar", "mShoulder", "mElbow", "mWrist", "mHip", "mKnee", "mAnkle", "mFoot"], form="{bone}{side}",
    )),
    "MikuMikuDance": ("mmd", named(
        ["全ての親", "センター", "下半身", "上半身", "上半身2", "首", "頭"],
        ["肩", "腕", "ひじ", "手首", "足", "ひざ", "足首", "つま先", "足ＩＫ"], "左", "右",
    )),
    "MikuMikuDance, mmd_tools": ("mmd", named(
        ["センター", "下半身", "上半身", "上半身2", "首", "頭"],
        ["肩", "腕", "ひじ", "手首", "足", "ひざ", "足首", "つま先"], ".L", ".R", "{bone}{side}",
    )),
    "Rokoko": ("rokoko", named(
        ["Hips", "Spine1", "Spine2", "Spine3", "Spine4", "Neck", "Head"],
        ["Shoulder", "Arm", "ForeArm", "Hand", "Thigh", "Shin", "Foot", "Toe"],
    )),
    "OptiTrack": ("optitrack", named(
        [f"Skeleton 001_{name}" for name in ("Hip", "Ab", "Chest", "Neck", "Head")],
        ["Shoulder", "UArm", "FArm", "Hand", "Thigh", "Shin", "Foot", "Toe"], "Skeleton 001_L", "Skeleton 001_R",
    )),
    "DeepMotion": ("mixamo", named(
        [f"{name}_JNT" for name in ("hips", "spine", "spine1", "spine2", "neck", "head")],
        [name.lower() for name in MIXAMO_LIMBS], "l", "r", "{side}_{bone}_JNT",
    )),
    "HumanIK": ("mixamo", named(
        [f"Character1_{name}" for name in ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")],
        MIXAMO_LIMBS, "Character1_Left", "Character1_Right",
    )),
    "Mixamo, a copy": ("mixamo", named(
        [f"mixamorig:{name}.001" for name in ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")],
        MIXAMO_LIMBS, "Left", "Right", "mixamorig:{side}{bone}.001",
    )),
    "Mixamo from Sketchfab": ("mixamo", [
        f"{name}_{number:02d}" for number, name in enumerate(named(
            [f"mixamorig:{name}" for name in ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")],
            MIXAMO_LIMBS, "mixamorig:Left", "mixamorig:Right",
        ))
    ]),
    "ARKit": ("arkit", named(
        ["hips_joint", *(f"spine_{n}_joint" for n in range(1, 8)), "neck_1_joint", "neck_2_joint", "head_joint"],
        ["shoulder_1", "arm", "forearm", "hand", "upLeg", "leg", "foot", "toes"], "left", "right", "{side}_{bone}_joint",
    )),
    "Meta body tracking": ("meta_body", named(
        [f"Body_{name}" for name in ("Hips", "SpineLower", "SpineMiddle", "SpineUpper", "Chest", "Neck", "Head")],
        ["Shoulder", "ArmUpper", "ArmLower", "HandWrist", "UpperLeg", "LowerLeg", "FootAnkle", "FootBall"],
        "Body_Left", "Body_Right",
    )),
    "XNALara": ("xnalara", named(
        ["root hips", "spine lower", "spine middle", "spine upper", "head neck lower", "head neck upper"],
        ["arm {} shoulder 1", "arm {} shoulder 2", "arm {} elbow", "arm {} wrist",
         "leg {} thigh", "leg {} knee", "leg {} ankle", "leg {} toes"],
        "left", "right", "{bone}",
    )),
    "Skyrim": ("skyrim", [
        f"NPC {name} [{name[:4]}]" for name in named(
            ["Pelvis", "Spine", "Spine1", "Spine2", "Neck", "Head"], BIPED_LIMBS, "L ", "R ",
        )
    ]),
    "Grand Theft Auto V": ("gta5", named(
        [f"SKEL_{name}" for name in ("Pelvis", "Spine_Root", "Spine0", "Spine1", "Spine2", "Spine3", "Neck_1", "Head")],
        BIPED_LIMBS, "SKEL_L_", "SKEL_R_",
    )),
    "Team Fortress 2": ("team_fortress2", named(
        [f"bip_{name}" for name in ("pelvis", "spine_0", "spine_1", "spine_2", "spine_3", "neck", "head")],
        ["collar", "upperArm", "lowerArm", "hand", "hip", "knee", "foot", "toe"], "L", "R", "bip_{bone}_{side}",
    )),
    "MB-Lab": ("mb_lab", named(
        ["root", "pelvis", "spine01", "spine02", "spine03", "neck", "head"],
        [*UNREAL_LIMBS[:-1], "toes"], "L", "R", "{bone}_{side}",
    )),
    "Daz Genesis 2": ("poser", named(
        ["hip", "pelvis", "abdomen", "abdomen2", "chest", "neck", "head"],
        ["Collar", "Shldr", "ForeArm", "Hand", "Thigh", "Shin", "Foot", "Toe"], "l", "r",
    )),
    "Roblox": ("roblox", named(
        ["LowerTorso", "UpperTorso", "Head"],
        ["UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot"],
    )),
}  # fmt: skip
#: Joints that families have fewer than all.
FEWER = {"second_life": 21, "mmd": 21, "optitrack": 21, "roblox": 15}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_familys_bones_are_known_by_name(spelling):
    key, names = SPELLINGS[spelling]
    bare = dict(zip(names, bare_names(names), strict=True))
    found = match_family(chain_of(names))
    assert found is not None
    family, mapping = found
    assert family.key == key
    assert len(mapping.bones) == FEWER.get(key, 22)
    assert mapping.overall == 1
    for joint, bone in mapping.bones.items():
        if joint.startswith("left_"):  # the right one is the same bone of the other side
            other = mapping.bones[joint.replace("left", "right")]
            assert (plain_name(bone).side, plain_name(other).side) == ("left", "right")
            assert plain_name(bare[bone]).stem == plain_name(bare[other]).stem
    trunk = [j for j in ("pelvis", "spine1", "spine2", "spine3", "neck", "head") if j in mapping.bones]
    order = [names.index(mapping.bones[joint]) for joint in trunk]
    assert order == sorted(order)
    arm = [mapping.bones[f"left_{j}"] for j in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")]
    assert [names.index(bone) for bone in arm] == sorted(names.index(bone) for bone in arm)


def test_other_names_belong_to_no_family():
    assert match_family(chain_of([f"bone.{number:03d}" for number in range(40)])) is None
    assert match_family(chain_of(SPELLINGS["SMPL"][1][:-3])) is None  # a leg is missing


def test_every_file_is_whole():
    assert len(families()) > 30
    for family in families():
        assert family.tested in ("files", "names"), family.key
        stems = [stem for stems in family.joints.values() for stem in stems]
        assert all(stem == plain_name(stem).stem for stem in stems), family.key


def test_a_cat_with_the_names_of_a_person_is_not_sure():
    bpy.ops.preferences.addon_enable(module="rigify")
    for kind, sure in (("human", 1.0), ("cat", 0.3)):
        getattr(bpy.ops.object, f"armature_{kind}_metarig_add")()
        found = search_humanoid(bpy.context.object)
        assert found.family.key == "rigify_metarig"
        assert set(found.mapping.confidence.values()) == {sure}
