// A client's trends: the same range for every chart; what is drawn is fetched for that range.
import { drawActivity } from "./activity.js";
import { drawChart, fetchReadings } from "./chart.js";
import { HOURS, dates, say } from "./words.js";

const host = document.getElementById("charts");
const activity = document.getElementById("activity");
const subject = host.dataset.subject;
const metrics = host.dataset.metrics.split(",").filter(Boolean);
const newest = Date.parse(host.dataset.now) / 1000;
const HOUR = 3600;
const LONGEST = 366 * 24 * HOUR;

const panels = metrics
  .filter((name) => !(name === "diastolic" && metrics.includes("systolic")) && name !== "consciousness" && name !== "oxygen_flow")
  .map((name) => {
    const box = document.createElement("section");
    box.className = "chart";
    host.append(box);
    return { box, metrics: name === "systolic" && metrics.includes("diastolic") ? ["systolic", "diastolic"] : [name], chart: null };
  });

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

const asked = () => ({ from: new Date(view.from * 1000).toISOString(), to: new Date(view.to * 1000).toISOString() });

function draw() {
  for (const panel of panels) {
    panel.chart?.destroy();
    panel.chart = drawChart(panel.box, panel.metrics, content, { ...view }, { sync: "trends", onView: show, onReset: reset });
  }
}

async function load() {
  const mine = ++turn;
  document.getElementById("span").textContent = spanned();
  const file = document.getElementById("csv");
  if (file) file.href = `${file.pathname}?${new URLSearchParams(asked())}`;
  document.getElementById("later").disabled = view.to >= newest;
  host.setAttribute("aria-busy", "true");
  try {
    const width = Math.min(1200, Math.max(200, Math.round(host.clientWidth)));
    const wanted = metrics.filter((name) => name !== "consciousness" && name !== "oxygen_flow");
    const [found, moves] = await Promise.all([
      wanted.length ? fetchReadings(subject, wanted, view.from, view.to, width) : { series: {}, resolution: "raw" },
      fetchActivity(),
    ]);
    if (mine !== turn) return; // A newer range was asked for meanwhile.
    content = found;
    draw();
    drawActivity(activity, moves);
    document.getElementById("resolution").textContent = say(`resolution_${found.resolution}`);
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

async function fetchActivity() {
  const query = new URLSearchParams({ subject, ...asked() });
  const answer = await fetch(`/api/activity?${query}`);
  if (!answer.ok) throw new Error(say("chart_failed"));
  return answer.json();
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
const redraw = () => { if (content) { draw(); load(); } };
document.addEventListener("saimi:theme", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
load();
