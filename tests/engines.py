"""Firefox and WebKit as they are installed, driven by what they speak themselves: WebDriver BiDi, and WebDriver.

Playwright drives builds of these engines that it downloads, and no others; Debian has no geckodriver, which Selenium
wants. What the tests need of a browser is little: go to a page, ask it something, press keys, click, take a picture.
"""

import base64
import contextlib
import io
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from PIL import Image

FIREFOXES = ["firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"]
FIREFOX = next((found for name in FIREFOXES if (found := shutil.which(name))), None)
WEBKIT = shutil.which("WebKitWebDriver")
XVFB = shutil.which("xvfb-run")  # a screen, where the machine has none
KEYS = {"Escape": "\ue00c", "ArrowLeft": "\ue012", "ArrowRight": "\ue014", "Tab": "\ue004", "Control": "\ue009"}


class Engine:
    """What both can do; a subclass says how its browser is asked."""

    process: subprocess.Popen

    def go(self, address: str) -> None:
        raise NotImplementedError

    def ask(self, expression: str):
        """The value of an expression in the page, or of the promise that it makes, as JSON can hold it."""
        raise NotImplementedError

    def resize(self, width: int, height: int) -> None:
        raise NotImplementedError

    def screenshot(self) -> bytes:
        raise NotImplementedError

    def perform(self, *actions: dict) -> None:
        raise NotImplementedError

    def picture(self) -> Image.Image:
        """What is on the screen."""
        return Image.open(io.BytesIO(self.screenshot())).convert("RGB")

    def press(self, *keys: str) -> None:
        """Press keys together, the last of them last."""
        values = [KEYS.get(key, key) for key in keys]
        down = [{"type": "keyDown", "value": value} for value in values]
        up = [{"type": "keyUp", "value": value} for value in reversed(values)]
        self.perform({"type": "key", "id": "keys", "actions": [*down, *up]})

    def click(self, selector: str) -> None:
        """Press the mouse on the first element that a selector finds."""
        self.ask(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        box = self.ask(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")
        x, y = (round(box[a] + box[b] / 2) for a, b in (("x", "width"), ("y", "height")))
        steps = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self.perform({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps})

    def until(self, expression: str, seconds: float = 15.0):
        """Ask until the answer is true, or the time is up; give the last answer."""
        end = time.monotonic() + seconds
        while not (answer := self.ask(expression)) and time.monotonic() < end:
            time.sleep(0.1)
        return answer

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)  # it and what it has started
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Firefox(Engine):
    def __init__(self, profile: Path):
        import websocket

        command = [FIREFOX, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(profile)]
        log = profile / "log"
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
        address, end = None, time.monotonic() + 60
        while not address and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
            address = re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text(errors="replace"))
        assert address, f"Firefox does not listen: {log.read_text(errors='replace')[-2000:]}"
        self.socket = websocket.create_connection(f"{address[1]}/session", suppress_origin=True, timeout=60)
        self.numbers, self.errors = itertools.count(1), []
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded"])
        self.page = self.send("browsingContext.getTree")["contexts"][0]["context"]

    def send(self, method: str, **parameters):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                self.errors.append(answer["params"]["text"])
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def go(self, address):
        self.send("browsingContext.navigate", context=self.page, url=address, wait="complete")

    def ask(self, expression):
        text = f"(async () => JSON.stringify(await ({expression}) ?? null))()"
        found = self.send("script.evaluate", expression=text, target={"context": self.page}, awaitPromise=True)
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def resize(self, width, height):
        self.send("browsingContext.setViewport", context=self.page, viewport={"width": width, "height": height})

    def screenshot(self):
        return base64.b64decode(self.send("browsingContext.captureScreenshot", context=self.page)["data"])

    def perform(self, *actions):
        self.send("input.performActions", context=self.page, actions=list(actions))
        self.send("input.releaseActions", context=self.page)

    def close(self):
        self.socket.close()
        super().close()


class WebKit(Engine):
    def __init__(self, profile: Path):
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        screen = [] if os.environ.get("DISPLAY") else [XVFB, "-a", "-s", "-screen 0 1600x1200x24"]
        with (profile / "log").open("wb") as file:
            command = [*screen, WEBKIT, f"--port={port}"]
            self.process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
        self.address, self.errors, end = f"http://127.0.0.1:{port}", [], time.monotonic() + 60
        while True:
            try:
                self.send("status", None)
                break
            except urllib.error.URLError:
                assert self.process.poll() is None and time.monotonic() < end, "WebKit's driver does not answer"
                time.sleep(0.2)
        self.session = self.send("session", {"capabilities": {}})["sessionId"]

    def send(self, path: str, body: dict | None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/{path}", data, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def do(self, what: str, body: dict | None = None):
        return self.send(f"session/{self.session}/{what}", body)

    def go(self, address):
        self.do("url", {"url": address})

    def ask(self, expression):
        text = (
            "const done = arguments[0];"
            f"(async () => await ({expression}) ?? null)().then("
            "value => done([JSON.stringify(value)]), error => done(String(error)));"
        )
        found = self.do("execute/async", {"script": text, "args": []})
        assert isinstance(found, list), found
        return json.loads(found[0])

    def resize(self, width, height):
        frame = [0, 0]
        for _ in range(2):  # the window has a frame of its own around the page
            self.do("window/rect", {"width": width + frame[0], "height": height + frame[1]})
            inner = self.ask("[innerWidth, innerHeight]")
            frame = [frame[0] + width - inner[0], frame[1] + height - inner[1]]

    def screenshot(self):
        return base64.b64decode(self.do("screenshot"))

    def perform(self, *actions):
        self.do("actions", {"actions": list(actions)})

    def close(self):
        with contextlib.suppress(Exception):
            urllib.request.urlopen(
                urllib.request.Request(f"{self.address}/session/{self.session}", method="DELETE"), timeout=20
            ).close()
        super().close()
