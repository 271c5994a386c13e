"""The real pages: a Streamlit server as its own process, and Chromium in front of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.seed_store import Seeded, seed_site

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
START_TIMEOUT_S = 90.0
PAGE_TIMEOUT_MS = 60_000
PATIENCE_MS = 20_000
"""How long a page may take on a busy machine; what is there at once is seen at once."""

_NOTE_FIRST_RUN = """
new MutationObserver(() => {
  const app = document.querySelector('[data-testid=stApp]');
  window.ranOnce ||= app !== null && app.dataset.testScriptState === 'notRunning';
}).observe(document, {subtree: true, childList: true, attributes: true,
                      attributeFilter: ['data-test-script-state']});
"""
_IS_SETTLED = """() =>
  window.ranOnce && !document.querySelector('[data-testid=stSkeleton], .stSkeleton')
"""

# Under an address like /point Streamlit first looks whether it lives in that folder.
EXPECTED_404 = ("/_stcore/health", "/_stcore/host-config")


@dataclass
class PageServer:
    """A running Streamlit server."""

    process: subprocess.Popen[bytes]
    url: str

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop it as a hanging disk or a debugger would: its connections stay open."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@dataclass
class Watched:
    """A page and everything that went wrong in it."""

    page: Page
    server: PageServer
    errors: list[str] = field(default_factory=list)
    foreign_requests: list[str] = field(default_factory=list)

    def open(self, path: str = "/", wait_for: str = ".map") -> None:
        """Go to an address of the server and wait for what it shows."""
        self.page.goto(self.server.url + path, timeout=PAGE_TIMEOUT_MS)
        self.page.locator(wait_for).first.wait_for(timeout=PAGE_TIMEOUT_MS)

    def settle(self) -> None:
        """Wait until all parts of the page are there: before, what is measured still moves."""
        self.page.wait_for_function(_IS_SETTLED, timeout=PAGE_TIMEOUT_MS)

    def tile(self, slot: int, point: str) -> "object":
        return self.page.locator(f'.st-key-map{slot} [data-point="{point}"]')


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def run_server(config_path: Path | None) -> Iterator[PageServer]:
    """Run the pages of a site, or of none, on a free port."""
    port = free_port()
    settings = {} if config_path is None else {"PMT_MONITOR_SETTINGS": str(config_path)}
    bare = {key: value for key, value in os.environ.items() if key != "PMT_MONITOR_SETTINGS"}
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", f"--server.port={port}"],
        cwd=ROOT,
        env=bare | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = PageServer(process, f"http://127.0.0.1:{port}")
    try:
        wait_until_healthy(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until_healthy(server: PageServer) -> None:
    give_up = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2) as answer,
        ):
            if answer.status == 200:
                return
        assert server.process.poll() is None, "the Streamlit server ended"
        time.sleep(0.2)
    pytest.fail(f"no answer from {server.url} within {START_TIMEOUT_S:g} s")


@contextlib.contextmanager
def watch_page(browser: Browser, server: PageServer, **options: object) -> Iterator[Watched]:
    """Open a page that fails the test for console errors and Streamlit exceptions."""
    context = browser.new_context(**({"viewport": {"width": 1920, "height": 1080}} | options))
    context.add_init_script(_NOTE_FIRST_RUN)
    page = context.new_page()
    watched = Watched(page, server)

    def note_request(request: Request) -> None:
        if not request.url.startswith((server.url, "data:", "blob:", "ws://127.0.0.1")):
            watched.foreign_requests.append(request.url)

    def is_expected(text: str, url: str) -> bool:
        return "404" in text and url.endswith(EXPECTED_404)

    page.on("request", note_request)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            watched.errors.append(message.text)
            if message.type == "error"
            and not is_expected(message.text, message.location.get("url", ""))
            else None
        ),
    )
    try:
        yield watched
        assert page.locator("[data-testid=stException]").all_inner_texts() == []
        assert watched.errors == []
        assert watched.foreign_requests == []
    finally:
        context.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    return seed_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def server(seeded: Seeded) -> Iterator[PageServer]:
    with run_server(seeded.config_path) as running:
        yield running


@pytest.fixture
def live(browser: Browser, server: PageServer) -> Iterator[Watched]:
    with watch_page(browser, server) as watched:
        yield watched
