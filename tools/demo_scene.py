"""Builds a Blender scene of posed drawings: every figure as an armature with its body, beside its drawing.

    python tools/demo_scene.py out/demo/poses.json --out out/demo/demo.blend --render out/demo/demo.png

Needs the bpy wheel and no window or GPU. The first figure of every image is shown, on a shelf before a
wall; each folder of images starts a new shelf.
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

sys.path.insert(0, str(Path(__file__).parents[1]))

from backend.api import ImageResult, loads
from backend.body import load_body
from backend.errors import SketchPoseError
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.posing import apply_pose

#: Metres: height from shelf to shelf, its depth, largest size of a sheet, space between things.
SHELF_HEIGHT, SHELF_DEPTH = 2.35, 1.6
SHEET_WIDTH, SHEET_HEIGHT = 1.75, 1.6
GAP, SHELF_MARGIN = 0.12, 0.3
#: How far before the wall the figures stand.
STAND = 0.75

WALL, CLAY, PAPER = (0.31, 0.385, 0.42), (0.58, 0.25, 0.14), (0.93, 0.92, 0.89)
RENDER_WIDTH, SAMPLES = 1600, 20


@dataclass
class Exhibit:
    """A drawing and its figure, with the size of both on the shelf.

    Attributes:
        armature: posed, its origin on the ground.
        left: metres that the posed body reaches to the left of its origin, as the camera sees it.
        right: the same to the right.
        sheet: the drawing, a plane whose origin is its centre.
        sheet_size: (2,) metres.
    """

    armature: bpy.types.Object
    left: float
    right: float
    sheet: bpy.types.Object
    sheet_size: tuple[float, float]

    @property
    def width(self) -> float:
        """Metres on the shelf."""
        return self.sheet_size[0] + GAP + self.left + self.right


def build_scene(images: list[ImageResult]) -> None:
    """Fill the empty scene with the images that were posed, shelf by shelf."""
    posed = [image for image in images if image.figures]
    if not posed:
        raise SketchPoseError("No drawing in the pose file was posed; give one with a figure.")
    columns = math.ceil(len(posed) / max(1, round(math.sqrt(len(posed) / 2.2))))
    shelves: list[list[Exhibit]] = []
    clay = material("Clay", CLAY, roughness=0.55)
    for _, group in groupby(posed, key=lambda image: str(Path(image.file).parent)):
        folder = list(group)
        # Shelves of one folder get as even a number as possible.
        count = math.ceil(len(folder) / columns)
        shelves += [
            [make_exhibit(folder[index], clay) for index in part]
            for part in np.array_split(np.arange(len(folder)), count)
        ]

    width = max(sum(e.width for e in shelf) + SHELF_MARGIN * (len(shelf) + 1) for shelf in shelves)
    for level, shelf in enumerate(reversed(shelves)):
        arrange(shelf, width, level)
    build_shelves(len(shelves), width)
    add_lights(len(shelves), width)
    add_camera(len(shelves), width)


def make_exhibit(image: ImageResult, clay: bpy.types.Material) -> Exhibit:
    """Build and pose a figure and make the sheet with its drawing."""
    name = Path(image.file).stem
    hypothesis = image.figures[0].hypotheses[0]
    body = load_body()
    armature = build_character(bpy.context, body, np.array(hypothesis.betas, np.float32), name)
    apply_pose(armature, hypothesis, body)
    figure = armature.children[0]
    figure.data.materials.append(clay)
    bpy.context.view_layer.update()
    corners = np.array(figure.evaluated_get(bpy.context.evaluated_depsgraph_get()).bound_box)

    scale = min(SHEET_WIDTH / image.width, SHEET_HEIGHT / image.height)
    size = (image.width * scale, image.height * scale)
    return Exhibit(
        armature, -corners[:, 0].min(), corners[:, 0].max(), make_sheet(image.file, name, size), size
    )


def make_sheet(file: str, name: str, size: tuple[float, float]) -> bpy.types.Object:
    """A thin sheet of paper that shows the image, packed into the file; it faces -y."""
    x, z, thick = size[0] / 2, size[1] / 2, 0.012
    mesh = bpy.data.meshes.new(f"{name} drawing")
    corners = [(-x, -z), (x, -z), (x, z), (-x, z)]
    front, back = [(a, -thick, b) for a, b in corners], [(a, 0.0, b) for a, b in corners]
    sides = [(i, i + 4, (i + 1) % 4 + 4, (i + 1) % 4) for i in range(4)]
    mesh.from_pydata(front + back, [], [(0, 1, 2, 3), (7, 6, 5, 4), *sides])
    uv = mesh.uv_layers.new(name="UVMap")
    for loop, place in zip(uv.data[:4], [(0, 0), (1, 0), (1, 1), (0, 1)], strict=True):
        loop.uv = place

    drawing = material(f"{name} drawing", PAPER, roughness=0.9)
    try:
        image = bpy.data.images.load(file)
    except RuntimeError as error:
        raise SketchPoseError(f"The drawing {file} is not where it was posed; pose it again.") from error
    image.pack()
    nodes = drawing.node_tree.nodes
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.location = (-300, 300)
    drawing.node_tree.links.new(texture.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    mesh.materials.append(drawing)
    mesh.materials.append(bpy.data.materials.get("Paper") or material("Paper", PAPER, roughness=0.9))
    for polygon in mesh.polygons[1:]:
        polygon.material_index = 1
    return linked(bpy.data.objects.new(f"{name} drawing", mesh))


def arrange(shelf: list[Exhibit], width: float, level: int) -> None:
    """Spread the exhibits evenly over a shelf; ``level`` counts from the floor."""
    space = (width - sum(exhibit.width for exhibit in shelf)) / (len(shelf) + 1)
    x = -width / 2
    wall, floor = level * SHELF_DEPTH, level * SHELF_HEIGHT
    for exhibit in shelf:
        x += space
        sheet_width, sheet_height = exhibit.sheet_size
        # Landscape sheets hang at the height of the figures' chests.
        middle = max(0.12 + sheet_height / 2, 1.0)
        exhibit.sheet.location = (x + sheet_width / 2, wall - 0.01, floor + middle)
        exhibit.armature.location = (x + sheet_width + GAP + exhibit.left, wall - STAND, floor)
        x += exhibit.width


def build_shelves(count: int, width: float) -> None:
    """A staircase of shelves and walls with softened edges, wider than the picture."""
    profile = [(-14.0, 0.0)]
    for level in range(count):
        height = SHELF_HEIGHT if level < count - 1 else 3 * SHELF_HEIGHT
        profile += [(level * SHELF_DEPTH, level * SHELF_HEIGHT)]
        profile += [(level * SHELF_DEPTH, level * SHELF_HEIGHT + height)]
    side = width
    mesh = bpy.data.meshes.new("Shelves")
    left = [(-side, y, z) for y, z in profile]
    right = [(side, y, z) for y, z in profile]
    n = len(profile)
    mesh.from_pydata(left + right, [], [(i, i + n, i + n + 1, i + 1) for i in range(n - 1)])
    mesh.materials.append(material("Wall", WALL, roughness=0.95))
    mesh.shade_smooth()
    shelves = linked(bpy.data.objects.new("Shelves", mesh))
    bevel = shelves.modifiers.new("Bevel", "BEVEL")
    bevel.width, bevel.segments = 0.05, 4
    bevel.harden_normals = True


def add_lights(count: int, width: float) -> None:
    """A large soft light from the upper left, a dimmer one from the right, and a bright surrounding."""
    middle = Vector((0.0, 0.0, count * SHELF_HEIGHT / 2))
    for name, place, size, power in (
        ("Key light", Vector((-0.4 * width, -1.1 * width, (count + 3) * SHELF_HEIGHT)), 0.3 * width, 80.0),
        ("Fill light", Vector((0.6 * width, -0.7 * width, count * SHELF_HEIGHT / 2)), 0.5 * width, 12.0),
    ):
        data = bpy.data.lights.new(name, "AREA")
        data.shape, data.size = "DISK", size
        # As bright on a small scene as on a large one.
        data.energy = power * (place - middle).length_squared / 10
        light = linked(bpy.data.objects.new(name, data))
        light.location = place
        light.rotation_euler = (middle - place).to_track_quat("-Z", "Y").to_euler()
    world = bpy.data.worlds.new("World")
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.93, 0.96, 1.0, 1.0)
    background.inputs["Strength"].default_value = 0.42
    bpy.context.scene.world = world


def add_camera(count: int, width: float) -> None:
    """A long lens, a little from above, that sees all shelves; sets the picture's size to fit them."""
    scene = bpy.context.scene
    camera = linked(bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera")))
    camera.data.lens, camera.data.clip_end = 110, 500
    camera.rotation_euler = (math.radians(82), 0, 0)
    scene.camera = camera
    height = count * SHELF_HEIGHT
    scene.render.resolution_x = RENDER_WIDTH
    scene.render.resolution_y = 2 * round(RENDER_WIDTH * (height + 0.35) / width / 2)
    depth = (count - 1) * SHELF_DEPTH
    corners = [(x, y, z) for x in (-width / 2, width / 2) for y, z in ((-STAND, -0.25), (depth, height))]
    bpy.context.view_layer.update()
    place, _ = camera.camera_fit_coords(
        bpy.context.evaluated_depsgraph_get(), [value for corner in corners for value in corner]
    )
    camera.location = place


def material(name: str, colour: tuple[float, float, float], roughness: float) -> bpy.types.Material:
    """A plain material; colour is linear RGB."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Specular IOR Level"].default_value = 0.25
    made.diffuse_color = (*colour, 1.0)
    return made


def linked(thing: bpy.types.Object) -> bpy.types.Object:
    """The object, in the scene."""
    bpy.context.scene.collection.objects.link(thing)
    return thing


def set_view() -> None:
    """Let the file open with the camera's view in material preview."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == "VIEW_3D":
                space = area.spaces.active
                space.shading.type = "MATERIAL"
                space.region_3d.view_perspective = "CAMERA"


def render(path: Path) -> None:
    """Render the scene with Cycles on the processor, which needs no window and no GPU."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.use_denoising = True
    scene.cycles.max_bounces = 3
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(path.resolve())
    bpy.ops.render.render(write_still=True)


@contextmanager
def silence() -> Iterator[None]:
    """Keep off the terminal what Blender itself prints, some hundred lines a render."""
    sys.stdout.flush()
    terminal, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(terminal, 1)
        os.close(terminal)
        os.close(nowhere)


def main() -> int:
    """Build, save and render as the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("poses", type=Path, help="poses.json of `python -m backend pose`")
    parser.add_argument("--out", type=Path, required=True, help="the .blend file to write")
    parser.add_argument("--render", type=Path, help="the PNG to render")
    options = parser.parse_args()
    try:
        result = loads(options.poses.read_bytes())
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        build_scene(list(result.images))
    except OSError as error:
        print(f"The pose file {options.poses} cannot be read ({error.strerror}).", file=sys.stderr)
        return 1
    except SketchPoseError as error:
        print(error, file=sys.stderr)
        return 1
    set_view()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.render is not None:
        print(f"Rendering {options.render} ...")
        with silence():
            render(options.render)
    bpy.context.preferences.filepaths.save_version = 0  # no demo.blend1 beside it
    with silence():
        bpy.ops.wm.save_as_mainfile(filepath=str(options.out.resolve()), compress=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
