// A sound and a vibration by severity; browsers allow either only after a first tap.
import { say } from "./words.js";

const key = "saimi-sound";
const button = document.getElementById("sound");
let context = null;
let on = false;

const patterns = {
  // [frequency, start, length] in Hz and seconds: a higher severity is higher, longer and repeated.
  4: { tones: [[988, 0, 0.18], [740, 0.22, 0.18], [988, 0.44, 0.18], [740, 0.66, 0.18], [988, 0.88, 0.3]], shake: [300, 120, 300, 120, 600] },
  3: { tones: [[784, 0, 0.18], [988, 0.24, 0.26]], shake: [250, 120, 250] },
  2: { tones: [[659, 0, 0.22]], shake: [160] },
  1: { tones: [], shake: [] },
};

try { on = localStorage.getItem(key) === "on"; } catch { /* private browsing */ }

function show() {
  const label = say(on ? "sound_on" : "sound_off");
  button.setAttribute("aria-pressed", String(on));
  button.setAttribute("aria-label", label);
  button.title = label;
  button.querySelector("use").setAttribute("href", on ? "#icon-sound" : "#icon-mute");
}

function wake() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
}

/** Draw attention to something of this severity. */
export function draw(severity) {
  if (!on) return;
  const pattern = patterns[severity] ?? patterns[1];
  navigator.vibrate?.(pattern.shake);
  if (!context || context.state !== "running") return;
  for (const [frequency, start, length] of pattern.tones) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    const at = context.currentTime + start;
    tone.frequency.value = frequency;
    tone.type = "triangle";
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.5, at + 0.02);
    volume.gain.linearRampToValueAtTime(0, at + length);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}

const TWICE = 30000;
const MANY = 500;
const heard = new Map(); // alert -> {way, severity, at}

/**
 * Draw attention to alerts ({id, severity}) with one sound, as the most urgent asks for. The same
 * alert comes by two ways, "stream" and "push", in either order: it is heard once.
 */
export function drawTo(alerts, way) {
  const now = Date.now();
  if (heard.size > MANY) heard.clear();
  const fresh = alerts.filter(({ id, severity }) => {
    const last = heard.get(id);
    const again = last && last.way !== way && now - last.at < TWICE && severity <= last.severity;
    if (again) heard.delete(id);
    else heard.set(id, { way, severity, at: now });
    return !again;
  });
  if (fresh.length) draw(Math.max(...fresh.map((one) => one.severity)));
}

/** Set up the switch. */
export function prepare() {
  show();
  button.addEventListener("click", () => {
    on = !on;
    try { localStorage.setItem(key, on ? "on" : "off"); } catch { /* private browsing */ }
    if (on) { wake(); draw(2); }
    show();
  });
  // Switched on earlier: the first tap anywhere lets the browser play again.
  document.addEventListener("pointerdown", () => { if (on) wake(); }, { once: true });
}
