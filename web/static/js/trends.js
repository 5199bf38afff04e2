// A client's trends: the same range for every chart; what is drawn is fetched for that range.
import { drawComparison } from "./comparison.js";
import { asked, drawPanels, drawRest, fetchView, panelsIn } from "./trend_view.js";
import { HOURS, dates, say } from "./words.js";

const host = document.getElementById("charts");
const newest = Date.parse(host.dataset.now) / 1000;
const HOUR = 3600;
const LONGEST = 366 * 24 * HOUR;
const beside = document.getElementById("with");
const begins = document.getElementById("with-date");
const panels = panelsIn(host);

const view = { from: newest - 24 * HOUR, to: newest };
let chosen = 24;
let turn = 0;
let content = null;

const spanText = dates({ weekday: "short", day: "numeric", month: "numeric", ...HOURS });
const daysText = dates({ day: "numeric", month: "numeric", year: "numeric" });

/** The range in words; of months the hour is of no interest, but the year is. */
function spanned() {
  const text = view.to - view.from > 62 * 24 * HOUR ? daysText : spanText;
  return `${text.format(view.from * 1000)} – ${text.format(view.to * 1000)}`;
}

/** What to compare with, as /api/comparison knows it; "" for nothing. */
const besides = () => (beside.value === "date" ? begins.value : beside.value);

function draw() {
  drawPanels(panels, content, view, { sync: "trends", onView: show, onReset: reset });
}

/** The range in links, and in the page's own address, so that it can be come back to. */
function addressed() {
  const query = { ...asked(view), ...(besides() && { with: besides() }) };
  for (const link of document.querySelectorAll("[data-range]")) {
    link.href = `${link.pathname}?${new URLSearchParams(query)}`;
  }
  if (turn > 1) history.replaceState(null, "", `?${new URLSearchParams(query)}`);
}

async function load() {
  const mine = ++turn;
  document.getElementById("span").textContent = spanned();
  addressed();
  document.getElementById("later").disabled = view.to >= newest;
  host.setAttribute("aria-busy", "true");
  try {
    const found = await fetchView(host, view, besides());
    if (mine !== turn) return; // A newer range was asked for meanwhile.
    content = found.content;
    draw();
    drawComparison(found.compared);
    drawRest(found.moves, found.course, content, view);
  } catch (error) {
    if (mine !== turn) return;
    const notice = document.createElement("p");
    notice.className = "notice bad";
    notice.setAttribute("role", "alert");
    notice.textContent = error.message || say("chart_failed");
    panels[0]?.box.replaceChildren(notice);
  } finally {
    if (mine === turn) host.removeAttribute("aria-busy");
  }
}

function press(hours) {
  for (const button of document.querySelectorAll("#ranges button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.hours) === hours));
  }
}

function show(from, to) {
  const length = Math.min(Math.max(to - from, 300), LONGEST);
  view.from = from;
  view.to = from + length;
  if (view.to > newest) { view.to = newest; view.from = newest - length; }
  press(Math.round(length / HOUR) === chosen ? chosen : null);
  load();
}

function reset() {
  show(newest - chosen * HOUR, newest);
}

for (const button of document.querySelectorAll("#ranges button")) {
  button.addEventListener("click", () => {
    chosen = Number(button.dataset.hours);
    show(view.to - chosen * HOUR, view.to);
  });
}
document.getElementById("earlier").addEventListener("click", () => {
  const length = view.to - view.from;
  show(view.from - length, view.from);
});
document.getElementById("later").addEventListener("click", () => {
  const length = view.to - view.from;
  show(view.to, view.to + length);
});
function compare() {
  begins.parentElement.hidden = beside.value !== "date";
  if (beside.value !== "date" || begins.value) load();
  else begins.focus();
}
beside.addEventListener("change", compare);
begins.addEventListener("change", () => { if (begins.value) load(); });

/** The range and the comparison that the page's address names. */
function given() {
  const query = new URLSearchParams(location.search);
  const [from, to] = ["from", "to"].map((name) => Date.parse(query.get(name)) / 1000);
  if (from < to && to - from <= LONGEST) {
    view.from = from;
    view.to = Math.min(to, Math.max(newest, from + HOUR));
    const hours = Math.round((to - from) / HOUR);
    if (document.querySelector(`#ranges [data-hours="${hours}"]`)) chosen = hours;
    press(hours);
  }
  const with_ = query.get("with") ?? "";
  if (/^\d{4}-\d{2}-\d{2}$/.test(with_)) {
    beside.value = "date";
    begins.value = with_;
    begins.parentElement.hidden = false;
  } else if ([...beside.options].some((one) => one.value === with_ && with_ !== "date")) {
    beside.value = with_;
  }
}

const redraw = () => { if (content) { draw(); load(); } };
document.addEventListener("saimi:theme", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
given();
load();
