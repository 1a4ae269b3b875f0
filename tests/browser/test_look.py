"""How every page looks with the sample: wide and narrow, light and dark, before and after a change of the theme."""

from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from pages.ui.cards import PAGES, cards
from tests.browser.visitor import Visitor

WIDE, NARROW = 1440, 820
PATIENCE = 5_000  # ms

CUT_OFF = """() => {
  const main = document.querySelector('[data-testid=stMain]'), edge = main.getBoundingClientRect().right + 1
  const wrong = main.scrollWidth > main.clientWidth ? [`the page scrolls sideways: ${main.scrollWidth} px`] : []
  const shown = e => e.checkVisibility({visibilityProperty: true}) && e.getBoundingClientRect().width > 0
  for (const e of main.querySelectorAll('[data-testid], svg')) {
    if (shown(e) && e.getBoundingClientRect().right > edge && !e.closest('[data-testid=stDataFrameResizable]'))
      wrong.push(`reaches over the edge: ${e.dataset.testid ?? e.tagName} '${e.textContent.slice(0, 60)}'`)
  }
  for (const e of main.querySelectorAll('*')) {
    const {position, backgroundColor} = getComputedStyle(e)
    if (position === 'sticky' && /, 0\\)|transparent/.test(backgroundColor) && shown(e))
      wrong.push(`stays in view and lets what scrolls below it shine through: ${e.className}`)
  }
  const figures = '[data-testid=stMetricValue], [data-testid=stMetricLabel], [data-testid=stMetricDelta]'
  for (const box of main.querySelectorAll(figures)) {
    for (const e of [box, ...box.querySelectorAll('*')]) {
      if (e.clientWidth && getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth)
        wrong.push(`cut off: '${box.innerText}', ${e.scrollWidth} px in ${e.clientWidth}`)
    }
  }
  return wrong
}"""
# The contrast WCAG 2.1 asks for at level AA: 4.5 between words and what is behind them, 3 from 24 px on.
FAINT = """() => {
  const pen = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true})
  const seen = new Map()
  const colour = text => {
    if (!seen.has(text)) {
      pen.clearRect(0, 0, 1, 1)
      pen.fillStyle = text
      pen.fillRect(0, 0, 1, 1)
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data
      seen.set(text, [r, g, b, a / 255])
    }
    return seen.get(text)
  }
  const over = ([r, g, b, a], below) => [r, g, b].map((each, i) => each * a + below[i] * (1 - a))
  const chain = e => { const all = []; for (let at = e; at; at = at.parentElement) all.push(at); return all }
  const around = (e, {x, y, width, height}) => {  // a slider's value hangs above the thumb it belongs to
    const box = e.getBoundingClientRect(), [across, down] = [x + width / 2, y + height / 2]
    return e.contains(document.querySelector('[data-testid=stMain]'))
      || box.left <= across && across <= box.right && box.top <= down && down <= box.bottom
  }
  const place = node => { const all = document.createRange(); all.selectNode(node); return all.getBoundingClientRect() }
  const behind = node => chain(node.parentElement).filter(e => around(e, place(node))).reverse().reduce(
    (below, at) => over(colour(getComputedStyle(at).backgroundColor), below), [255, 255, 255])
  const light = rgb => rgb.map(each => each / 255)
    .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0)
  const words = document.createTreeWalker(document.querySelector('[data-testid=stMain]'), NodeFilter.SHOW_TEXT)
  const faint = []
  let count = 0
  for (let node = words.nextNode(); node; node = words.nextNode()) {
    const e = node.parentElement, style = getComputedStyle(e)
    if (!node.data.trim() || !e.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue
    if (e.closest('kbd, canvas, style, noscript, [data-testid=stIconMaterial]')) continue
    if (e.closest(':disabled, [aria-disabled=true]')) continue
    const ink = [...colour(e instanceof SVGElement ? style.fill : style.color)], paper = behind(node)
    ink[3] *= chain(e).reduce((product, at) => product * getComputedStyle(at).opacity, 1)
    const [low, high] = [light(over(ink, paper)), light(paper)].sort((a, b) => a - b)
    const contrast = (high + 0.05) / (low + 0.05)
    count += 1
    if (contrast < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
      faint.push(`${contrast.toFixed(2)} '${node.data.trim().slice(0, 50)}' ${ink} on ${paper.map(Math.round)}`)
  }
  return count > 5 ? [...new Set(faint)] : ['there are hardly any words']
}"""
EMPTY_CHARTS = """() => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
  .filter(chart => !chart.querySelector('path[aria-roledescription], canvas'))
  .map(chart => `an empty chart: ${chart.parentElement.className}`)"""


def nothing(page: Visitor, look: str) -> None:
    """Wait until a look finds nothing wrong; what it finds, where it goes on finding something.

    A change of the size or of the theme takes the browser a few frames.
    """
    with suppress(PlaywrightTimeout):
        page.page.wait_for_function(f"() => !({look})().length", timeout=PATIENCE)
    found = page.page.evaluate(look)
    assert not found, "\n".join(found)


def whole(page: Visitor) -> None:
    """Nothing is cut off, and no chart is empty."""
    page.settled()
    nothing(page, EMPTY_CHARTS)
    nothing(page, CUT_OFF)


@pytest.mark.parametrize("stem", [card.stem for card in cards()])
def test_a_page_is_whole_and_readable(visit, sample, stem):
    page = visit(width=WIDE)
    page.open(f"{stem}?e=loans")
    charts = page.page.get_by_test_id("stVegaLiteChart")
    if "show.chart(" in (PAGES / f"{stem}.py").read_text(encoding="utf-8"):
        expect(charts.first).to_be_attached()
    whole(page)
    nothing(page, FAINT)
    page.page.set_viewport_size({"width": NARROW, "height": 900})
    whole(page)

    run = page.page.get_by_test_id("assay-ready").get_attribute("data-run")
    paper = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    light = page.page.evaluate(paper)
    page.page.emulate_media(color_scheme="dark")
    page.page.wait_for_function(f"light => ({paper})() !== light", arg=light)
    whole(page)
    nothing(page, FAINT)
    page.page.set_viewport_size({"width": WIDE, "height": 900})
    whole(page)
    assert page.page.get_by_test_id("assay-ready").get_attribute("data-run") == run, "the theme's change ran the page"
