// What happened beside the readings, in a chart: an alert is a line with a triangle on it, a visit one
// with a diamond, a time away a veil.
import { colour } from "./colour.js";

const seconds = (time) => Date.parse(time) / 1000;

/** The outlines of the marks around (0, 0), `r` pixels large; in the list as in the charts. */
export const OUTLINES = {
  alert: (r) => [[-r, -r], [r, -r], [0, r]],
  visit: (r) => [[0, -r], [r, 0], [0, r], [-r, 0]],
};

function mark(u, at, kind, fill) {
  const x = u.valToPos(at, "x", true);
  const { left, top, width, height } = u.bbox;
  if (x < left || x > left + width) return;
  const { ctx } = u;
  const r = 5 * devicePixelRatio;
  ctx.strokeStyle = fill;
  ctx.fillStyle = fill;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(kind === "visit" ? [2 * devicePixelRatio, 3 * devicePixelRatio] : []);
  ctx.globalAlpha = 0.55;
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, top + height);
  ctx.stroke();
  ctx.globalAlpha = 1;
  ctx.beginPath();
  OUTLINES[kind](r).forEach(([dx, dy], i) => ctx[i ? "lineTo" : "moveTo"](x + dx, top + r + dy));
  ctx.fill();
}

/** Paint the marks of /api/course into a uPlot chart. */
export function paintMarks(u, marks) {
  if (!marks) return;
  const { ctx, bbox } = u;
  ctx.save();
  const ink = colour("--ink-2");
  const [first, last] = [bbox.left, bbox.left + bbox.width];
  for (const one of marks.pauses) {
    const [from, to] = [one.from, one.to].map((time) => (
      Math.min(last, Math.max(first, u.valToPos(seconds(time), "x", true)))
    ));
    ctx.globalAlpha = 0.13;
    ctx.fillStyle = ink;
    ctx.fillRect(from, bbox.top, to - from, bbox.height);
  }
  for (const one of marks.alerts) mark(u, seconds(one.from), "alert", colour(`--s${one.severity}`));
  for (const one of marks.visits) mark(u, seconds(one.at), "visit", colour("--good"));
  ctx.restore();
}
