"""Blender is switched to German while the panel is shown, and back: the panel follows by itself."""

from blender_window import SCREENSHOTS

SAID = "bpy.app.translations.pgettext_iface('Pose New Armature', 'Operator')"


def test_the_panel_follows_blenders_language(window):
    window.open_sidebar("Sketch2Pose")
    view = "bpy.context.preferences.view"
    assert window.run(SAID) == "Pose New Armature"
    window.run(
        f"{view}.language = 'de_DE'; {view}.use_translate_interface = {view}.use_translate_tooltips = True"
    )
    window.redraw()
    window.wait_until(f"{SAID} == 'Neue Armature posieren'")
    window.move(*window.find_button("sketch2pose.pose_selected"))
    window.settle(60)
    window.screenshot(SCREENSHOTS / "german.png")
    window.run(f"{view}.language = 'en_US'")
    window.redraw()
    window.settle(10)
    assert window.run(SAID) == "Pose New Armature"
