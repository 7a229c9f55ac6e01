"""The board as people meet it: with eyes, a keyboard, a screen reader, a telephone, on paper."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from quipux_provision.service.board import write_board
from tests.browser.chromium import violations
from tests.browser.conftest import OUTPUT
from tests.browser.stories import Registry, story

PAGES = ("index", "caso-sedej", "caso-senaj", "caso-susej", "caso-recej")
WINDOWS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
HOSTILE = (
    "<script>document.title='tomado'</script>\"><img src=x onerror=\"document.title='tomado'\">"
    " \u202eoditrevni {{7*7}}"
)


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The board behind a web server of this machine; gives its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_overflows(
    browser: Browser, site: Path, name: str, window: str
) -> None:
    context = browser.new_context(**WINDOWS[window])
    page = context.new_page()
    page.goto((site / f"{name}.html").as_uri())
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"{name}-{window}.png", full_page=True)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_on_paper_everything_is_unfolded_and_nothing_is_for_clicking(
    page: Page, site: Path, name: str
) -> None:
    page.goto((site / f"{name}.html").as_uri())
    expect(page.get_by_role("navigation")).to_be_visible()
    page.emulate_media(media="print")
    OUTPUT.mkdir(exist_ok=True)
    page.pdf(path=OUTPUT / f"{name}-print.pdf", prefer_css_page_size=True)
    page.set_viewport_size({"width": 794, "height": 1123})
    page.screenshot(path=OUTPUT / f"{name}-print.png", full_page=True)
    expect(page.locator("nav")).to_be_hidden()
    for table in page.locator("details table").all():
        expect(table).to_be_visible()
    assert page.locator("details table").count() > 0
    wide = "[...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().right > innerWidth)"
    assert page.evaluate(f"{wide}.length") == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_but_itself(browser: Browser, served: str, name: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(f"{served}/{name}.html", wait_until="networkidle")
    page.emulate_media(media="print", color_scheme="dark")
    page.emulate_media(media="screen")
    for summary in page.locator("summary").all():
        summary.click()
    page.wait_for_timeout(200)
    assert [url for url in asked if not url.startswith("data:")] == [f"{served}/{name}.html"]
    context.close()


def test_the_policy_lets_nothing_in(page: Page, served: str) -> None:
    page.goto(f"{served}/index.html")
    failed: list[str] = []
    page.on("console", lambda message: failed.append(message.text))
    page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = "document.title = 'tomado'";
          document.body.append(script);
          const image = new Image();
          image.src = location.origin + '/index.html';
          document.body.append(image);
          document.body.setAttribute('style', 'color: red');
        }"""
    )
    page.wait_for_timeout(200)
    assert page.title() == "Tablero de implantación de Quipux"
    assert sum("Content Security Policy" in text for text in failed) == 3


def test_overdue_cases_come_first_and_say_who_acts(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    headings = page.locator("h2").all_inner_texts()
    assert headings[0].split() == ["Plazo", "vencido", "2"]
    cards = page.get_by_role("article")
    assert [card.get_by_role("heading").inner_text() for card in cards.all()[:2]] == ["INEJ", "SEDEJ"]
    first = cards.first
    assert "Venció hace 6 días" in first.inner_text()
    assert "quipux-provision deadlines" in first.inner_text()
    waiting = page.get_by_role("article", name="CNEJ")
    assert "AIQ de la institución" in waiting.inner_text()
    assert "25 nov 2026, 23:59" in waiting.inner_text()
    assert "quipux-provision report cnej --workbook FILE" in waiting.inner_text()


def test_charts_say_in_words_what_they_show(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    days = "Plazo de 7 días: quedan 5 de 7 días; vence el miércoles 25 de noviembre de 2026"
    chart = page.get_by_role("article", name="CNEJ").get_by_role("img", name=days)
    assert chart.locator("rect.left").count() == 5
    assert chart.locator("rect.spent").count() == 2
    road = page.get_by_role("article", name="SUSEJ").get_by_role("img", name="Etapa 4 de 8: suspendida")
    assert road.locator("circle.stopped").count() == 1
    page.get_by_text("Ver los datos en tabla").click()
    rows = page.get_by_role("table").last.get_by_role("row").all_inner_texts()
    assert [row.split("\t") for row in rows] == [
        ["Mes", "Recibidas", "En producción"],
        ["nov 2026", "10", "0"],
        ["oct 2026", "5", "1"],
        ["sep 2026", "1", "2"],
        ["ago 2026", "1", "0"],
    ]
    drawn = page.locator("svg.months text").all_text_contents()
    assert drawn == ["1", "0", "ago 2026", "1", "2", "sep", "5", "1", "oct", "10", "0", "nov"]


def test_a_case_tells_its_whole_story(page: Page, site: Path) -> None:
    page.goto((site / "caso-sedej.html").as_uri())
    history = page.get_by_role("group", name="Historia").get_by_role("row").all_inner_texts()
    told = [row.split("\t")[2] for row in history[1:]]
    assert told[0] == "Solicitud recibida, ronda 1 (servicio central)"
    assert (
        "Empieza el plazo; vence el jueves 19 de noviembre de 2026, 23:59 (hora de Ecuador continental)"
        in told
    )
    assert "Revisión registrada; no cumplen actividades obligatorias: B1, C4" in told
    assert "Devuelto al AIQ con observaciones; el plazo sigue corriendo" in told
    finding = page.get_by_role("row", name="B1 Cree las áreas").inner_text()
    assert "No cumple" in finding
    assert "no coincide" in finding
    assert "Además del área raíz debe existir" in finding
    assert "id en Quipux: 4711, 4712" in finding
    approval = page.get_by_role("group", name="Aprobaciones").get_by_role("row").nth(1).inner_text()
    assert "pedro.aprobador" in approval
    assert "ejecutada" in approval
    expect(page.locator("[aria-current=step]")).to_contain_text("En capacitación")
    page.get_by_role("link", name="B1").click()
    assert page.url.endswith("#act-B1")


def test_a_keyboard_is_enough(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Saltar al contenido")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    reached = []
    for _ in range(100):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
              const one = document.activeElement, style = getComputedStyle(one);
              const text = one.innerText.trim().split('\\n')[0];
              return [one.tagName, text, style.outlineStyle, style.outlineWidth];
            }"""
        )
        if focused[0] == "BODY":
            break
        assert focused[2:] == ["solid", "3px"], focused
        reached.append(focused[1])
    wanted = page.locator("main a, main summary").all_inner_texts()
    assert {text.strip().split("\n")[0] for text in wanted} <= set(reached)
    page.get_by_text("Ver los datos en tabla").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader", name="nov 2026")).to_be_visible()
    page.get_by_role("link", name="INEJ", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("INEJ")
    page.get_by_role("link", name="← Todos los casos").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tablero de implantación")


def test_hostile_texts_stay_texts(page: Page, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "oficina")
    evil = story(registry, "malo", HOSTILE, 9, acronym=HOSTILE[:40]).train()
    evil.add("mail.failed", HOSTILE, HOSTILE, reason=HOSTILE).add("kind.unknown-" + "<b>x", None, HOSTILE)
    evil.add("case.decided", HOSTILE, HOSTILE, **_decision())
    index = Path(write_board(registry.write())["index"])
    for path in (index, index.with_name("caso-malo.html")):
        page.goto(path.as_uri())
        assert "tomado" not in page.title() or "<script>" in page.title()
        assert page.locator("script, img:not([role]), b").count() == 0
        text = page.locator("body").inner_text()
        assert "<script>document.title='tomado'</script>" in text
        assert "{{7*7}}" in text
        assert "\u202e" not in page.content()
        assert "\N{REPLACEMENT CHARACTER}oditrevni" in text
        assert violations(page) == []


def _decision() -> dict[str, object]:
    hostile = dict.fromkeys(
        ("kind", "request_digest", "plan_digest", "review_digest", "document_sha256"), HOSTILE
    )
    return {**hostile, "round": 1, "decision": "approve", "nonce": "n", "expires_at": "2026-11-30T00:00:00Z"}
