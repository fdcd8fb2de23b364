"""
`make airflow`, looked at with a browser: the connection form, a run, a withdrawal's consent and its links.

Screenshots stay in the tests' temporary folder, or where KUCOIN_SCREENSHOTS says.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import airflow_here
import psutil
import pytest
from airflow_deployment import PATIENCE, ROOT, until
from airflow_servers import program

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH, HEIGHT = 1280, 800
#: A headless browser that works as root, and that talks to nobody but this machine.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--lang=en-US",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    f"--window-size={WIDTH},{HEIGHT}",
)
EXPLORER = "https://tronscan.org/"


class Here:
    """`make airflow` under way."""

    def __init__(self, folder: Path) -> None:
        self.said = folder / "said.txt"
        with self.said.open("wb") as said:
            self._process = subprocess.Popen(  # noqa: S603 - the project's own command
                [sys.executable, ROOT / "scripts" / "airflow_here.py", "--json"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self.facts: dict[str, Any] = until("make airflow", self._found)
        self.family = psutil.Process(self._process.pid).children(recursive=True)

    def _found(self) -> dict[str, Any] | None:
        if self._process.poll() is not None:
            pytest.fail(self.said.read_text())
        last = self.said.read_text().rpartition("\n{")[2]
        return json.loads(f"{{{last}") if last.endswith("}\n") and '"url"' in last else None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it as a person or a machine does, and return its exit status."""
        if self._process.poll() is None:
            self.family = psutil.Process(self._process.pid).children(recursive=True)
            self._process.send_signal(number)
        return self._process.wait(60)

    def sandbox(self, path: str) -> Any:
        """Look into the sandbox exchange."""
        url = f"{self.facts['sandbox']['url']}/__sandbox__/{path}"
        with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
            return json.load(answer)


class Browser:
    """A browser, spoken to in what a person sees."""

    def __init__(self, driver: Any, url: str, shots: Path) -> None:
        self.driver = driver
        self.url = url
        self.shots = shots

    def open(self, path: str) -> None:
        """Go to a page of Airflow's."""
        self.driver.get(f"{self.url}{path}")

    def all(self, xpath: str) -> list[Any]:
        """Return everything visible that an XPath finds now."""
        from selenium.common.exceptions import StaleElementReferenceException

        try:
            return [one for one in self.driver.find_elements("xpath", xpath) if one.is_displayed()]
        except StaleElementReferenceException:
            return []

    def find(self, xpath: str, seconds: float = 30) -> Any:
        """Wait until an XPath finds something visible, and return the last that it finds."""
        return until(xpath, lambda: self.all(xpath), seconds)[-1]

    def see(self, text: str, seconds: float = 30) -> Any:
        """Wait until a text is on the page, and return what has it."""
        return self.find(f"//*[contains(normalize-space(text()), {_quoted(text)})]", seconds)

    def click(self, label: str, within: str = "") -> None:
        """Press a button, or follow a link, with that text or label."""
        from selenium.common.exceptions import WebDriverException

        name = _quoted(label)
        xpath = f"{within}//*[self::button or self::a][normalize-space()={name} or @aria-label={name}]"

        def clicked() -> bool:
            # A page that is being drawn replaces its buttons, and covers them while something slides in.
            try:
                self.find(xpath).click()
            except WebDriverException:
                return False
            return True

        until(f"{label} can be pressed", clicked, 30)

    def fill(self, name: str, text: str) -> None:
        """Write into a field of a form."""
        field = self.find(f"//*[@name={_quoted(name)}]")
        field.clear()
        field.send_keys(text)

    def value(self, name: str) -> str:
        """Return what is in a field of a form."""
        found: str = self.find(f"//*[@name={_quoted(name)}]").get_attribute("value")
        return found

    def text(self) -> str:
        """Return all text of the page; spaces that do not break are plain ones."""
        found: str = self.driver.execute_script("return document.body.innerText")
        return found.replace("\xa0", " ")

    def shot(self, name: str) -> None:
        """Keep what is seen, once nothing moves any more."""
        time.sleep(1.5)
        self.driver.save_screenshot(str(self.shots / f"{name}.png"))

    @contextmanager
    def other_window(self) -> Iterator[None]:
        """Be in the window that was opened last; close it in the end."""
        home = self.driver.current_window_handle
        until("another window", lambda: len(self.driver.window_handles) > 1, 20)
        [other] = [one for one in self.driver.window_handles if one != home]
        self.driver.switch_to.window(other)
        yield
        self.driver.close()
        self.driver.switch_to.window(home)


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


@pytest.fixture(scope="module")
def here(opened: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """Run `make airflow`."""
    assert opened is not None  # it lets whoever ends the tests end this, too
    found = Here(tmp_path_factory.mktemp("here-"))
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept."""
    wanted = os.environ.get("KUCOIN_SCREENSHOTS")
    folder = ROOT / wanted if wanted else tmp_path_factory.mktemp("screenshots-")
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser(here: Here, shots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Open a browser, and sign in."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(program("chromium", "chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium-')}"):
        options.add_argument(flag)
    service = Service(str(program("chromedriver", "chromium-driver")))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        # The window's size has the bars in it that nobody sees.
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        found = Browser(driver, here.facts["url"], shots)
        found.open("/")
        found.fill("username", here.facts["user"])
        found.fill("password", here.facts["password"])
        found.click("Sign in")
        found.see("Dags")
        yield found
    finally:
        driver.quit()


@pytest.fixture(autouse=True)
def _told(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[None]:
    """Say what was seen last when a test fails."""
    before = request.session.testsfailed
    yield
    if request.session.testsfailed > before:
        picture = tmp_path / "seen.png"
        browser.driver.save_screenshot(str(picture))
        print(f"At {browser.driver.current_url}, shown in {picture}:\n{browser.text()}")  # noqa: T201 - for who reads the failure


def test_all_examples_are_there_and_none_is_broken(browser: Browser) -> None:
    examples = sorted(path.stem.removeprefix("example_") for path in (ROOT / "dags_examples").glob("*.py"))
    browser.open("/dags?limit=50")
    for dag_id in examples:
        browser.see(dag_id)
    assert not browser.all("//*[contains(text(), 'Dag Import Error')]")


def test_a_connection_is_made_in_its_form_and_tested_by_its_button(here: Here, browser: Browser) -> None:
    given = here.facts["sandbox"]["connection"]
    parts = urlsplit(given["host"])
    browser.open("/connections")
    browser.click("Add Connection")
    browser.fill("connection_id", "kucoin_by_hand")
    browser.find("//*[@role='dialog']//input[@role='combobox']").send_keys("kucoin\n")
    for label in ("Base URL", "API key", "API secret"):
        browser.see(label)
    # With its port apart: Airflow 3.3 refuses to test connections that have none.
    browser.fill("host", f"{parts.scheme}://{parts.hostname}")
    browser.fill("port", str(parts.port))
    browser.fill("login", given["login"])
    browser.fill("password", given["password"])
    browser.shot("connection-form")
    browser.click("Extra Fields")
    browser.fill("element_passphrase", given["extra"]["passphrase"])
    browser.fill("element_futures_host", given["extra"]["futures_host"])
    for label in ("API passphrase", "Withdrawals enabled", "Withdrawal destinations", "Timeout (seconds)"):
        browser.see(label)
    browser.shot("connection-extra-fields")
    browser.click("Save", "//*[@role='dialog']")
    row = "//tr[.//td[normalize-space()='kucoin_by_hand']]"
    browser.find(row)
    browser.click("Test Connection", row)
    browser.see("Test Connection Successful", 60)
    said = browser.see("KuCoin accepts the key").text
    assert "permissions: General" in said
    assert given["password"] not in said
    browser.shot("connection-tested")


def test_a_connection_that_is_edited_shows_no_secret(here: Here, browser: Browser) -> None:
    given = here.facts["sandbox"]["connection"]
    browser.open("/connections")
    row = "//tr[.//td[normalize-space()='kucoin_by_hand']]"
    browser.click("Edit Connection", row)
    assert browser.value("login") == given["login"]
    assert browser.value("password") == "***"
    browser.click("Extra Fields")
    assert browser.value("element_passphrase") == "***"
    assert given["extra"]["passphrase"] not in browser.driver.page_source
    assert given["password"] not in browser.driver.page_source


def _trigger(browser: Browser, dag_id: str) -> str:
    """Trigger a DAG, and return the path of its run."""
    browser.open(f"/dags/{dag_id}")
    browser.click("Trigger")
    browser.click("Trigger", "//*[@role='dialog']")
    until("the run's page", lambda: "/runs/" in browser.driver.current_url)
    return str(browser.driver.current_url).removeprefix(browser.url)


def _until_state(browser: Browser, path: str, state: str) -> None:
    browser.open(path)
    browser.find(f"//*[@data-testid='state-badge' and contains(., '{state}')]", PATIENCE)


def test_a_run_that_was_triggered_copies_the_ledger(browser: Browser, here: Here) -> None:
    run = _trigger(browser, "kucoin_ledger_to_s3")
    _until_state(browser, f"{run}/tasks/whole_ledger", "Success")
    browser.see(f"wrote s3://{here.facts['bucket']}/kucoin/ledger=spot/")
    browser.open(f"{run}/tasks/whole_ledger/xcom")
    browser.see("return_value")
    browser.click("Expand all extra JSON")
    until("the result", lambda: f"s3://{here.facts['bucket']}/kucoin/ledger=spot/" in browser.text(), 30)
    browser.shot("ledger-result")


def test_a_withdrawal_is_approved_and_its_links_lead_to_kucoin_and_to_its_transaction(
    browser: Browser, here: Here
) -> None:
    before = here.sandbox("withdrawals")["withdrawals"]
    run = _trigger(browser, "kucoin_treasury")
    until("the question", lambda: _asked(browser, run), PATIENCE)
    browser.see("Withdraw 250 USDT to cold-wallet?")
    browser.see(airflow_here.DESTINATIONS["cold-wallet"]["address"])
    browser.shot("withdrawal-approval")
    assert here.sandbox("withdrawals")["withdrawals"] == before
    browser.click("Approve")
    _until_state(browser, f"{run}/tasks/withdraw", "Success")
    [withdrawal] = here.sandbox("withdrawals")["withdrawals"][len(before) :]
    assert (withdrawal["amount"], withdrawal["address"]) == ("250", airflow_here.DESTINATIONS["cold-wallet"]["address"])

    browser.open(f"{run}/tasks/withdraw/details")
    _follow(browser, "Withdrawals at KuCoin", "https://www.kucoin.com/assets/record")
    _until_state(browser, f"{run}/tasks/settled", "Success")
    [settled] = [one for one in here.sandbox("withdrawals")["withdrawals"] if one["id"] == withdrawal["id"]]
    browser.open(f"{run}/tasks/settled/details")
    browser.see("Transaction in a block explorer")
    browser.shot("withdrawal-links")
    _follow(browser, "Transaction in a block explorer", f"{EXPLORER}#/transaction/{settled['wallet_tx_id']}")
    _until_state(browser, f"{run}/tasks/reconcile", "Success")
    browser.open(run)
    browser.find("//*[@data-testid='state-badge' and contains(., 'Success')]")
    browser.shot("treasury-run")
    browser.open("/dags?limit=50")
    browser.see("kucoin_treasury")
    browser.shot("dags")


def _asked(browser: Browser, run: str) -> bool:
    """Look at the page of the question, which asks nothing as long as the task has not begun."""
    browser.open(f"{run}/tasks/approve/required_actions")
    try:
        browser.find("//button[normalize-space()='Approve']", 5)
    except TimeoutError:
        return False
    return True


def _follow(browser: Browser, name: str, target: str) -> None:
    """Follow an extra link; nobody answers beyond this machine, but the address is the one that was gone to."""
    browser.click(name)
    with browser.other_window():
        until(target, lambda: browser.driver.current_url.startswith(target), 20)


def test_it_stops_when_asked_to_and_leaves_no_process_and_no_folder(here: Here) -> None:
    assert here.stop() == 128 + signal.SIGTERM
    assert len(here.family) >= 5
    assert [one for one in here.family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    assert not Path(here.facts["home"]).exists()
