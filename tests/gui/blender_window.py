"""Drives a real Blender window as a person does, with mouse and keyboard, and asks it what came of it.

Blender and a display without a screen (Xvfb) run either on this machine or in a folder that holds a
whole Debian (``BLENDER=/work/gui/trixie/usr/bin/blender``), which ``chroot`` enters. The pointer is moved
by xdotool. Nothing here sleeps and hopes: after each act the driver waits until Blender's event loop has
come round (:meth:`BlenderWindow.settle`), since events arrive late while shaders are compiled.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

WIDTH, HEIGHT = 1600, 900
AGENT = Path(__file__).with_name("agent.py")
#: Screenshots of the last run.
SCREENSHOTS = Path(__file__).parents[2] / "out" / "gui"
#: Seconds: until the window stands; until an answer comes.
START_TIMEOUT, ANSWER_TIMEOUT = 240.0, 240.0
#: Enters a folder with a whole Debian. ONNX Runtime needs /proc; mounted like this it is seen by this one
#: process and goes with it, so that the folder can be removed like any other.
_ENTER = ("unshare", "--mount", "sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"')
#: Leaves of the network nothing but the machine itself.
_OFFLINE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"')


class BlenderWindow:
    """A Blender with a window of 1600 x 900 pixels, a profile of its own, and nothing of the user's.

    Points are pixels of the window, x to the right and y down, as on a screenshot.

    Args:
        blender: its executable; one that lies in a folder with a whole Debian runs in there.
        offline: run it without a network.
    """

    def __init__(self, blender: Path, *, offline: bool = False) -> None:
        self.root = debian_around(blender)
        self.blender = Path("/", blender.relative_to(self.root))
        # Where the agent and Blender's profile lie, as seen from here.
        self.folder = Path(tempfile.mkdtemp(prefix="sketch2pose-gui-", dir=self.root / "tmp"))
        self._offline = offline
        self._asked = 0
        self._display = ""
        self._processes: list[subprocess.Popen] = []
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------------------------------------- processes

    def inside(self, path: Path) -> str:
        """The path as Blender sees it."""
        return str(Path("/", path.relative_to(self.root)))

    def send(self, path: Path, name: str = "") -> str:
        """Copy a file or folder to where Blender can read it; its path there."""
        target = self.folder / (name or path.name)
        if path.is_dir():
            shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, target)
        return self.inside(target)

    @property
    def log(self) -> str:
        """What Blender has printed."""
        return (self.folder / "blender.log").read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """End Blender and its display and remove their files."""
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _command(self, *arguments: str) -> list[str]:
        enter = [] if self.root == Path("/") else [*_ENTER, str(self.root)]
        home = self.inside(self.folder)
        settings = {
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "HOME": home,
            "BLENDER_USER_RESOURCES": f"{home}/blender",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            # Compiling them takes a minute or more on a busy machine; they stay for the next window.
            "MESA_SHADER_CACHE_DIR": "/var/tmp/sketch2pose-gui-shaders",  # noqa: S108
            "DISPLAY": self._display,
        }
        return [*enter, "env", "-i", *(f"{key}={value}" for key, value in settings.items()), *arguments]

    def _start(self) -> None:
        shutil.copy(AGENT, self.folder)
        # Xvfb says on its standard output which number was free.
        screen = f"{WIDTH}x{HEIGHT}x24"
        xvfb = self._open(
            "Xvfb", "-displayfd", "1", "-screen", "0", screen, "-nolisten", "tcp", output=subprocess.PIPE
        )
        assert xvfb.stdout is not None
        self._display = f":{xvfb.stdout.readline().decode().strip()}"
        with (self.folder / "blender.log").open("wb") as log:
            self._blender = self._open(
                str(self.blender), "--window-geometry", "0", "0", str(WIDTH), str(HEIGHT), "--python-exit-code", "1",
                "--python", self.inside(self.folder / AGENT.name), "--", self.inside(self.folder),
                output=log, before=_OFFLINE if self._offline else (),
            )  # fmt: skip
        # One shell for all that the hand does: entering the folder anew takes longer than the hand's acts.
        self._hand = self._open("sh", output=subprocess.PIPE, told=subprocess.PIPE)
        self._wait_for(self._ask("None"), START_TIMEOUT)
        # No window manager places the window; until it is drawn once, clicks go nowhere.
        self.settle(5)

    def _open(self, *arguments: str, output, told=subprocess.DEVNULL, before=()) -> subprocess.Popen:
        process = subprocess.Popen(
            [*before, *self._command(*arguments)],
            stdin=told,
            stdout=output,
            stderr=subprocess.DEVNULL if output == subprocess.PIPE else subprocess.STDOUT,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    # ------------------------------------------------------------------------------------------- questions

    def run(self, code: str, timeout: float = ANSWER_TIMEOUT):
        """Execute Python in Blender, between two events; the value of the last expression, through JSON.

        Names that it defines stay for later calls. ``bpy`` is there, and ``view3d(region="WINDOW")``, the
        context of the 3D view: ``with bpy.context.temp_override(**view3d()): ...``; and ``editor(kind, region)`` for others.
        """
        return self._wait_for(self._ask(code), timeout)

    def settle(self, rounds: int = 2) -> None:
        """Wait until Blender has handled what was done to it and has drawn the outcome."""
        for _ in range(rounds):
            self.run("None")

    def redraw(self) -> None:
        """Have everything drawn anew and wait for it; what Python changes is not drawn by itself."""
        for _ in range(2):
            self.run(
                "for window in bpy.context.window_manager.windows:\n"
                "    for area in window.screen.areas:\n"
                "        area.tag_redraw()"
            )
            self.settle()

    def wait_until(self, expression: str, timeout: float = ANSWER_TIMEOUT):
        """Wait until a Python expression is true in Blender; its value."""
        deadline = time.monotonic() + timeout
        while not (value := self.run(expression)):
            assert time.monotonic() < deadline, f"never became true: {expression}"
        return value

    def _ask(self, code: str) -> int:
        number = self._asked
        self._asked += 1
        part = self.folder / "ask.part"
        part.write_text(code, encoding="utf-8")
        part.replace(self.folder / f"ask-{number}.py")
        return number

    def _wait_for(self, number: int, timeout: float):
        path = self.folder / f"answer-{number}.json"
        deadline = time.monotonic() + timeout
        while not path.exists():
            if self._blender.poll() is not None:
                raise RuntimeError(f"Blender ended with {self._blender.returncode}:\n{self.log[-3000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"Blender did not answer in {timeout:.0f} s:\n{self.log[-3000:]}")
            time.sleep(0.005)
        answer = json.loads(path.read_text(encoding="utf-8"))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    # ------------------------------------------------------------------------------------------- hand and eye

    def screenshot(self, path: Path) -> Path:
        """Write the display as a PNG."""
        self.redraw()
        shot = self.folder / "screenshot.png"
        self._tool("import", "-window", "root", self.inside(shot))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(shot, path)
        return path

    def move(self, x: float, y: float) -> None:
        """Move the pointer; Blender has seen it when this returns."""
        self._xdotool("mousemove", str(round(x)), str(round(y)))

    def click(self, x: float, y: float, button: int = 1, *, times: int = 1) -> None:
        """Click; buttons are 1 left, 2 middle, 3 right, 4 and 5 the wheel."""
        self.move(x, y)
        for _ in range(times):
            self.press(button)
            self.release(button)

    def press(self, button: int = 1) -> None:
        """Hold a button down where the pointer is."""
        self._xdotool("mousedown", str(button))

    def release(self, button: int = 1) -> None:
        """Let a button go."""
        self._xdotool("mouseup", str(button))

    def drag(self, points, button: int = 1) -> None:
        """Press at the first of the (x, y) points, go through the others, release at the last."""
        first, *rest = points
        self.move(*first)
        self.press(button)
        for point in rest:
            self.move(*point)
        self.release(button)

    def key(self, *names: str) -> None:
        """Press keys one after the other, by their X names: ``"n"``, ``"ctrl+z"``, ``"Escape"``, ``"KP_1"``."""
        for name in names:
            self._xdotool("key", name)

    def type(self, text: str) -> None:
        """Type a text, as into a text field."""
        self._xdotool("type", "--delay", "20", text)

    def at_world(self, points) -> list[tuple[float, float]]:
        """Where (x, y, z) points of the scene are in the largest 3D view."""
        return self.run(f"""
from bpy_extras.view3d_utils import location_3d_to_region_2d
place = view3d()
region, height = place["region"], place["window"].height
flat = [location_3d_to_region_2d(region, place["space_data"].region_3d, p) for p in {[list(map(float, p)) for p in points]}]
[(region.x + p.x, height - 1 - (region.y + p.y)) for p in flat]
""")

    def open_sidebar(self, category: str = "") -> None:
        """Show the 3D view's sidebar, and a tab of it."""
        self.run("view3d()['space_data'].show_region_ui = True")
        self.redraw()
        if category:
            self.run(f"view3d('UI')['region'].active_panel_category = {category!r}")
            self.redraw()

    def rectangle(self, area: str = "VIEW_3D", region: str = "WINDOW") -> tuple[float, float, float, float]:
        """Where a region of the largest area of a kind is on the screen: left, top, width and height."""
        left, bottom, width, height = self.run(f"""
found = editor({area!r}, {region!r})
window, region = found["window"], found["region"]
(window.x + region.x, window.y + region.y, region.width, region.height)
""")
        return left, HEIGHT - bottom - height, width, height

    def find_button(
        self, what: str, region: str = "UI", *, area: str = "VIEW_3D", across: float = 0.5
    ) -> tuple[float, float]:
        """The place of a button in a region of an area, found by moving the pointer down over it.

        Args:
            what: a part of the Python command (``"sketch2pose.pose_new"``) or of the data path
                (``"sketch2pose.image"``) that the button stands for.
            region: "UI" for the sidebar, "HEADER", "TOOLS", ...
            area: its kind.
            across: where to go down, as a share of the region's width.
        """
        seen = []
        left, top, width, height = self.rectangle(area, region)
        x = left + across * width
        for y in range(int(top) + 5, int(top + height), 13):
            self.move(x, y)
            commands = self.run(f"""
found = []
with bpy.context.temp_override(**editor({area!r}, {region!r})):
    for name, options in (("copy_python_command_button", {{}}), ("copy_data_path_button", {{"full_path": True}})):
        copy = getattr(bpy.ops.ui, name)
        if copy.poll():
            bpy.context.window_manager.clipboard = ""
            copy(**options)
            found.append(bpy.context.window_manager.clipboard)
found
""")
            if any(what in command for command in commands):
                return x, y
            seen += [command for command in commands if command and command not in seen]
        raise AssertionError(f"no button for {what}; there are {seen}")

    def click_button(
        self, what: str, region: str = "UI", *, area: str = "VIEW_3D", across: float = 0.5
    ) -> None:
        """Find a button and click it."""
        self.click(*self.find_button(what, region, area=area, across=across))

    def hand(self, *arguments: str) -> float:
        """Have xdotool do something and do not wait for Blender; time.monotonic() when it was told to."""
        assert self._hand.stdin is not None
        assert self._hand.stdout is not None
        told = time.monotonic()
        self._hand.stdin.write(f"{shlex.join(['xdotool', *arguments])}; echo $?\n".encode())
        self._hand.stdin.flush()
        code = self._hand.stdout.readline().decode().strip()
        assert code == "0", f"xdotool {' '.join(arguments)} ended with {code}"
        return told

    def _xdotool(self, *arguments: str) -> None:
        self.hand(*arguments)
        self.settle()

    def _tool(self, *arguments: str) -> None:
        done = subprocess.run(
            self._command(*arguments), check=False, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


def debian_around(blender: Path) -> Path:
    """The innermost folder around a program that holds a whole system; "/" for one of this machine."""
    return next(
        (p for p in blender.absolute().parents if (p / "etc" / "debian_version").is_file()), Path("/")
    )
