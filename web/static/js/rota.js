// The rota, kept up to date: the stream says that something is another, the service draws it.
import { follow } from "./live.js";

const part = document.getElementById("part");
let shown = null;
let asked = 0;

async function renew() {
  const mine = ++asked;
  try {
    const answer = await fetch("/desk/rota/part", { cache: "no-store", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    if (mine !== asked) return;
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const open = new Map([...part.querySelectorAll("details")].map((one) => [one.id, one.open]));
    part.innerHTML = text;
    for (const one of part.querySelectorAll("details")) if (open.has(one.id)) one.open = open.get(one.id);
    if (focused) [...part.querySelectorAll("a")].find((one) => one.getAttribute("href") === focused)?.focus();
  } catch {
    if (mine === asked) shown = null; // Asked again with the next that is said.
  }
}

follow("/api/desk/rota/stream", {
  snapshot(board) {
    const said = JSON.stringify({ ...board, time: null });
    if (said === shown) return;
    shown = said;
    renew();
  },
});
