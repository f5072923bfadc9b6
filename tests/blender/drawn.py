"""Drawings in Blender, made by Python: grease pencil of both kinds, cameras, and figures whose truth is known."""

from itertools import pairwise

import bpy
import numpy as np
from mathutils import Matrix

from backend import kinematics
from backend.api import CameraPose, Figure, Hypothesis, Keypoint
from backend.body import load_body
from backend.skeleton import KEYPOINT_NAMES, KEYPOINT_PARENTS

BODY = load_body()
REST = np.asarray(BODY.rest_keypoints(), float)


def grease_pencil(strokes, name="Drawing", radius=0.02, layer="Lines", thing=None):
    """A grease pencil object with (n, 3) polylines; also adds a layer to one that is there."""
    legacy = bpy.app.version < (4, 3)
    if thing is None:
        kind = "grease_pencils_v3" if hasattr(bpy.data, "grease_pencils_v3") else "grease_pencils"
        data = getattr(bpy.data, kind).new(name)
        thing = bpy.data.objects.new(name, data)
        bpy.context.scene.collection.objects.link(thing)
        material = bpy.data.materials.new("Lines")
        bpy.data.materials.create_gpencil_data(material)
        data.materials.append(material)
    frame = thing.data.layers.new(layer).frames.new(bpy.context.scene.frame_current)
    if legacy:
        for points in strokes:
            stroke = frame.strokes.new()
            stroke.line_width = round(radius * 2000)
            stroke.points.add(len(points))
            stroke.points.foreach_set("co", np.asarray(points, np.float32).ravel())
    else:
        drawing = frame.drawing
        drawing.add_strokes([len(points) for points in strokes])
        places = np.concatenate(strokes).astype(np.float32)
        drawing.attributes["position"].data.foreach_set("vector", places.ravel())
        if "radius" not in drawing.attributes:
            drawing.attributes.new("radius", "FLOAT", "POINT")
        drawing.attributes["radius"].data.foreach_set("value", np.full(len(places), radius, np.float32))
        drawing.tag_positions_changed()
    bpy.context.view_layer.objects.active = thing
    return thing


def camera(lens=None, location=(0.0, -5.0, 1.0), target=(0.0, 0.0, 1.0), scale=3.0):
    """The scene's camera, looking at a point; orthographic without a lens (millimetres on a 36 mm sensor)."""
    from mathutils import Vector

    made = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(made)
    bpy.context.scene.camera = made
    if lens is None:
        made.data.type, made.data.ortho_scale = "ORTHO", scale
    else:
        made.data.lens = lens
    way = Vector(target) - Vector(location)
    made.matrix_world = Matrix.Translation(location) @ way.to_track_quat("-Z", "Y").to_matrix().to_4x4()
    bpy.context.view_layer.update()
    return made


def seen_by_blender(points):
    """(K, 2) pixels, y down, of (K, 3) world points in the camera's picture, by Blender's own function."""
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    scene = bpy.context.scene
    width, height = scene.render.resolution_x, scene.render.resolution_y
    flat = [world_to_camera_view(scene, scene.camera, Vector(point)) for point in points]
    return np.array([(p.x * width - 0.5, (1 - p.y) * height - 0.5) for p in flat])


def posed_body(rotations, pelvis, proportions=None):
    """(30, 3) world keypoints of a body with (24, 3, 3) world rotations (SMPL rest frame -> world)."""
    rest = REST if proportions is None else proportions
    return kinematics.posed_keypoints(rotations, rest) + pelvis


def true_figure(view, keypoints):
    """What a faultless network would say of (30, 3) world keypoints seen from a view.

    Directions are told in the frame of the figure's own line of sight, as drawings for training have it.
    """
    pixels = view.project(keypoints)
    in_camera = view.to_camera(keypoints)
    sight = in_camera[0] / np.linalg.norm(in_camera[0]) if view.perspective else np.array([0.0, 0, 1])
    # The shortest turn from the axis to the line of sight, by Rodrigues' formula.
    axis = np.cross([0, 0, 1.0], sight)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) + cross + cross @ cross / (1 + sight[2])
    directions = kinematics.bone_directions(in_camera) @ turn
    lifted = kinematics.lift_to_drawing(pixels, directions, keypoint_error=0.0)
    turns = kinematics.matrix_to_axis_angle(kinematics.solve_rotations(lifted, REST).local)
    pose = Hypothesis(
        1.0, tuple(turns[0]), tuple(map(tuple, turns[1:])), (0.0,) * 10, CameraPose(1.0, 0.0, 0.0), {}
    )
    named = {name: Keypoint(tuple(xy), 1.0, 1.0) for name, xy in zip(KEYPOINT_NAMES, pixels, strict=True)}
    box = (*pixels.min(0), *pixels.max(0))
    return Figure(box, 1.0, named, (pose,))


def skeleton_strokes(keypoints):
    """Strokes (n, 3) of a stick figure along (30, 3) keypoints: limbs, trunk, shoulders, and a round head."""
    at = {name: keypoints[i] for i, name in enumerate(KEYPOINT_NAMES)}
    chains = [
        ("neck", "spine3", "spine2", "spine1", "pelvis"),
        *(
            (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist", f"{side}_hand", f"{side}_fingertips")
            for side in ("left", "right")
        ),
        *(
            ("pelvis", f"{s}_hip", f"{s}_knee", f"{s}_ankle", f"{s}_foot", f"{s}_toe")
            for s in ("left", "right")
        ),
        ("left_shoulder", "neck", "right_shoulder"),
    ]
    return [_dense(np.array([at[name] for name in chain])) for chain in chains]


def head_stroke(keypoints, right, up):
    """A circle around the head, as a viewer with these axes draws it."""
    head, top = keypoints[KEYPOINT_NAMES.index("head")], keypoints[KEYPOINT_NAMES.index("head_top")]
    middle, radius = (head + top) / 2, 0.55 * np.linalg.norm(top - head)
    turn = np.linspace(0, 2 * np.pi, 40)[:, None]
    return middle + radius * (np.cos(turn) * right + np.sin(turn) * up)


def _dense(points, count=15):
    parts = [a + (b - a) * np.linspace(0, 1, count)[:, None] for a, b in pairwise(points)]
    return np.concatenate(parts)


def limb_angles(pixels, drawn):
    """Degrees on the picture between posed and drawn limbs, of limbs that are drawn long enough to have a direction."""
    bones = [
        (KEYPOINT_PARENTS[KEYPOINT_NAMES.index(f"{s}_{end}")], KEYPOINT_NAMES.index(f"{s}_{end}"))
        for s in ("left", "right")
        for end in ("knee", "ankle", "elbow", "wrist")
    ]
    size = np.ptp(drawn, axis=0).max()
    angles = []
    for start, end in bones:
        a, b = pixels[end] - pixels[start], drawn[end] - drawn[start]
        if np.linalg.norm(b) > 0.03 * size:
            cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            angles.append(float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))))
    return angles
