// What happened while this phone did not hear of it: after a gap the list says so, with a link.
import { session } from "./api.js";
import { now } from "./time.js";
import { say } from "./words.js";

const HEARD = "saimi-heard"; // Whose list was last up to date, and when: by the phone and by Saimi.
const GAP = 60000;
const SPREAD = 3000; // After an outage of the service every phone has a gap: they do not all ask at once.

const box = document.getElementById("missed");
let member = null;

function lastHeard() {
  try {
    const found = JSON.parse(localStorage.getItem(HEARD));
    return found?.member === member ? found : null;
  } catch { return null; }
}

async function tell(since) {
  await new Promise((done) => { setTimeout(done, SPREAD * Math.random()); });
  const query = new URLSearchParams({ since: new Date(since).toISOString() });
  const answer = await fetch(`/api/missed?${query}`, { cache: "no-store" });
  if (!answer.ok) return;
  const { missed, more } = await answer.json();
  if (!missed.length) return;
  const n = `${missed.length}${more ? "+" : ""}`;
  const waiting = missed.filter((one) => one.became === "waiting").length;
  const link = document.createElement("a");
  link.href = `/missed?${query}`;
  link.textContent = say("missed_look");
  box.replaceChildren(say(waiting ? "missed_waiting" : "missed", { n, waiting }), " ", link);
  box.hidden = false;
}

/** The list is up to date now. After a gap it is told what happened in it. */
export async function heard() {
  try {
    member ??= (await session()).member;
    const before = lastHeard();
    localStorage.setItem(HEARD, JSON.stringify({ member, wall: Date.now(), at: now() }));
    if (before && Date.now() - before.wall > GAP) await tell(before.at);
  } catch { /* out of reach, or private browsing: the page is in the menu all the same */ }
}
