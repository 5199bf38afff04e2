// What is kept on this phone, encrypted (AES-GCM) under keys that no script can read out.
//
//   kept     cards of the queue, under the shift's key; both are gone at logout and when it ends
//   outbox   actions and looks that are not sent yet, in order; conflicts: what was refused.
//            Under a key of this phone's own, which outlives a session that ends too early.

const NAME = "saimi";
const SHIFT = "shift";
const OUT = "outbox";

/** Whether anything can be kept: not on a page without TLS, nor in some private windows. */
export const able = Boolean(globalThis.isSecureContext && globalThis.indexedDB && crypto.subtle);

let opened;
function database() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      const made = asked.result;
      made.createObjectStore("keys", { keyPath: "id" });
      made.createObjectStore("kept", { keyPath: "id" });
      made.createObjectStore("outbox", { keyPath: "seq", autoIncrement: true });
      made.createObjectStore("conflicts", { keyPath: "seq", autoIncrement: true });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => { opened = undefined; reject(asked.error); };
  });
  return opened;
}

async function run(stores, mode, work) {
  const transaction = (await database()).transaction(stores, mode);
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
  const answer = work(transaction);
  await done;
  return answer?.result;
}

const read = (store, key) => run([store], "readonly", (t) => t.objectStore(store).get(key));
const all = (store) => run([store], "readonly", (t) => t.objectStore(store).getAll());
const write = (store, value) => run([store], "readwrite", (t) => t.objectStore(store).put(value));
const remove = (store, key) => run([store], "readwrite", (t) => t.objectStore(store).delete(key));

async function seal(key, content) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes) };
}

async function unseal(key, { iv, data }) {
  const bytes = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, data);
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** The shift's key, unless the shift is over. */
export async function shift() {
  if (!able) return null;
  const found = await read("keys", SHIFT);
  if (found && found.until > Date.now()) return found;
  if (found) await endShift();
  return null;
}

/** Take over the key that came with the session; what another session had kept is gone. */
export async function beginShift({ key, member, seconds }) {
  const bytes = Uint8Array.from(atob(key), (one) => one.charCodeAt(0));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).join();
  const before = await shift();
  if (before?.digest === digest) return before;
  await endShift();
  const made = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  const begun = { id: SHIFT, key: made, digest, member, until: Date.now() + 1000 * seconds };
  await write("keys", begun);
  return begun;
}

/** Logged out, or the shift is over: cards and their key are gone, unsent actions stay. */
export async function endShift() {
  if (!able) return;
  await run(["keys", "kept"], "readwrite", (t) => {
    t.objectStore("kept").clear();
    t.objectStore("keys").delete(SHIFT);
  });
}

/** Keep `content` under a name; `clear` may be read without the key and tells nothing of anybody. */
export async function keep(id, content, clear = {}) {
  const found = await shift();
  if (found) await write("kept", { ...clear, id, ...(await seal(found.key, content)) });
}

/** What was kept under a name; null where there is none, or no key any more. */
export async function kept(id) {
  const found = await shift();
  const sealed = found && (await read("kept", id));
  return sealed ? unseal(found.key, sealed).catch(() => null) : null;
}

/** The names of all that is kept, each with what is in clear beside it. */
export async function keptNames() {
  if (!(await shift())) return [];
  return (await all("kept")).map(({ iv, data, ...clear }) => clear);
}

export const forget = (id) => remove("kept", id);

async function outKey() {
  const found = await read("keys", OUT);
  if (found) return found.key;
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await write("keys", { id: OUT, key });
  return key;
}

/** Append to `outbox` or `conflicts`. */
export async function append(store, content) {
  const sealed = await seal(await outKey(), content);
  return write(store, sealed);
}

/** All of `outbox` or `conflicts`, in order, each with its `seq`. */
export async function listed(store) {
  if (!able) return [];
  const rows = await all(store);
  const key = rows.length ? await outKey() : null;
  const read = await Promise.all(rows.map((row) => unseal(key, row).then(
    (content) => ({ ...content, seq: row.seq }), () => null)));
  return read.filter(Boolean);
}

/** Replace one of `outbox` or `conflicts` by `instead` in one of them, or by nothing. */
export async function take(store, seq, instead = null) {
  const sealed = instead && (await seal(await outKey(), instead.content));
  await run(["outbox", "conflicts"], "readwrite", (t) => {
    t.objectStore(store).delete(seq);
    if (sealed) t.objectStore(instead.store).put(sealed);
  });
}
