// The paper for a visit: the charts of one range, drawn as wide as the paper that they go on.
import { drawComparison } from "./comparison.js";
import { drawPanels, drawRest, fetchView, panelsIn } from "./trend_view.js";
import { say } from "./words.js";

const host = document.getElementById("charts");
const view = { from: Date.parse(host.dataset.from) / 1000, to: Date.parse(host.dataset.to) / 1000 };
const panels = panelsIn(host);

async function load() {
  try {
    const { content, moves, course, compared } = await fetchView(host, view, host.dataset.with);
    drawPanels(panels, content, view, { height: 110 });
    drawComparison(compared);
    drawRest(moves, course, content, view);
  } catch (error) {
    const notice = document.createElement("p");
    notice.className = "notice bad";
    notice.setAttribute("role", "alert");
    notice.textContent = error.message || say("chart_failed");
    host.replaceChildren(notice);
  } finally {
    host.removeAttribute("aria-busy");
  }
}

/** Canvases do not follow the page's width by themselves when it becomes the paper's. */
function fit(onPaper) {
  document.body.classList.toggle("on-paper", onPaper);
  for (const panel of panels) panel.chart?.fit();
}

addEventListener("beforeprint", () => fit(true));
addEventListener("afterprint", () => fit(false));
document.getElementById("print").addEventListener("click", () => print());
load();
