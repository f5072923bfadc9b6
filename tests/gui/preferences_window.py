"""Blender's preferences in a window of their own, as the tests of the window work them."""


def open_window(window, kind, title, size=None):
    """Wait for a new window and move it to where all of it can be seen: no window manager places it here.

    Args:
        window: the driver.
        kind: of the area in it, such as "PREFERENCES".
        title: a part of the window's title.
        size: pixels.
    """
    window.wait_until(
        f"{kind!r} in [a.type for w in bpy.context.window_manager.windows for a in w.screen.areas]"
    )
    window.settle(5)
    if size:
        window.hand("search", "--onlyvisible", "--name", title, "windowsize", *map(str, size))
    move_window(window, title, 200, 60)


def move_window(window, title, x, y):
    """Move a window on the screen."""
    window.hand("search", "--onlyvisible", "--name", title, "windowmove", str(x), str(y))
    window.settle(5)
    window.redraw()


def open_preferences(window):
    """Ctrl+comma."""
    window.move(500, 450)
    window.key("ctrl+comma")
    open_window(window, "PREFERENCES", "Preferences", (760, 640))


def choose_tab(window, section):
    """Click the tabs one after the other until one leads to a section such as "ADDONS"."""
    left, top, _, height = window.rectangle("PREFERENCES", "WINDOW")
    for y in range(int(top) + 20, int(top + height) - 60, 12):
        if window.run("bpy.context.preferences.active_section") == section:
            break
        window.click(left - 80, y)
    assert window.run("bpy.context.preferences.active_section") == section
    window.redraw()
