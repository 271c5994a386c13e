"""Looks in every frame of a page, from its first, whether it is wider than the screen.

A page may hang over for a moment only, while its parts come: who scrolls at
that moment has it shifted for good, and a look at the end does not see it.
"""

from playwright.sync_api import Page

_WATCH = """
window.overhangs = [];
const name = (e) => `${e.tagName} ${e.dataset.testid ?? ''} ${e.getAttribute('class') ?? ''}`;
function look() {
  const main = document.querySelector('[data-testid=stMain]');
  const over = main ? Math.max(
    main.scrollWidth - main.clientWidth,
    document.documentElement.scrollWidth - window.innerWidth,
  ) : 0;
  if (over > 0) {
    const wide = [...main.querySelectorAll('*')].filter(
      (e) => e.getBoundingClientRect().right > main.getBoundingClientRect().right + 0.5,
    );
    window.overhangs.push(`${over} px: ${wide.slice(0, 6).map(name).join(' | ')}`);
  }
  requestAnimationFrame(look);
}
look();
"""


def watch_overhang(page: Page) -> None:
    """Let each document of a page, from now on, note by how much and with what it hung over."""
    page.add_init_script(_WATCH)


def overhangs(page: Page) -> set[str]:
    """Return what ever hung over the screen since the page was opened."""
    return set(page.evaluate("window.overhangs"))
