"""Headless Chromium by its debugging pipe, with Python's own library alone.

As a program: browser.py PAGE [--screenshot FILE.png] [--width W] [--scale S] [--script JS]
prints the page's title once it begins with "selftest", when PAGE ends in #selftest.
"""
import argparse
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time


def find():
    """Chromium's path or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return shutil.which(name)
    return None


class Browser:
    """with Browser() as b: b.open(url); b.run("document.title")"""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="semcodec-chromium-",
                                                   ignore_cleanup_errors=True)
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()

        def pipes():  # Chromium reads from 3 and writes to 4
            a, b = os.dup(to_read), os.dup(from_write)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.child = subprocess.Popen(
            [find(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage",
             f"--user-data-dir={self.profile.name}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.number, self.buffer, self.session = 0, b"", None
        pages = [t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        self.session = self.call("Target.attachToTarget", targetId=pages[0]["targetId"],
                                 flatten=True)["sessionId"]
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        os.close(self.to_write)
        os.close(self.from_read)
        self.profile.cleanup()

    def call(self, method, timeout=60, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_write, data):]
        until = time.monotonic() + timeout
        while True:
            while b"\0" not in self.buffer:
                left = until - time.monotonic()
                if left <= 0 or not select.select([self.from_read], [], [], left)[0]:
                    raise TimeoutError(f"Chromium did not answer {method} in {timeout} s.")
                chunk = os.read(self.from_read, 1 << 16)
                if not chunk:
                    raise RuntimeError("Chromium ended by itself.")
                self.buffer += chunk
            answer, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(answer)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def size(self, width, height, scale=1, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=scale, mobile=phone)

    def open(self, url):
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description"))
        return answer["result"].get("value")

    def wait(self, condition, timeout=60):
        until = time.monotonic() + timeout
        while not self.run(condition):
            if time.monotonic() > until:
                raise TimeoutError(f"{condition} did not come true in {timeout} s")
            time.sleep(0.1)

    def picture(self, path, whole=True):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def self_test(self, page):
        """The title that the report's own test leaves."""
        self.open(pathlib.Path(page).resolve().as_uri() + "#selftest")
        self.wait("document.title.startsWith('selftest')", 90)
        return self.run("document.title")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("page")
    parser.add_argument("--screenshot")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--script")
    options = parser.parse_args()
    if not find():
        sys.exit("browser: Chromium is missing; apt-get install chromium.")
    page, _, hook = options.page.partition("#")
    with Browser() as browser:
        browser.size(options.width, options.height, options.scale, options.width < 600)
        if hook == "selftest":
            print(browser.self_test(page))
        else:
            browser.open(pathlib.Path(page).resolve().as_uri())
        if options.script:
            print(browser.run(options.script))
        if options.screenshot:
            time.sleep(0.5)
            browser.picture(options.screenshot)


if __name__ == "__main__":
    main()
