// The charts of one client over one range, with an earlier period behind them if there is one: what
// the page of trends and the paper for a visit have in common.
import { drawActivity } from "./activity.js";
import { drawChart, fetchReadings } from "./chart.js";
import { EXTRA, drawCourse, joinCourse } from "./course.js";
import { say } from "./words.js";

const UNDRAWN = ["consciousness", "oxygen_flow"];

/** Those of a page's metrics that have a course over time. */
export const drawnOf = (host) => host.dataset.metrics.split(",").filter((name) => name && !UNDRAWN.includes(name));

/** A box for each chart; blood pressure is one. */
export function panelsIn(host) {
  const metrics = drawnOf(host);
  const both = metrics.includes("systolic") && metrics.includes("diastolic");
  const [score, ...nights] = EXTRA;
  return [score, ...metrics.filter((name) => !(both && name === "diastolic")), ...nights].map((name) => {
    const box = document.createElement("section");
    box.className = "chart";
    box.hidden = EXTRA.includes(name);
    host.append(box);
    return { box, metrics: both && name === "systolic" ? ["systolic", "diastolic"] : [name], chart: null };
  });
}

/** `view` {from, to} in Unix seconds, as a query asks for it. */
export const asked = (view) => ({
  from: new Date(view.from * 1000).toISOString(), to: new Date(view.to * 1000).toISOString(),
});

async function fetched(path, query) {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`);
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.error ?? say("chart_failed"));
  return answer.json();
}

/** Everything of a range: {content, moves, course, compared}; `compared` is null, or what went wrong. */
export async function fetchView(host, view, beside) {
  const subject = host.dataset.subject;
  const metrics = drawnOf(host);
  const points = Math.min(1200, Math.max(200, Math.round(host.clientWidth)));
  const query = { subject, ...asked(view) };
  const [content, moves, course, compared] = await Promise.all([
    metrics.length ? fetchReadings(subject, metrics, view.from, view.to, points) : { series: {}, resolution: "raw" },
    fetched("/api/activity", query),
    fetched("/api/course", { ...query, points }),
    beside && metrics.length
      ? fetched("/api/comparison", { ...query, metrics: metrics.join(","), with: beside, points }).catch((error) => error)
      : null,
  ]);
  joinCourse(content, course);
  if (compared && !(compared instanceof Error)) {
    const shift = (Date.parse(compared.from) - Date.parse(compared.earlier_from)) / 1000;
    content.earlier = { series: compared.series, shift };
  }
  return { content, moves, course, compared };
}

/** Draw all charts anew. */
export function drawPanels(panels, content, view, options) {
  for (const panel of panels) {
    panel.chart?.destroy();
    panel.chart = null;
    const [first] = panel.metrics;
    panel.box.hidden = EXTRA.includes(first) && content.series[first].time.length === 0;
    if (panel.box.hidden) continue;
    panel.chart = drawChart(panel.box, panel.metrics, content, { ...view }, options);
  }
}

/** Draw what is no chart, and say by what everything was drawn. */
export function drawRest(moves, course, content, view) {
  drawCourse(course, view);
  drawActivity(document.getElementById("activity"), moves);
  document.getElementById("resolution").textContent = say(`resolution_${content.resolution}`);
}
