"""What a person reaches who has only a keyboard: stop by stop, with Tab."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

MOST_STOPS = 2000

_INTERACTIVE = (
    "a[href], area[href], button, input:not([type=hidden]), select, textarea, summary, iframe,"
    " [contenteditable=''], [contenteditable=true], [tabindex]:not([tabindex^='-'])"
)

# The name by which a person would call an element, and what it looks like with and without focus.
_SCRIPT = f"""
window.keyboardWalk = {{
    name(one) {{
        const by = one.getAttribute('aria-labelledby');
        const label = one.labels && one.labels.length ? one.labels[0] : null;
        const named = by ? document.getElementById(by.split(' ')[0]) : label;
        return (one.getAttribute('aria-label') || (named || one).innerText || one.value
            || one.title || one.name || '').trim().replace(/\\s+/g, ' ').slice(0, 80);
    }},
    look(one) {{
        const style = getComputedStyle(one);
        const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1
            && !/^(transparent|rgba\\(.*, 0\\))$/.test(style.outlineColor);
        return [outlined, style.boxShadow, style.borderColor, style.backgroundColor].join('|');
    }},
    /* Radio buttons of one name are one stop: whichever is chosen. */
    key(one) {{
        return one.type === 'radio' && one.name ? `radio ${{one.name}}` : one;
    }},
    reachable() {{
        return [...document.querySelectorAll(`{_INTERACTIVE}`)].filter(one =>
            !one.disabled && !one.closest('[inert]') && one.tabIndex >= 0
            && one.checkVisibility({{visibilityProperty: true, contentVisibilityAuto: true}}));
    }},
    begin() {{
        this.looks = new Map(this.reachable().map(one => [one, this.look(one)]));
        this.stops = new Set();
        this.first = null;
        document.activeElement.blur();
    }},
    stop() {{
        const one = document.activeElement;
        if (!one || one === document.body || one === document.documentElement) return null;
        if (one === this.first) return null;
        this.first ??= one;
        this.stops.add(this.key(one));
        const box = one.getBoundingClientRect();
        const x = box.left + Math.min(box.width, innerWidth) / 2, y = box.top + box.height / 2;
        const on = document.elementFromPoint(
            Math.min(Math.max(x, 0), innerWidth - 1), Math.min(Math.max(y, 0), innerHeight - 1));
        const uncovered = on !== null && (one.contains(on) || on.contains(one)
            || [...(one.labels || [])].some(label => label.contains(on)));
        const look = this.look(one), before = this.looks.get(one);
        return {{
            element: one.cloneNode(false).outerHTML.slice(0, 160),
            name: this.name(one),
            tag: one.tagName.toLowerCase(),
            on_screen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
                && box.top < innerHeight && box.left < innerWidth && uncovered,
            focus_visible: look.startsWith('true') || (before !== undefined && look !== before),
            top: box.top + scrollY,
            left: box.left + scrollX,
        }};
    }},
    missed() {{
        return this.reachable().filter(one => !this.stops.has(this.key(one)))
            .map(one => `${{one.outerHTML.slice(0, 160)}}`);
    }},
}};
"""


@dataclass(frozen=True)
class TabStop:
    """What has the focus after one more Tab.

    Attributes:
        element: its opening tag.
        name: by which a person would call it: its label or its text.
        tag: in small letters, such as `a`.
        on_screen: whether it is within the window, and under nothing else.
        focus_visible: whether one sees that it has the focus.
        top: pixels from the top of the page.
        left: pixels from its left edge.
    """

    element: str
    name: str
    tag: str
    on_screen: bool
    focus_visible: bool
    top: float
    left: float


def tab_stops(page: Page) -> list[TabStop]:
    """Returns what has the focus, Tab by Tab, from the top of the page to its end."""
    page.evaluate(_SCRIPT)
    page.evaluate("keyboardWalk.begin()")
    stops: list[TabStop] = []
    while True:
        page.keyboard.press("Tab")
        stop = page.evaluate("keyboardWalk.stop()")
        if stop is None:
            return stops
        stops.append(TabStop(**stop))
        assert len(stops) < MOST_STOPS, f"{page.url}: no end after {MOST_STOPS} stops"


def check_keyboard(page: Page) -> list[TabStop]:
    """Fails where the keyboard does not reach, or one does not see where it is.

    Returns:
        The stops, in the order of the keyboard.
    """
    stops = tab_stops(page)
    wrong = [f"no focus to be seen: {stop.element}" for stop in stops if not stop.focus_visible]
    wrong += [
        f"has the focus off the screen: {stop.element}" for stop in stops if not stop.on_screen
    ]
    wrong += [f"has no name: {stop.element}" for stop in stops if not stop.name]
    wrong += [f"not reached: {element}" for element in page.evaluate("keyboardWalk.missed()")]
    assert not wrong, "\n".join([f"{page.url}, by keyboard:", *wrong])
    return stops


def tab_to(page: Page, name: str) -> TabStop:
    """Presses Tab until what is called so has the focus.

    Args:
        page: the page.
        name: the label or text, whole.
    """
    page.evaluate(_SCRIPT)
    page.evaluate("keyboardWalk.begin()")
    passed: list[str] = []
    while len(passed) < MOST_STOPS:
        page.keyboard.press("Tab")
        stop = page.evaluate("keyboardWalk.stop()")
        if stop is None:
            break
        if stop["name"] == name:
            return TabStop(**stop)
        passed.append(stop["name"])
    raise AssertionError(f"{page.url}: Tab does not come to {name!r}, but to {passed}")


def tab_to_element(page: Page, element: Locator) -> None:
    """Presses Tab until an element has the focus, from where the focus is, around once at most.

    Args:
        page: the page.
        element: names one element.
    """
    element.wait_for()
    times_left_the_page = 0
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if element.evaluate("one => one === document.activeElement"):
            return
        times_left_the_page += page.evaluate("document.activeElement === document.body")
        if times_left_the_page == 2:
            break
    raise AssertionError(f"{page.url}: Tab does not come to {element}")
