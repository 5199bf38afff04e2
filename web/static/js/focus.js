// Focus that outlives what is drawn anew around it: people who work by keyboard, or hear the page
// read, go on where they were.

let last = null; // How to find the control that had the focus last, within what is drawn anew.
let place = null;

function wayTo(element) {
  const { act, how, open } = element.dataset;
  if (act) return `[data-act="${act}"]${how ? `[data-how="${how}"]` : ""}`;
  if (open) return `[data-open="${open}"]`;
  if (element.tagName === "SUMMARY") return `#${element.parentElement.id} > summary`;
  if (element.tagName === "H1") return "h1";
  return element.tagName === "A" ? `a[href="${CSS.escape(element.getAttribute("href") ?? "")}"]` : null;
}

/** Remember where the focus is within `within`, whose content is replaced from time to time. */
export function keepFocus(within) {
  place = within;
  within.addEventListener("focusin", ({ target }) => { last = wayTo(target); });
  // Whoever points elsewhere has left; a dialog comes back to where it was opened.
  document.addEventListener("pointerdown", ({ target }) => {
    if (!target.closest("dialog")) last = null;
  }, true);
  document.addEventListener("focusin", ({ target }) => {
    if (!within.contains(target) && !target.closest("dialog")) last = null;
  });
}

/** Where nothing has the focus any more: the same control; if it is gone, the heading of it all. */
export function returnFocus() {
  // Until it is drawn again, the page takes what was in a closed dialog for still focused.
  const held = document.activeElement;
  if (!last || (held !== document.body && !held.closest("dialog:not([open])"))) return;
  const heading = place.querySelector("h1");
  heading.tabIndex = -1;
  (place.querySelector(`${last}:not([disabled])`) ?? heading).focus({ preventScroll: true });
}
