// A client's trends: the same range for every chart; what is drawn is fetched for that range.
import { drawChart, colour, fetchReadings } from "./chart.js";
import { HOURS, dates, numbers, say } from "./words.js";

const host = document.getElementById("charts");
const activity = document.getElementById("activity");
const subject = host.dataset.subject;
const metrics = host.dataset.metrics.split(",").filter(Boolean);
const newest = Date.parse(host.dataset.now) / 1000;
const HOUR = 3600;
const LONGEST = 60 * 24 * HOUR;

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

function draw() {
  for (const panel of panels) {
    panel.chart?.destroy();
    panel.chart = drawChart(panel.box, panel.metrics, content, { ...view }, { sync: "trends", onView: show, onReset: reset });
  }
}

async function load() {
  const mine = ++turn;
  document.getElementById("span").textContent = `${spanText.format(view.from * 1000)} – ${spanText.format(view.to * 1000)}`;
  document.getElementById("later").disabled = view.to >= newest;
  host.setAttribute("aria-busy", "true");
  try {
    const width = Math.min(1200, Math.max(200, Math.round(host.clientWidth)));
    const wanted = metrics.filter((name) => name !== "consciousness" && name !== "oxygen_flow");
    const [found, moves] = await Promise.all([
      wanted.length ? fetchReadings(subject, wanted, view.from, view.to, width) : { series: {} },
      fetchActivity(),
    ]);
    if (mine !== turn) return; // A newer range was asked for meanwhile.
    content = found;
    draw();
    drawActivity(moves);
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
  const query = new URLSearchParams({
    subject, from: new Date(view.from * 1000).toISOString(), to: new Date(view.to * 1000).toISOString(),
  });
  const answer = await fetch(`/api/activity?${query}`);
  if (!answer.ok) throw new Error(say("chart_failed"));
  return answer.json();
}

const DAY = 24 * HOUR * 1000;
const localHour = dates({ hour: "numeric", hourCycle: "h23" });

/** Round county times in a span: every sixth hour, or midnights, at most seven. */
function* marks(start, length) {
  const found = [];
  const every = length > 2.5 * DAY ? 24 : 6;
  const first = Math.ceil(start / (HOUR * 1000)) * HOUR * 1000;
  for (let at = first; at < start + length; at += HOUR * 1000) {
    if (parseInt(localHour.format(at), 10) % every === 0) found.push(at);
  }
  const step = Math.ceil(found.length / (innerWidth < 760 ? 4 : 7));
  for (let i = 0; i < found.length; i += step) {
    const share = (found[i] - start) / length;
    if (share > 0.03 && share < 0.97) yield found[i];
  }
}

const hour = dates(HOURS);
const day = dates({ day: "numeric", month: "numeric" });

function drawActivity(found) {
  activity.replaceChildren();
  if (!found.places.length) {
    const none = document.createElement("p");
    none.className = "hint";
    none.textContent = say("no_readings");
    activity.append(none);
    return;
  }
  const ink = colour("--chart-1");
  const number = numbers(0);
  for (const place of found.places) {
    const total = place.counts.reduce((sum, one) => sum + one, 0);
    const most = Math.max(...place.counts);
    const row = document.createElement("div");
    row.className = "place";
    const name = document.createElement("span");
    name.textContent = place.name;
    const canvas = document.createElement("canvas");
    const times = say("times", { n: number.format(total) });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${place.name}: ${times}`);
    const sum = document.createElement("span");
    sum.textContent = number.format(total);
    row.append(name, canvas, sum);
    activity.append(row);
    canvas.width = found.bins * 4;
    canvas.height = 1;
    const context = canvas.getContext("2d");
    context.fillStyle = ink;
    place.counts.forEach((count, i) => {
      if (!count) return;
      context.globalAlpha = 0.2 + 0.8 * Math.sqrt(count / most);
      context.fillRect(i * 4, 0, 4, 1);
    });
  }
  const axis = document.createElement("div");
  axis.className = "hours";
  const labels = document.createElement("div");
  const start = Date.parse(found.start);
  const length = found.bins * found.bin_s * 1000;
  for (const at of marks(start, length)) {
    const label = document.createElement("span");
    label.textContent = (length > 2.5 * DAY ? day : hour).format(at);
    label.style.left = `${(100 * (at - start)) / length}%`;
    labels.append(label);
  }
  axis.append(labels);
  activity.append(axis);
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
