"""The service for minutes on end, asked for good and bad things at once: ``make soak MINUTES=10``."""

import http.client
import os
import random
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from pathlib import Path

import pytest

from tests.backend.service_process import ROOT, TOKEN, Service, one_sentence

MINUTES = float(os.environ.get("SKETCH2POSE_SOAK_MINUTES", "0.7"))
#: What the service may hold more at the end than after its first tenth of the time, megabytes.
MOST_GROWTH = 64
DRAWINGS = [path.read_bytes() for path in sorted((ROOT / "examples").glob("*.png"))]


def huge() -> bytes:
    """A PNG that says it has 60,000 x 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def damaged(rng: random.Random) -> bytes:
    content = bytearray(rng.choice(DRAWINGS))
    for _ in range(rng.randint(1, 40)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content[: rng.randrange(1, len(content))])


class Asker(threading.Thread):
    """A client that asks without end; ``seen`` counts what it did, and ``failed`` is what it could not accept."""

    def __init__(self, service: Service, seed: int, until: float) -> None:
        super().__init__()
        self.service, self.rng, self.until = service, random.Random(seed), until
        self.seen: Counter[str] = Counter()
        self.failed: Exception | None = None

    def run(self) -> None:
        deeds = [self.good, self.bad, self.cancelled, self.forgotten, self.cut_off, self.stranger]
        try:
            while time.monotonic() < self.until:
                deed = self.rng.choices(deeds, [6, 4, 2, 1, 1, 1])[0]
                deed()
                self.seen[deed.__name__] += 1
        except Exception as error:  # noqa: BLE001 - the test raises it
            self.failed = error

    def _submit(self, content: bytes, query: str = "") -> str | None:
        """The job's number; None where the service is busy, which it says in a sentence."""
        status, answer, _ = self.service.ask("POST", f"/v1/jobs{query}", content)
        if status == 202:
            return answer["id"]
        one_sentence(answer)
        self.seen[f"refused {status}"] += 1
        return None

    def good(self) -> None:
        query = self.rng.choice(["", "?figures=all", "?hypotheses=4", "?box=5,5,200,220"])
        if job := self._submit(self.rng.choice(DRAWINGS), query):
            status, answer = self.service.result(job)
            assert status in (200, 422), answer
            if status == 422:  # a box beside the figure
                one_sentence(answer)

    def bad(self) -> None:
        content = self.rng.choice([huge(), damaged(self.rng), self.rng.randbytes(300), b"%PDF-1.4"])
        if job := self._submit(content):
            status, answer = self.service.result(job)
            assert status in (200, 422), answer
            if status == 422:
                one_sentence(answer)

    def cancelled(self) -> None:
        if job := self._submit(self.rng.choice(DRAWINGS)):
            status, _, _ = self.service.ask("DELETE", f"/v1/jobs/{job}")
            assert status < 500

    def forgotten(self) -> None:
        self._submit(self.rng.choice(DRAWINGS))

    def cut_off(self) -> None:
        content = self.rng.choice(DRAWINGS)
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=20) as connection:
            head = f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            head += f"Content-Length: {len(content)}\r\n\r\n"
            connection.sendall(head.encode() + content[: len(content) // 3])

    def stranger(self) -> None:
        status, answer, _ = self.service.ask("GET", "/v1/jobs/1", token="not-the-token-0123456789-0123456789")
        assert status == 401
        one_sentence(answer)


def megabytes(pid: int) -> float:
    (line,) = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="memory and files are read from /proc")
def test_the_service_neither_grows_nor_tires(tmp_path):
    service = Service(env={**os.environ, "TMPDIR": str(tmp_path)})
    try:
        first = service.result(service.submit(DRAWINGS[0]))[1]
        start = time.monotonic()
        askers = [Asker(service, seed, start + 60 * MINUTES) for seed in range(3)]
        for asker in askers:
            asker.start()
        time.sleep(6 * MINUTES)
        memory, files = megabytes(service.child.pid), open_files(service.child.pid)
        for asker in askers:
            asker.join()
            if asker.failed:
                raise asker.failed
        seen = sum((asker.seen for asker in askers), Counter())
        grown = megabytes(service.child.pid) - memory
        print(f"\n{MINUTES:g} minutes: {dict(seen)}; memory {memory:.0f} MB, then {grown:+.0f} MB")
        assert service.child.poll() is None
        assert {"good", "bad", "cancelled", "forgotten", "cut_off", "stranger"} <= set(seen)
        assert grown < MOST_GROWTH
        deadline = time.monotonic() + 30  # connections that were cut off are dropped after a while
        while open_files(service.child.pid) > files + 8 and time.monotonic() < deadline:
            time.sleep(1)
        assert open_files(service.child.pid) <= files + 8
        assert not list(tmp_path.iterdir())
        again = service.result(service.submit(DRAWINGS[0]))[1]
        assert again["images"] == first["images"]
    except http.client.HTTPException as error:
        raise AssertionError("the service did not answer") from error
    finally:
        service.stop()
