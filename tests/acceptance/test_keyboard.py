"""By keyboard alone: the whole life of an alert, with a focus that is seen and not lost."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.acceptance.phones import Phones
from tests.integration.web_support import County

FOCUSED = """() => {
  const element = document.activeElement;
  const ring = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const drawn = [getComputedStyle(element), getComputedStyle(element, "::after")];
  const beside = element.nextElementSibling; // Of a hidden radio button: what stands for it.
  const around = element.closest("label");
  for (const one of [beside, around]) if (one) drawn.push(getComputedStyle(one));
  const box = element.getBoundingClientRect();
  const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    name: element.outerHTML.slice(0, 120),
    body: element === document.body,
    ring: drawn.some(ring),
    seen: there !== null && (element.contains(there) || there.contains(element)
      || Boolean(around?.contains(there))),
    dialog: element.closest("dialog")?.id ?? null,
  };
}"""
MOST = 120
"""Stops on the way through a page; more means that the focus goes in circles."""


async def tab_to(page: Page, target: Locator, *, key: str = "Tab") -> None:
    """Press Tab until `target` has the focus; on the way every stop is visible."""
    for _ in range(MOST):
        await page.keyboard.press(key)
        stop = await page.evaluate(FOCUSED)
        if not stop["body"]:
            assert stop["ring"], f"no visible focus: {stop['name']}"
            assert stop["seen"], f"the focus is covered: {stop['name']}"
        if await target.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"not reached by Tab: {target}")


async def test_the_life_of_an_alert_by_keyboard_alone(place: County, phones: Phones) -> None:
    subject = await place.subject("aino")
    await place.open(subject, severity=3)
    await place.open(subject, "limit", severity=2, metric="spo2")
    page = await phones.log_in("nurse")
    card = page.locator(".card[data-severity='3']")
    await expect(card).to_be_visible()

    # On the list: taken by keyboard, and the focus stays with the card.
    await tab_to(page, card.get_by_role("button"))
    await page.keyboard.press("Enter")
    await expect(card).to_contain_text("Nina Nurse kuittasi")
    await expect(card.get_by_role("link")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".who-name")).to_have_text("Aino Ahola")

    # On the way: the dialog keeps the focus, and gives it back to the page.
    heading = page.locator(".head h1")
    going = page.get_by_role("button", name="Matkalla")
    await tab_to(page, going)
    await page.keyboard.press("Enter")
    dialog = page.locator("#going")
    await expect(dialog).to_be_visible()
    for _ in range(9):
        await page.keyboard.press("Tab")
        stop = await page.evaluate(FOCUSED)
        assert stop["body"] or (stop["dialog"] == "going" and stop["ring"]), stop
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(going).to_be_focused()
    await page.keyboard.press("Enter")
    await tab_to(page, dialog.locator("[value='5']"))
    await page.keyboard.press("ArrowRight")
    await expect(dialog.locator("[value='10']")).to_be_checked()
    await page.keyboard.press("Enter")
    await expect(page.locator("#history")).to_contain_text("Nina Nurse")
    await expect(dialog).to_be_hidden()
    await expect(heading).to_be_focused()  # Its button is gone.

    # There, and a try at the door; what is unfolded stays so.
    await tab_to(page, page.locator("[data-act=arrived]"))
    await page.keyboard.press("Space")
    await expect(heading).to_be_focused()
    await tab_to(page, page.locator("#no-answer summary"))
    await page.keyboard.press("Enter")
    nobody = page.locator("[data-act=not-reached][data-how=door]")
    await tab_to(page, nobody)
    await page.keyboard.press("Enter")
    await expect(page.locator("#history [data-what=not_reached]")).to_be_visible()
    await expect(nobody).to_be_focused()

    # A note, and closed.
    await tab_to(page, page.locator("#more-actions summary"), key="Shift+Tab")
    await page.keyboard.press("Enter")
    noting = page.get_by_role("button", name="Kirjoita merkintä")
    await tab_to(page, noting)
    await page.keyboard.press("Enter")
    await expect(page.locator("#noting textarea")).to_be_focused()
    await page.keyboard.type("Avain ei käy.")
    await tab_to(page, page.locator("#noting [type=submit]"))
    await page.keyboard.press("Enter")
    await expect(page.locator("#history")).to_contain_text("Avain ei käy.")
    await expect(noting).to_be_focused()
    await tab_to(page, page.get_by_role("button", name="Päätä hälytys"), key="Shift+Tab")
    await page.keyboard.press("Enter")
    await tab_to(page, page.locator("#closing [name=outcome]").first)
    await page.keyboard.press("Space")
    await tab_to(page, page.locator("#closing [type=submit]"))
    await page.keyboard.press("Enter")
    await expect(page.locator(".head")).to_contain_text("Nina Nurse päätti")
    await expect(heading).to_be_focused()


async def test_focus_stays_while_others_act(place: County, phones: Phones) -> None:
    subject = await place.subject("aino")
    first = await place.open(subject, severity=3)
    second = await place.open(subject, "limit", severity=2, metric="spo2")
    page = await phones.log_in("nurse")
    button = page.locator(f".card[data-id='{first}'] button")
    await tab_to(page, button)
    # A new and more urgent one comes above: the same button keeps the focus.
    await place.open(subject, "help")
    await expect(page.locator(".card[data-id]")).to_have_count(3)
    await expect(button).to_be_focused()
    # Another takes it: the focus goes to the card, which is elsewhere now.
    mate = await phones.log_in("mate", path=f"/episodes/{first}")
    await mate.locator("[data-act=acknowledge]").click()
    await expect(page.locator(f".card.taken[data-id='{first}'] a")).to_be_focused()
    # It is closed, and its card goes: the focus is on the nearest one that stays.
    await mate.locator("[data-open=closing]").click()
    await mate.locator("#closing [value=real]").check()
    await mate.locator("#closing [type=submit]").click()
    await expect(page.locator(f".card[data-id='{first}']")).to_have_count(0)
    await expect(page.locator(f".card[data-id='{second}'] a")).to_be_focused()

    # On an open alert: what had the focus has it again after another's note.
    await page.goto(f"{phones.address}/episodes/{second}")
    fold = page.locator("#no-answer summary")
    await tab_to(page, fold)
    await mate.goto(f"{phones.address}/episodes/{second}")
    await mate.locator("#more-actions summary").click()
    await mate.locator("[data-open=noting]").click()
    await mate.locator("#noting textarea").fill("Jag ringde.")
    await mate.locator("#noting [type=submit]").click()
    await expect(page.locator("#history")).to_contain_text("Jag ringde.")
    await expect(fold).to_be_focused()


async def test_the_menu_closes_by_escape_and_by_leaving(place: County, phones: Phones) -> None:
    await place.open(await place.subject("aino"), "help")
    page = await phones.log_in("nurse")
    await expect(page.locator(".card[data-id]")).to_be_visible()
    menu = page.locator(".menu")
    await tab_to(page, menu.locator("summary"))
    await page.keyboard.press("Enter")
    await expect(menu).to_have_attribute("open", "")
    await tab_to(page, menu.locator("#logout button"))
    await page.keyboard.press("Escape")
    await expect(menu.locator("summary")).to_be_focused()
    await expect(menu.locator(".menu-sheet")).to_be_hidden()
    await page.keyboard.press("Enter")
    await tab_to(page, menu.locator("#logout button"))
    await page.keyboard.press("Tab")
    await expect(menu.locator(".menu-sheet")).to_be_hidden()
