"""A program that another one drops files from, or that has put something on the clipboard, as X11 has it.

    python3 x_offer.py clipboard TYPE=FILE...        # owns the clipboard until it is ended
    python3 x_offer.py drop X Y FILE                 # drops a file on the window at that place of the screen

Once the clipboard is owned, or the drop is taken, it says "done". Sources: the X Inter-Client Communication Conventions
(selections); freedesktop.org, Drag-and-Drop Protocol for the X Window System, version 5.
"""

import sys
import time
from pathlib import Path

from Xlib import X, Xatom, display
from Xlib.protocol import event

#: Seconds until the other side must have answered.
PATIENCE = 60.0


class Offer:
    """A window that owns a selection.

    Args:
        selection: "CLIPBOARD" or "XdndSelection".
        contents: the bytes by their type.
    """

    def __init__(self, selection, contents):
        self.display = display.Display()
        self.root = self.display.screen().root
        self.window = self.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        self.contents = {self.atom(name): data for name, data in contents.items()}
        self.window.set_selection_owner(self.atom(selection), X.CurrentTime)
        self.display.sync()

    def atom(self, name):
        return self.display.intern_atom(name)

    def answer(self, request):
        """Give the other side what it has asked for."""
        place = request.property or request.target
        if request.target == self.atom("TARGETS"):
            request.requestor.change_property(place, Xatom.ATOM, 32, [self.atom("TARGETS"), *self.contents])
        elif request.target in self.contents:
            request.requestor.change_property(place, request.target, 8, self.contents[request.target])
        else:
            place = X.NONE
        told = event.SelectionNotify(
            time=request.time, requestor=request.requestor, selection=request.selection, target=request.target,
            property=place,
        )  # fmt: skip
        request.requestor.send_event(told)
        self.display.flush()

    def wait(self, message=None):
        """Answer requests until a client message of that type comes, or without end."""
        end = time.monotonic() + PATIENCE
        while message is None or time.monotonic() < end:
            while self.display.pending_events():
                found = self.display.next_event()
                if found.type == X.SelectionRequest:
                    self.answer(found)
                elif found.type == X.ClientMessage and found.client_type == message:
                    return found.data[1]
            time.sleep(0.005)
        raise TimeoutError(f"no {self.display.get_atom_name(message)} came")

    def tell(self, target, message, *values):
        """Send a client message: its first value is this window."""
        data = (32, [self.window.id, *values, *[0] * (4 - len(values))])
        told = event.ClientMessage(window=target, client_type=self.atom(message), data=data)
        target.send_event(told)
        self.display.flush()

    def aware_window(self, x, y):
        """The window at a place of the screen that takes drops."""
        window = self.root
        while window:
            if window.get_full_property(self.atom("XdndAware"), X.AnyPropertyType):
                return window
            window = (
                self.root.translate_coords(window, x, y).child
                if window == self.root
                else window.query_pointer().child
            )
        raise LookupError("no window there takes drops")

    def drop(self, x, y):
        """Drag over the window and let go."""
        target = self.aware_window(x, y)
        kind = next(iter(self.contents))
        self.tell(target, "XdndEnter", 5 << 24, kind)
        copy = self.atom("XdndActionCopy")
        accepted = 0
        for _ in range(3):  # a drag is more than one move
            self.tell(target, "XdndPosition", 0, x << 16 | y, X.CurrentTime, copy)
            accepted = self.wait(self.atom("XdndStatus"))[1] & 1
        if not accepted:
            raise RuntimeError("the window does not take the drop")
        self.tell(target, "XdndDrop", 0, X.CurrentTime)
        self.wait(self.atom("XdndFinished"))


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "drop":
        x, y, file = arguments
        Offer("XdndSelection", {"text/uri-list": f"{Path(file).as_uri()}\r\n".encode()}).drop(int(x), int(y))
        print("done", flush=True)
    else:
        pairs = [argument.partition("=") for argument in arguments]
        offer = Offer("CLIPBOARD", {kind: Path(file).read_bytes() for kind, _, file in pairs})
        print("done", flush=True)
        offer.wait()
