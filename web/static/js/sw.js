// The service worker: the shell of the pages when there is no connection, and push messages.
// It knows nothing of anybody: what is kept of people is encrypted, and read by the pages alone.
// STATIC and ASSETS stand above this, written by the service (web/keeping.py).

const CACHE = `saimi-${STATIC}`;
const SHELLS = ["/shell/list", "/shell/alert"];
const PATIENCE = 6000;
const SHAKE = { 4: [300, 120, 300, 120, 600], 3: [250, 120, 250], 2: [160] };

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    await Promise.all([cache.addAll(ASSETS), shells(cache)]);
    await self.skipWaiting();
  })());
});

async function shells(cache) {
  await Promise.all(SHELLS.map(async (path) => {
    const answer = await fetch(path, { cache: "no-store" });
    if (answer.ok && !answer.redirected) await cache.put(path, answer);
  }));
}

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  // Another language: the shells are in it from now on.
  if (event.data === "shells") event.waitUntil(caches.open(CACHE).then(shells).catch(() => {}));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith(`${STATIC}/`)) {
    event.respondWith(caches.match(url.pathname).then((found) => found ?? fetch(request)));
  } else if (request.mode === "navigate" && !/^\/(login|logout|language|api)/.test(url.pathname)) {
    event.respondWith(page(request, url));
  }
});

async function page(request, url) {
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE, null); });
  const asked = fetch(request).catch(() => null);
  const answer = await Promise.race([asked, late]);
  if (answer && answer.status < 500) return answer;
  const alert = /^\/episodes\/\d+$/.test(url.pathname);
  const cache = await caches.open(CACHE);
  return (await cache.match(alert ? "/shell/alert" : "/shell/list")) ?? (await asked) ?? Response.error();
}

self.addEventListener("push", (event) => {
  let told = {};
  try { told = event.data?.json() ?? {}; } catch { /* not ours: still say something */ }
  const { key, episode, severity = 2, what, title = "Saimi", body = "" } = told;
  // That somebody else has it takes the page's place without a sound, however urgent that was.
  const silent = severity < 2 || what === "stand_down";
  event.waitUntil(Promise.all([
    self.registration.showNotification(title, {
      body, tag: episode ? `episode-${episode}` : "saimi", renotify: !silent, silent,
      requireInteraction: !silent && severity >= 3,
      ...(silent ? {} : { vibrate: SHAKE[severity] ?? SHAKE[2] }),
      data: { key, url: episode ? `/episodes/${episode}` : "/" },
      icon: `${STATIC}/img/icon-192.png`, badge: `${STATIC}/img/icon-192.png`,
    }),
    receipt(key, "delivered"),
    // Whoever has a page open is drawn to it there as well.
    silent ? null : self.clients.matchAll({ type: "window" }).then((pages) => {
      for (const one of pages) one.postMessage({ what: "push", severity, episode });
    }),
  ]));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { key, url } = event.notification.data ?? {};
  event.waitUntil(Promise.all([receipt(key, "seen"), show(url ?? "/")]));
});

const receipt = (key, what) => (key
  ? fetch(`/receipt/${encodeURIComponent(key)}/${what}`, { method: "POST" }).catch(() => {})
  : Promise.resolve());

async function show(url) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const path = (one) => new URL(one.url).pathname;
  const there = pages.find((one) => path(one) === url);
  if (there) return there.focus();
  // Elsewhere something may be half written: the list alone gives way.
  const list = pages.find((one) => path(one) === "/");
  if (!list) return self.clients.openWindow(url);
  await list.focus();
  return list.navigate(url).catch(() => self.clients.openWindow(url));
}

self.addEventListener("pushsubscriptionchange", (event) => {
  // The browser has another address now: whoever is logged in goes on being reached.
  event.waitUntil((async () => {
    const made = event.newSubscription ?? await self.registration.pushManager.subscribe(
      event.oldSubscription.options,
    );
    const { token } = await (await fetch("/api/session", { cache: "no-store" })).json();
    const { endpoint, keys } = made.toJSON();
    await fetch("/api/push/subscribe", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Saimi-Token": token },
      body: JSON.stringify({ endpoint, keys }),
    });
  })());
});
