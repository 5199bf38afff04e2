// A call that waits: what becomes of it shows by itself. Not while the client is writing about one.
const EVERY = 10000;
const calls = document.getElementById("calls");

async function renew() {
  if (document.hidden || calls.contains(document.activeElement)) return;
  try {
    const answer = await fetch("/own/part", { cache: "no-store", redirect: "error" });
    if (!answer.ok) return;
    const text = await answer.text();
    if (text === renew.last) return;
    renew.last = text;
    calls.innerHTML = text;
  } catch { /* no connection: what is shown stays, and is asked for again */ }
}

if (calls && "waits" in calls.dataset) setInterval(renew, EVERY);
