// One chart of one or two metrics over time: mean as a line, lowest to highest as a veil, the
// normal range as a band. Drag to zoom, double-click to go back; on a phone one finger pans
// sideways and two fingers zoom. An earlier period, if there is one, is a dashed line behind it.
import { colour } from "./colour.js";
import { fingers } from "./fingers.js";
import { paintMarks } from "./marks.js";
import { HOURS, dates, numbers, say } from "./words.js";

/** Least span of the scale, so that a calm day looks calm. */
const SPAN = {
  spo2: [88, 100], pulse: [50, 105], respiratory_rate: [8, 26], systolic: [85, 160],
  diastolic: [60, 100], temperature: [35.5, 38.5], glucose: [3, 12],
  news2: [0, 8], in_bed: [0, 10], risings: [0, 4], arrived: [0, 100],
};
/** Ends that a scale does not go beyond. */
const ENDS = { spo2: [-Infinity, 100.5], news2: [0, 20.5], in_bed: [0, 24], risings: [0, Infinity], arrived: [0, 100.5] };
const HOUR = 3600;
const time = dates(HOURS);
const day = dates({ day: "numeric", month: "numeric" });
const moment = dates({ weekday: "short", day: "numeric", month: "numeric", ...HOURS });
const whole = dates({ weekday: "short", day: "numeric", month: "numeric", year: "numeric" });

/** Fetch columns; throws on any failure. */
export async function fetchReadings(subject, metrics, from, to, points) {
  const query = new URLSearchParams({
    subject, metrics: metrics.join(","), from: new Date(from * 1000).toISOString(),
    to: new Date(to * 1000).toISOString(), points: String(points),
  });
  const answer = await fetch(`/api/readings?${query}`);
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.error ?? say("chart_failed"));
  return answer.json();
}

/** Columns of several metrics on one time axis, with holes where nothing was measured for long. */
function table(series) {
  const stamps = new Set();
  const columns = series.map((one) => {
    const gaps = one.time.slice(1).map((at, i) => at - one.time[i]).sort((a, b) => a - b);
    const usual = gaps[Math.floor(gaps.length / 2)] ?? 0;
    const hole = Math.max(6 * usual, 2 * HOUR);
    const rows = new Map();
    one.time.forEach((at, i) => {
      if (i && at - one.time[i - 1] > hole) rows.set(one.time[i - 1] + usual + 1, [null, null, null]);
      rows.set(at, [one.mean[i], one.low[i], one.high[i]]);
    });
    for (const at of rows.keys()) stamps.add(at);
    return rows;
  });
  const axis = [...stamps].sort((a, b) => a - b);
  const data = [axis];
  for (const rows of columns) {
    for (const part of [0, 1, 2]) data.push(axis.map((at) => (rows.has(at) ? rows.get(at)[part] : undefined)));
  }
  return data;
}

/** What the column holds at an index of the common axis, or nearest to it: periods that are compared
 * were not measured at the same moments. */
function nearest(column, at) {
  for (let step = 0; step < column.length; step += 1) {
    if (column[at - step] !== undefined) return at - step;
    if (column[at + step] !== undefined) return at + step;
  }
  return at;
}

/** The earlier period's columns, moved to lie under the other's. */
function moved(earlier, metrics) {
  return metrics.map((name) => {
    const one = earlier?.series[name];
    return one?.time.length ? { ...one, time: one.time.map((at) => at + earlier.shift) } : null;
  }).filter(Boolean);
}

/**
 * Draw into `host`. `content` is what fetchReadings gave, with `earlier` {series, shift in s} if
 * there is such a period; `view` {from, to} in Unix seconds.
 * options: mark (Unix s), sync (key), onView(from, to) for zoom and pan, onReset().
 */
export function drawChart(host, metrics, content, view, options = {}) {
  const series = metrics.map((name) => content.series[name]);
  const then = moved(content.earlier, metrics);
  const weekly = series.map((one) => one.weekly).filter((one) => one?.time.length);
  const title = metrics.length > 1 ? say("blood_pressure") : series[0].label;
  const head = document.createElement("div");
  head.className = "chart-head";
  const name = document.createElement("h3");
  name.textContent = `${title} `;
  const unit = document.createElement("small");
  unit.textContent = [series[0].unit, weekly.length ? say("week_mean") : ""].filter(Boolean).join(" · ");
  name.append(unit);
  const value = document.createElement("p");
  value.className = "chart-value";
  head.append(name, value);
  host.classList.add("chart");

  if ([...series, ...then].every((one) => one.time.length === 0)) {
    const none = document.createElement("p");
    none.className = "none";
    none.textContent = say("no_readings");
    host.replaceChildren(head, none);
    return null;
  }

  const number = numbers(series[0].decimals);
  const data = table([...series, ...then, ...weekly]);
  const written = (one) => (!one || one[0] == null ? "–" : number.format(one[0]));
  /** Where several readings were drawn together: what their mean lies between. */
  const spread = (one) => {
    if (!one || one[0] == null) return "";
    const [low, high] = one.slice(1).map((part) => number.format(part));
    return low === high ? "" : `${low}–${high}`;
  };
  const write = (at, values, before = []) => {
    const text = document.createElement("small");
    const short = view.to - view.from <= 2.5 * 24 * HOUR;
    const between = values.map(spread).filter(Boolean).join("/");
    text.textContent = ` ${between && `(${between}) `}${(content.resolution === "daily" || series[0].form === "bars" ? whole : short ? time : moment).format(at * 1000)}`;
    value.replaceChildren(values.map(written).join("/"), text);
    if (!before.some((one) => one?.[0] != null)) return;
    const was = document.createElement("small");
    was.className = "was";
    was.textContent = say("was", { value: before.map(written).join("/") });
    value.append(was);
  };
  const latest = () => {
    const at = Math.max(...series.map((one) => one.time.at(-1) ?? 0));
    if (!at) { value.replaceChildren(); return; }
    write(at, series.map((one) => (one.mean.length ? [one.mean.at(-1), one.low.at(-1), one.high.at(-1)] : null)));
  };

  const spans = metrics.map((metric, i) => {
    const [low, high] = SPAN[metric] ?? [Infinity, -Infinity];
    return [Math.min(low, ...series[i].low), Math.max(high, ...series[i].high)];
  });
  for (const one of then) spans.push([Math.min(...one.mean), Math.max(...one.mean)]);
  let bottom = Math.min(...spans.map((one) => one[0]));
  let top = Math.max(...spans.map((one) => one[1]));
  const room = Math.max((top - bottom) * 0.08, 10 ** -series[0].decimals);
  bottom -= room;
  top += room;
  const [least, most] = ENDS[metrics[0]] ?? [-Infinity, Infinity];
  bottom = Math.max(bottom, least);
  top = Math.min(top, most);

  const plotSize = () => ({ width: Math.max(200, plot.clientWidth), height: options.height ?? 150 });
  const plot = document.createElement("div");
  plot.className = "chart-plot";
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", describe(title, series, then, number));
  host.replaceChildren(head, plot);

  const ink = colour("--ink-2");
  const line = colour("--line");
  const band = content.bands?.[metrics[0]];
  const drawn = series.flatMap((one, i) => {
    const stroke = colour(`--chart-${i + 1}`);
    const bars = one.form === "bars";
    const sparse = one.time.length < 60 && !bars;
    // A score holds until the next; a night is a thing of its own.
    const paths = bars ? uPlot.paths.bars({ size: [0.6, 24] })
      : one.form === "steps" ? uPlot.paths.stepped({ align: 1 }) : undefined;
    const veiled = { stroke: "transparent", points: { show: false }, ...(paths && !bars && { paths }) };
    return [
      {
        stroke, width: bars ? 0 : 2, points: { show: sparse, size: 6, fill: stroke, width: 0 }, spanGaps: false,
        ...(paths && { paths }), ...(bars && { fill: stroke }),
      },
      veiled, { ...veiled },
    ];
  });
  for (const one of then) {
    drawn.push(
      { stroke: ink, width: 1.5, dash: [6, 4], points: { show: one.time.length < 60, size: 5, fill: "transparent", stroke: ink, width: 1.5 }, spanGaps: false },
      { show: false }, { show: false },
    );
  }
  for (const _ of weekly) {
    drawn.push({ stroke: colour("--chart-2"), width: 3, points: { show: false } }, { show: false }, { show: false });
  }
  const veil = series.flatMap((one, i) => (one.form === "bars" ? [] : {
    series: [3 * i + 3, 3 * i + 2], fill: fade(colour(`--chart-${i + 1}`), 0.18),
  }));

  const chart = new uPlot({
    ...plotSize(),
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Europe/Helsinki"),
    legend: { show: false },
    padding: [6, 8, 0, 0],
    cursor: {
      sync: options.sync ? { key: options.sync } : undefined,
      drag: { x: true, y: false, setScale: false },
      points: { size: 8 },
      y: false,
    },
    scales: {
      x: { time: true, range: () => [view.from, view.to] },
      y: { range: () => [bottom, top] },
    },
    axes: [
      {
        stroke: ink, font: "12px system-ui, sans-serif", size: 28, gap: 4,
        grid: { stroke: line, width: 1 }, ticks: { show: false },
        space: 62,
        values: (u, splits) => splits.map((at) => {
          const short = u.scales.x.max - u.scales.x.min <= 2.5 * 24 * HOUR;
          const text = time.format(at * 1000);
          return short && !/^0?0[.:]00$/.test(text) ? text : day.format(at * 1000);
        }),
      },
      {
        stroke: ink, font: "12px system-ui, sans-serif", size: 40, gap: 4, space: 34,
        grid: { stroke: line, width: 1 }, ticks: { show: false },
        values: (u, splits) => splits.map((one) => numbers(Number.isInteger(splits[1] - splits[0]) ? 0 : 1).format(one)),
      },
    ],
    series: [{}, ...drawn],
    bands: veil,
    hooks: {
      drawClear: [(u) => {
        if (!band) return;
        const high = u.valToPos(Math.min(band.high ?? top, top), "y", true);
        const low = u.valToPos(Math.max(band.low ?? bottom, bottom), "y", true);
        u.ctx.fillStyle = colour("--band");
        u.ctx.fillRect(u.bbox.left, high, u.bbox.width, Math.max(0, low - high));
      }],
      draw: [(u) => paintMarks(u, content.marks), (u) => {
        if (options.mark === undefined) return;
        const x = u.valToPos(options.mark, "x", true);
        if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
        u.ctx.save();
        u.ctx.strokeStyle = colour("--bad");
        u.ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
        u.ctx.lineWidth = 1.5 * devicePixelRatio;
        u.ctx.beginPath();
        u.ctx.moveTo(x, u.bbox.top);
        u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
        u.ctx.restore();
      }],
      setCursor: [(u) => {
        if (u.cursor.idx == null) return latest();
        const at = series[0].time.length ? nearest(u.data[1], u.cursor.idx) : u.cursor.idx;
        const found = series.map((_, i) => [1, 2, 3].map((part) => u.data[3 * i + part][at]));
        const before = then.map((_, i) => {
          const column = u.data[3 * (series.length + i) + 1];
          return [column[nearest(column, u.cursor.idx)]];
        });
        if ([...found, ...before].some((one) => one[0] != null)) write(u.data[0][at], found, before);
        else latest();
      }],
      setSelect: [(u) => {
        if (u.select.width < 12) return;
        const from = u.posToVal(u.select.left, "x");
        const to = u.posToVal(u.select.left + u.select.width, "x");
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        options.onView?.(from, to);
      }],
    },
  }, data, plot);
  latest();

  if (options.onReset) plot.addEventListener("dblclick", options.onReset);
  if (options.onView) fingers(plot, chart, view, options.onView);
  const fit = () => chart.setSize(plotSize());
  const watch = new ResizeObserver(fit);
  watch.observe(plot);
  return { fit, destroy() { watch.disconnect(); chart.destroy(); } };
}

function fade(rgb, alpha) {
  return rgb.replace(/^rgba?\(([^,]+,[^,]+,[^,)]+).*/, `rgba($1,${alpha})`);
}

function describe(title, series, then, number) {
  const range = (one) => `${say("range")} ${number.format(Math.min(...one.low))}–${number.format(Math.max(...one.high))} ${one.unit}`;
  const parts = series.filter((one) => one.time.length).map((one) => `${one.label}: ${range(one)}`);
  const before = then.map((one) => `${say("earlier")}, ${one.label}: ${range(one)}`);
  return `${title}. ${[...parts, ...before].join(". ")}`;
}
