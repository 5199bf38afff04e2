// Keeping the queue and its cards on the phone for when it is out of reach (vault.js), and showing
// them then. What is looked at out of reach is put on record as soon as there is a connection.
import { flush, looked, prepare } from "./outbox.js";
import * as vault from "./vault.js";

const EVERY = 20000;
const KEY_AGAIN = 600000;
let fetched = -Infinity;
let keyed = -Infinity;
let planned = null;

async function fetchKey() {
  if (performance.now() - keyed < KEY_AGAIN && (await vault.shift())) return true;
  const answer = await fetch("/api/session/key", { cache: "no-store" });
  if (!answer.ok) return false;
  await vault.beginShift(await answer.json());
  keyed = performance.now();
  return true;
}

async function renew() {
  fetched = performance.now();
  if (!(await fetchKey())) return;
  const names = (await vault.keptNames()).filter((one) => one.version !== undefined);
  const have = names.map((one) => `${one.id}:${one.version}`).join();
  const answer = await fetch(`/api/kept?have=${have}`, { cache: "no-store" });
  if (!answer.ok) return;
  const { time, episodes, alerts } = await answer.json();
  await vault.keep("list", { time, episodes });
  for (const [id, one] of Object.entries(alerts)) {
    if (one) await vault.keep(Number(id), { html: one.html, code: one.door_code, time }, { version: one.version });
  }
  for (const { id } of names) if (!(id in alerts)) await vault.forget(id);
}

/** Something changed: keep it soon, and many changes once. */
export function keepSoon() {
  if (!vault.able || planned !== null) return;
  const wait = Math.max(500, EVERY - (performance.now() - fetched));
  planned = setTimeout(() => {
    planned = null;
    if (navigator.onLine) renew().catch(() => {});
  }, wait);
}

/** {time, episodes} of the queue as it was kept; null if nothing is. */
export async function keptList() {
  await prepare();
  return vault.kept("list").catch(() => null);
}

/** {html, time} of a kept card, the look being noted; null if it is not kept. */
export async function keptAlert(id) {
  await prepare();
  const found = await vault.kept(Number(id)).catch(() => null);
  if (found) {
    await looked(Number(id));
    flush();
  }
  return found;
}

/** The door code of an alert of mine, as it was kept; the look is noted. */
export async function keptCode(id) {
  const found = await vault.kept(Number(id)).catch(() => null);
  if (!found?.code) return null;
  await looked(Number(id), "door_code");
  flush();
  return found.code;
}
