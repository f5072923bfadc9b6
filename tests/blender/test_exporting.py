"""Exported files, read back by Blender's own importers and by plain maths: every joint is where it was."""

import bpy
import numpy as np
import pytest
from posed import FACING, hypothesis, joints_in_blender, random_pose
from rigs import MIXAMO, random_humanoid

from backend.body import load_body, pose_body
from backend.errors import InputError
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.rig.animation import read_motion_file, retarget, write_motion
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.exporting import export_bvh, export_fbx, export_gltf, export_npz
from sketch2pose_blender.rig.posing import apply_pose

BODY = load_body()
FRAMES = range(4, 10)
MILLIMETRE = 1e-3


@pytest.fixture
def animated():
    """An SMPL armature with keys at frames 4 and 9, somewhere in the scene, whose pelvis moves."""
    rng = np.random.default_rng(0)
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    armature.location, armature.rotation_euler = (1, -2, 0.5), (0, 0, 0.8)
    for frame in (4, 9):
        armature.pose.bones["pelvis"].location = rng.normal(size=3)
        apply_pose(armature, hypothesis(BODY, random_pose(rng, 0.5)), BODY, frame)
    return armature


def joints_at(armature, frames, names=JOINT_NAMES):
    """(F, J, 3) world places of the heads of bones."""
    places = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        bpy.context.view_layer.update()
        places.append([tuple(armature.matrix_world @ armature.pose.bones[name].head) for name in names])
    return np.array(places)


def imported(operator, path, **options):
    """The armature that an importer adds."""
    before = set(bpy.data.objects)
    operator(filepath=str(path), **options)
    (armature,) = [thing for thing in set(bpy.data.objects) - before if thing.type == "ARMATURE"]
    return armature


def upright():
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    pose = np.zeros((24, 3))
    pose[0] = FACING
    apply_pose(armature, hypothesis(BODY, pose), BODY, 1)
    return armature


def stands_upright(joints):
    """Whether (24, 3) joints in Blender's world stand on the ground, head up, facing the front view."""
    at = dict(zip(JOINT_NAMES, joints, strict=True))
    return (
        at["head"][2] > 1.3
        and 0 < at["left_foot"][2] < 0.1
        and at["left_foot"][1] < at["left_ankle"][1]
        and at["left_wrist"][0] > 0.4 > -0.4 > at["right_wrist"][0]
    )


def test_bvh_opens_with_every_joint_in_its_place(animated, tmp_path):
    export_bvh(animated, FRAMES, tmp_path / "a.bvh", BODY)
    back = imported(bpy.ops.import_anim.bvh, tmp_path / "a.bvh", frame_start=4)
    expected = joints_at(animated, FRAMES)
    np.testing.assert_allclose(joints_at(back, FRAMES), expected, atol=MILLIMETRE)


def test_an_upright_figure_opens_upright(tmp_path):
    armature = upright()
    export_bvh(armature, [1], tmp_path / "a.bvh", BODY)
    export_npz(armature, [1], tmp_path / "a.npz", BODY)
    bvh = imported(bpy.ops.import_anim.bvh, tmp_path / "a.bvh")
    assert stands_upright(joints_at(bvh, [1])[0])
    copy = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Copy")
    write_motion(read_motion_file(tmp_path / "a.npz", BODY), copy, BODY, [1])
    assert stands_upright(joints_at(copy, [1])[0])


def test_the_command_lines_files_open_upright(tmp_path):
    """What ``python -m backend pose --format npz,bvh`` writes, for a figure that is drawn upright."""
    from backend.bvh import smpl_clip, write_bvh
    from backend.motion import stand, write_npz

    pose = np.zeros((24, 3))
    pose[0] = FACING
    motion = stand([hypothesis(BODY, pose)], BODY)
    write_bvh(smpl_clip(motion, BODY), tmp_path / "a.bvh")
    write_npz(motion, BODY, tmp_path / "a.npz")
    assert stands_upright(joints_at(imported(bpy.ops.import_anim.bvh, tmp_path / "a.bvh"), [1])[0])
    copy = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Copy")
    write_motion(read_motion_file(tmp_path / "a.npz", BODY), copy, BODY, [1])
    assert stands_upright(joints_at(copy, [1])[0])


def test_npz_says_where_every_joint_is_in_the_scene(animated, tmp_path):
    """AMASS's own reading: SMPL of the poses, then trans; z up as Blender."""
    export_npz(animated, FRAMES, tmp_path / "a.npz", BODY)
    with np.load(tmp_path / "a.npz") as archive:
        poses, trans = archive["poses"].reshape(-1, 24, 3), archive["trans"]
        assert float(archive["mocap_framerate"]) == bpy.context.scene.render.fps
    said = pose_body(BODY, poses).joints + trans[:, None]
    np.testing.assert_allclose(said, joints_at(animated, FRAMES), atol=MILLIMETRE)


@pytest.mark.parametrize("seed", range(3))
def test_a_rig_of_the_artists_own(tmp_path, animated, seed):
    rig = random_humanoid(np.random.default_rng(seed), MIXAMO)
    retarget(animated, rig, frames=FRAMES, body=BODY)
    size = float(np.max(rig.dimensions))
    export_bvh(rig, FRAMES, tmp_path / "a.bvh", BODY)
    back = imported(bpy.ops.import_anim.bvh, tmp_path / "a.bvh", frame_start=4)
    names = list(MIXAMO.values())
    # The file's numbers have six decimals.
    expected = joints_at(rig, FRAMES, names)
    np.testing.assert_allclose(joints_at(back, FRAMES, names), expected, atol=MILLIMETRE * max(size, 1))

    export_npz(rig, FRAMES, tmp_path / "rig.npz", BODY)
    export_npz(animated, FRAMES, tmp_path / "smpl.npz", BODY)
    with np.load(tmp_path / "rig.npz") as mine, np.load(tmp_path / "smpl.npz") as given:
        # Pelvis apart, whose turn is told in the world, where the rig stands otherwise.
        mapped = [JOINT_NAMES.index(j) for j in MIXAMO if not j.endswith("wrist") and j != "pelvis"]
        first, second = (pose_body(BODY, np.concatenate([np.zeros_like(p[:, :1]), p[:, 1:]], 1)).joints
                         for p in (mine["poses"].reshape(-1, 24, 3), given["poses"].reshape(-1, 24, 3)))  # fmt: skip
        np.testing.assert_allclose(first[:, mapped], second[:, mapped], atol=3 * MILLIMETRE)


def fbx_importers():
    yield "import_scene.fbx"
    if bpy.app.version >= (4, 5):
        yield "wm.fbx_import"


def importer(name):
    group, operator = name.split(".")
    return getattr(getattr(bpy.ops, group), operator)


@pytest.mark.parametrize("reader", list(fbx_importers()))
def test_fbx_comes_back_with_every_joint_in_its_place(animated, tmp_path, reader):
    export_fbx(animated, FRAMES, tmp_path / "a.fbx")
    expected = joints_at(animated, FRAMES)
    back = imported(importer(reader), tmp_path / "a.fbx")
    assert {bone.name for bone in back.data.bones} == set(JOINT_NAMES)
    first = int(back.animation_data.action.frame_range[0])
    frames = [first + frame - FRAMES[0] for frame in FRAMES]
    np.testing.assert_allclose(joints_at(back, frames), expected, atol=MILLIMETRE)


@pytest.mark.parametrize("ending", ["glb", "gltf"])
def test_gltf_comes_back_with_every_joint_in_its_place(animated, tmp_path, ending):
    export_gltf(animated, FRAMES, tmp_path / f"a.{ending}")
    expected = joints_at(animated, FRAMES)
    back = imported(bpy.ops.import_scene.gltf, tmp_path / f"a.{ending}")
    assert {bone.name for bone in back.data.bones} == set(JOINT_NAMES)
    first = round(back.animation_data.action.frame_range[0])
    frames = [first + frame - FRAMES[0] for frame in FRAMES]
    np.testing.assert_allclose(joints_at(back, frames), expected, atol=MILLIMETRE)


@pytest.mark.parametrize("export", [export_fbx, export_gltf, export_bvh, export_npz])
def test_a_pose_without_keys_is_exported_as_it_is_and_the_scene_stays_as_it_was(tmp_path, export):
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    apply_pose(armature, hypothesis(BODY, random_pose(np.random.default_rng(1))), BODY)
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(cube)
    armature.select_set(False)
    cube.select_set(True)
    bpy.context.view_layer.objects.active = cube
    scene = bpy.context.scene
    scene.frame_set(5)
    expected = joints_in_blender(armature)

    def state():
        return (
            bpy.context.view_layer.objects.active.name, [thing.name for thing in bpy.context.selected_objects],
            scene.frame_start, scene.frame_end, scene.frame_current, len(bpy.data.actions), len(bpy.data.scenes),
            armature.animation_data, bpy.context.mode,
        )  # fmt: skip

    before = state()
    ending = export.__name__.removeprefix("export_").replace("gltf", "glb")
    path = tmp_path / f"a.{ending}"
    arguments = (BODY,) if ending in ("bvh", "npz") else ()
    export(armature, [5], path, *arguments)
    assert state() == before
    np.testing.assert_allclose(joints_in_blender(armature), expected, atol=1e-5)
    if ending == "npz":
        return
    importers = {"fbx": "import_scene.fbx", "glb": "import_scene.gltf", "bvh": "import_anim.bvh"}
    back = imported(importer(importers[ending]), path)
    frame = round(back.animation_data.action.frame_range[0])
    np.testing.assert_allclose(joints_at(back, [frame])[0], expected, atol=MILLIMETRE)


def test_fbx_carries_the_skin(animated, tmp_path):
    from posed import skin_in_blender

    export_fbx(animated, FRAMES, tmp_path / "a.fbx")
    back = imported(bpy.ops.import_scene.fbx, tmp_path / "a.fbx")
    first = int(back.animation_data.action.frame_range[0])
    bpy.context.scene.frame_set(6)
    expected = skin_in_blender(animated)
    bpy.context.scene.frame_set(first + 2)
    np.testing.assert_allclose(skin_in_blender(back), expected, atol=2 * MILLIMETRE)


@pytest.mark.parametrize("export", [export_fbx, export_gltf, export_bvh, export_npz])
def test_what_cannot_be_written_is_one_sentence(tmp_path, animated, export):
    arguments = (BODY,) if export in (export_bvh, export_npz) else ()
    with pytest.raises(InputError, match=r"; choose another place\.$"):
        export(animated, FRAMES, tmp_path / "missing" / "a.bin", *arguments)
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    with pytest.raises(InputError, match="Cube is no armature"):
        export(cube, FRAMES, tmp_path / "a.bin", *arguments)
    assert list(tmp_path.iterdir()) == []
