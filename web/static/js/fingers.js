// Fingers on a chart.
const LEAST = 300;
const MOST = 400 * 24 * 3600;

/** One finger pans sideways, two zoom. */
export function fingers(plot, chart, view, onView) {
  const down = new Map();
  let start = null;
  const begin = () => {
    const xs = [...down.values()];
    start = { xs, from: view.from, to: view.to };
  };
  const target = () => {
    const width = chart.over.clientWidth || 1;
    const perPixel = (start.to - start.from) / width;
    const xs = [...down.values()];
    if (xs.length === 1) {
      const shift = (start.xs[0] - xs[0]) * perPixel;
      return [start.from + shift, start.to + shift];
    }
    const left = chart.over.getBoundingClientRect().left;
    const before = Math.max(24, Math.abs(start.xs[1] - start.xs[0]));
    const scale = before / Math.max(24, Math.abs(xs[1] - xs[0]));
    const middle = start.from + ((start.xs[0] + start.xs[1]) / 2 - left) * perPixel;
    return [middle - (middle - start.from) * scale, middle + (start.to - middle) * scale];
  };
  plot.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    down.set(event.pointerId, event.clientX);
    if (down.size <= 2) begin();
  });
  plot.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId) || !start || down.size > 2) return;
    down.set(event.pointerId, event.clientX);
    const [from, to] = target();
    if (to - from > LEAST && to - from < MOST) chart.setScale("x", (view.from = from, view.to = to, { min: from, max: to }));
  });
  const up = (event) => {
    if (!down.delete(event.pointerId)) return;
    if (down.size) return begin();
    if (start && (view.from !== start.from || view.to !== start.to)) onView(view.from, view.to);
    start = null;
  };
  plot.addEventListener("pointerup", up);
  plot.addEventListener("pointercancel", up);
}
