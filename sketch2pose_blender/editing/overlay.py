"""The drawing and the figure's skeleton on its paper, over the scene and under the handles."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from ..rig.drawn_figure import DrawnFigure
    from .corrected import Corrected

#: Width of a bone's line and of the light line under it, pixels of a screen of ordinary density.
_WIDTH, _CASING = 2.5, 5.0
#: How strongly the drawing shows through.
_PAGE_STRENGTH = 0.5

_handler: list[Any] = []
#: The image file of a storyboard's panel -> name and path of its image in Blender; names are empty where it cannot be read.
_pictures: dict[str, tuple[str, str]] = {}
#: The one that is waited for, and the one that was loaded for the overlay alone.
_awaited: list[str] = []
_lent: list[str] = []


def start() -> None:
    """Draw from now on; what is drawn depends on what is being corrected."""
    if not _handler and not bpy.app.background:
        _handler.append(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW"))


def stop() -> None:
    """Draw no more."""
    while _handler:
        bpy.types.SpaceView3D.draw_handler_remove(_handler.pop(), "WINDOW")
    if bpy.app.timers.is_registered(load_picture):
        bpy.app.timers.unregister(load_picture)
    for remembered in (_pictures, _awaited, _lent):
        remembered.clear()


def image_of(drawn: DrawnFigure) -> bpy.types.Image | None:
    """The drawing's image; a panel's is loaded soon where it is not there, as nothing can be while Blender draws."""
    if not drawn.picture:
        return bpy.data.images.get(drawn.file)
    known = _pictures.get(drawn.picture)
    if known is not None and not known[0]:
        return None
    image = _found(*known) if known is not None else None
    if image is None:
        _awaited[:] = [drawn.picture]
        if not bpy.app.timers.is_registered(load_picture):
            bpy.app.timers.register(load_picture, first_interval=0.0)
    return image


def load_picture() -> None:
    """Blender's timer: load the picture that is waited for, in the place of the one before."""
    from .operators import redraw

    for lent in _lent:
        image = _found(*_pictures[lent])
        if image is not None and not image.users:  # a storyboard's pictures would fill the memory
            bpy.data.images.remove(image)
    _lent.clear()
    for path in _awaited:
        count = len(bpy.data.images)
        try:
            image = bpy.data.images.load(path, check_existing=True)
        except (RuntimeError, UnicodeError):
            _pictures[path] = ("", "")
            continue
        _pictures[path] = (image.name, image.filepath)
        if len(bpy.data.images) > count:
            _lent.append(path)
    _awaited.clear()
    redraw(bpy.context)


def _found(name: str, path: str) -> bpy.types.Image | None:
    """The image, unless undo or another file has put a different one in its place, or none."""
    image = bpy.data.images.get(name)
    return image if image is not None and image.filepath == path else None


def _draw() -> None:
    from .gizmos import SKETCH2POSE_GGT_correct

    context = bpy.context
    if context.region_data is None or not SKETCH2POSE_GGT_correct.poll(context):
        return
    from .corrected import corrected

    state = corrected(context)
    if state is None:
        return
    import gpu

    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("NONE")  # the figure itself stands in the middle of the paper
    if context.window_manager.sketch2pose_correcting.show_drawing:
        _draw_page(context, state)
    _draw_bones(context, state)
    gpu.state.blend_set("NONE")


def _draw_page(context: bpy.types.Context, state: Corrected) -> None:
    """The drawing itself, if its image is in the file."""
    import gpu
    import numpy as np
    from gpu_extras.batch import batch_for_shader

    from .view import paper_in_world

    image = image_of(state.drawn)
    if image is None or not (image.has_data or len(image.pixels)):  # the first look at pixels loads them
        return
    width, height = state.drawn.size
    corners = np.array([[0, height], [width, height], [width, 0], [0, 0]], np.float64) - 0.5
    shader = gpu.shader.from_builtin("IMAGE_COLOR")
    batch = batch_for_shader(
        shader,
        "TRIS",
        {
            "pos": [tuple(point) for point in paper_in_world(context, state.drawn).points(corners).tolist()],
            "texCoord": [(0, 0), (1, 0), (1, 1), (0, 1)],
        },
        indices=[(0, 1, 2), (0, 2, 3)],
    )
    shader.uniform_sampler("image", gpu.texture.from_image(image))
    shader.uniform_float("color", (1.0, 1.0, 1.0, _PAGE_STRENGTH))
    batch.draw(shader)


def _draw_bones(context: bpy.types.Context, state: Corrected) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    from ..core.boundary import KEYPOINT_NAMES, KEYPOINT_PARENTS
    from .gizmos import colour_of
    from .view import paper_in_world

    places = paper_in_world(context, state.drawn).points(state.places)
    lines, colours = [], []
    for index, name in enumerate(KEYPOINT_NAMES):
        start = KEYPOINT_PARENTS[index]
        if start < 0:
            continue
        unknown = {name, KEYPOINT_NAMES[start]} & state.ignored
        sure = min(state.scores[start], state.scores[index])
        strength = 0.15 if unknown else 0.35 + 0.6 * min(float(sure) / 0.6, 1.0)
        lines += [tuple(places[start].tolist()), tuple(places[index].tolist())]
        colours += [(*colour_of(name), strength)] * 2
    shader = gpu.shader.from_builtin("POLYLINE_FLAT_COLOR")
    scale = context.preferences.system.ui_scale
    shader.bind()
    shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
    for width, shades in (
        (_CASING, [(1.0, 1.0, 1.0, 0.7 * colour[3]) for colour in colours]),
        (_WIDTH, colours),
    ):
        shader.uniform_float("lineWidth", width * scale)
        batch_for_shader(shader, "LINES", {"pos": lines, "color": shades}).draw(shader)
