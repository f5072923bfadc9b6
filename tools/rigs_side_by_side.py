"""Renders docs/images/rigs_side_by_side.png: the source's body and the same pose on rigs of six families.

    PYTHONPATH=. SKETCH2POSE_RIGS=FOLDER .venv-blender-5.2/bin/python tools/rigs_side_by_side.py

FOLDER has the rigs and their truth.json, as tests/blender/rigs.py reads them.
"""

# Blender's types are told apart by what a file holds; the tests' modules are found by the path below.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false
# pyright: reportMissingImports=false

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT), str(ROOT / "tests" / "blender")]

from posed import hypothesis  # noqa: E402
from rigs import imported, truth  # noqa: E402

from backend.body import Body, load_body  # noqa: E402
from backend.skeleton import JOINT_NAMES  # noqa: E402
from sketch2pose_blender.rig.armature import build_character  # noqa: E402
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid  # noqa: E402
from sketch2pose_blender.rig.posing import apply_pose  # noqa: E402

#: File -> what is written over it, and how high the figure is drawn, metres.
RIGS = {
    "mixamo_mpfb_male.glb": ("Mixamo", 1.7),
    "ue_m2m_male.glb": ("Unreal Mannequin", 1.7),
    "rpm_masculine_xr.fbx": ("Ready Player Me", 1.7),
    "biped_rocketbox_male_17.fbx": ("3ds Max Biped", 1.7),
    "kaykit_barbarian.glb": ("KayKit", 1.6),
    "quaternius_punk.glb": ("Quaternius", 1.7),
}
#: What a figure carries or wears over its limbs; left out.
HIDDEN = ("Axe", "Shield", "Mug", "Cape", "Hat", "Icosphere")
#: Radians about the axes of the SMPL rest frame: a wave on one leg, limbs apart.
POSE = {
    "left_hip": (-1.2, 0.0, 0.6), "left_knee": (1.5, 0.0, 0.0), "right_hip": (0.0, 0.0, -0.12),
    "right_shoulder": (0.0, 0.0, 0.1), "right_elbow": (0.0, 0.3, -1.15),
    "left_shoulder": (0.0, -0.2, -0.5), "left_elbow": (0.0, -0.5, -0.9),
    "spine1": (0.0, 0.0, 0.12), "head": (0.0, 0.35, 0.1),
}  # fmt: skip
SIZE = (560, 420)
BLUE, SAND = (0.22, 0.47, 0.78, 1), (0.92, 0.62, 0.3, 1)


def main() -> None:
    """Render six tiles and put them together."""
    body = load_body()
    files = {file.name: (file, expected) for file, expected in truth().items()}
    sheet = Image.new("RGB", (3 * SIZE[0], 2 * SIZE[1]), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (name, (title, height)) in enumerate(RIGS.items()):
        file, expected = files[name]
        tile = render(body, imported(file, expected["armature"]), height)
        corner = (number % 3 * SIZE[0], number // 3 * SIZE[1])
        sheet.paste(tile, corner)
        pen.text((corner[0] + SIZE[0] // 2, corner[1] + 10), title, "black", ImageFont.load_default(24), "ma")
    sheet.quantize(128).save(ROOT / "docs" / "images" / "rigs_side_by_side.png", optimize=True)


def render(body: Body, armature: bpy.types.Object, height: float) -> Image.Image:
    """The source at the left and a posed rig at the right, from a little to the side."""
    pose = np.zeros((24, 3))
    pose[0] = (np.pi, 0, 0)
    for joint, turn in POSE.items():
        pose[JOINT_NAMES.index(joint)] = turn
    meant = hypothesis(body, pose)
    humanoid = find_humanoid(armature)
    assert humanoid is not None
    pose_humanoid(humanoid, meant, body)
    meshes = [
        thing
        for thing in bpy.data.objects
        if thing.type == "MESH" and (thing.find_armature() == armature or thing.parent == armature)
    ]
    for thing in bpy.data.objects:
        shown = thing in meshes and not any(word in thing.name for word in HIDDEN)
        thing.hide_render = thing.type == "MESH" and not shown
        thing.color = SAND
    stand(armature, humanoid.mapping.bones, height)
    source = build_character(bpy.context, body, np.zeros(10, np.float32), "Source")
    apply_pose(source, meant, body)
    source.location.x, source.children[0].color = -0.62, BLUE

    scene, shading = bpy.context.scene, bpy.context.scene.display.shading
    scene.render.engine = "BLENDER_WORKBENCH"
    shading.light, shading.color_type, shading.show_cavity = "STUDIO", "OBJECT", True
    shading.show_object_outline, shading.object_outline_color = True, (0.1, 0.1, 0.1)
    shading.background_type = "VIEWPORT"
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.data.type, camera.data.ortho_scale = "ORTHO", 2.95
    camera.location = (1.0, -5, 1.3)
    camera.rotation_euler = (Vector((0, 0, 0.98)) - camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.display.render_aa = "16"
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder, "tile.png"))
        bpy.ops.render.render(write_still=True)
        drawn = Image.open(scene.render.filepath).convert("RGBA")
    white = Image.new("RGBA", drawn.size, "white")
    white.alpha_composite(drawn)
    return white.convert("RGB")


def stand(armature: bpy.types.Object, bones: dict[str, str], height: float) -> None:
    """Turn a rig so that it faces the front view, scale it and put it to the right of the middle."""
    rest = {joint: armature.matrix_world @ armature.data.bones[b].head_local for joint, b in bones.items()}
    left = (rest["left_hip"] - rest["right_hip"]).normalized()
    up = rest["left_shoulder"] + rest["right_shoulder"] - rest["left_hip"] - rest["right_hip"]
    up = (up - left * up.dot(left)).normalized()
    frame = Matrix((left, -left.cross(up), up)).to_4x4()
    holder = bpy.data.objects.new("Holder", None)
    bpy.context.scene.collection.objects.link(holder)
    for thing in [thing for thing in bpy.data.objects if thing.parent is None and thing is not holder]:
        own = thing.matrix_world.copy()
        thing.parent, thing.matrix_parent_inverse = holder, Matrix()
        thing.matrix_basis = own
    low, high = (extreme((frame @ place).z for place in rest.values()) for extreme in (min, max))
    # The head's joint is below the top of the head: far below with big heads.
    share = 0.88 if height > 1.65 else 0.52
    holder.matrix_world = Matrix.Scale(height * share / (high - low), 4) @ frame
    bpy.context.view_layer.update()
    now = {joint: armature.matrix_world @ armature.pose.bones[bone].head for joint, bone in bones.items()}
    middle = (now["left_hip"] + now["right_hip"]) / 2
    ground = min(place.z for place in now.values())
    holder.matrix_world = (
        Matrix.Translation((0.68 - middle.x, -middle.y, 0.06 - ground)) @ holder.matrix_world
    )
    bpy.context.view_layer.update()


main()
sys.stdout.flush()
os._exit(0)  # Blender as a module may crash when it is taken apart
