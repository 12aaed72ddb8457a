"""How far a sweep is: one moving line on a terminal, one line a point elsewhere."""
import shutil
import sys
import time


def clock(seconds):
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress:
    """total: frames times points still to be done, which is what time goes with."""

    def __init__(self, points, work, stream=None):
        self.stream = stream or sys.stderr
        self.bar = self.stream.isatty()
        self.points, self.work = points, max(1, work)
        self.done = self.done_work = 0
        self.start = time.monotonic()

    def finished(self, result, work):
        self.done += 1
        self.done_work += work
        passed = time.monotonic() - self.start
        left = passed * (self.work - self.done_work) / max(1, self.done_work)
        said = describe(result)
        if not self.bar:
            print(f"sweep: {self.done}/{self.points} {said}", file=self.stream, flush=True)
            return
        if result["status"] == "failed":
            print(f"\r\x1b[Ksweep: {said}", file=self.stream)
        filled = 24 * self.done_work // self.work
        line = (f"[{'#' * filled}{'.' * (24 - filled)}] {self.done}/{self.points}  "
                f"ETA {clock(left)}  {said}")
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\x1b[K{line[:width]}", end="", file=self.stream, flush=True)

    def close(self):
        if self.bar:
            print("\r\x1b[K", end="", file=self.stream, flush=True)


def describe(result):
    text = f"{result['clip']} {result['codec']} {result['label']}: "
    if result["status"] != "done":
        return text + f"{result['status']}, {result['reason']}"
    psnr = result["metrics"].get("psnr")
    return text + f"{result['kbps']:.2f} kbit/s" + (f", {psnr:.2f} dB" if psnr else "")
