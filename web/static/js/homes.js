// Homes of which nothing is heard: totals, outages, a map of circles, bars by area, and the list.
import { announce, drawn, element, keptList, severityMark, shape, since, told } from "./desk_parts.js";
import { follow } from "./live.js";
import { tickShown } from "./time.js";
import { say } from "./words.js";

const desk = document.getElementById("desk");
const rows = document.querySelector("#board tbody");
const map = document.getElementById("map");
const OF = ["silent", "out", "explained", "heard"];
let known = null; // Ids of outages when last told.

const lacking = (homes) => homes.silent + homes.out;
const state = (homes) => (homes.out ? "out" : homes.silent ? "silent" : "heard");

function track(homes) {
  const made = element("span", "track");
  made.setAttribute("aria-hidden", "true");
  const svg = drawn("svg", { viewBox: `0 0 ${Math.max(1, homes.homes)} 1`, preserveAspectRatio: "none" });
  let x = 0;
  for (const of of OF.slice(0, 3)) {
    if (homes[of]) svg.append(drawn("rect", { x, width: homes[of], height: 1, "data-of": of }));
    x += homes[of];
  }
  made.append(svg);
  return made;
}

function row(area, whole) {
  const made = element("tr", whole ? "whole" : "");
  const name = element("th", "", area.name);
  name.scope = "row";
  const bar = element("div", "home-bar");
  const words = element("p", "bar-said");
  const count = element("span");
  count.append(element("b", "", lacking(area.all)), ` / ${area.all.homes}`);
  words.append(count);
  for (const of of OF.slice(0, 3)) {
    if (area.all[of]) words.append(element("span", "", say(`homes_${of}`, { n: area.all[of] })));
  }
  if (area.all.devices) words.append(element("span", "", say("homes_devices", { n: area.all.devices })));
  bar.append(words, track(area.all));
  const cell = element("td");
  cell.append(bar);
  made.append(name, cell);
  return made;
}

function draw(board) {
  map.hidden = !board.map;
  desk.classList.toggle("mapped", Boolean(board.map));
  if (!board.map) return;
  const svg = drawn("svg", { viewBox: `0 0 ${board.map.join(" ")}` });
  for (const { name, all, place } of board.areas) {
    if (!place) continue;
    const group = drawn("g", { "data-state": state(all) });
    group.append(
      drawn("circle", { cx: place.x, cy: place.y, r: place.r }),
      drawn("text", { x: place.x, y: place.y + 10, class: "number" }, lacking(all)),
      drawn("text", { x: place.x, y: place.y + 36, class: "of" }, `/ ${all.homes}`),
      drawn("text", { x: place.x, y: place.y + place.r + 34, class: "name" }, name),
    );
    if (all.out) {
      const bolt = drawn("path", { d: "M4-24-12 4H2l-4 20L14-6H0z", class: "bolt" });
      bolt.setAttribute("transform", `translate(${place.x - place.r * 0.9} ${place.y - place.r * 0.75})`);
      group.append(bolt);
    }
    svg.append(group);
  }
  map.replaceChildren(svg);
}

const outages = document.querySelector("#outages ol");
const showOutages = keptList(outages, (one) => {
  const waited = element("span", "waited");
  waited.append(since(one.since));
  return [severityMark(one), waited, element("span", "what", one.area), element("span", "called", one.said),
    ...(one.taken ? [] : [element("span", "called", say("homes_waits"))])];
});
const showSilent = keptList(document.getElementById("pressing"), (one) => {
  const waited = element("span", "waited");
  waited.append(since(one.since));
  const said = element("span", "called", one.said);
  if (one.vital) said.prepend(element("span", "vital", say("homes_vital")), " ");
  const where = element("span", "what", one.area);
  if (one.needs) where.append(element("span", "needs", ` · ${one.needs}`));
  return [severityMark(one), waited, where, said,
    ...(one.taken ? [] : [element("span", "called", say("homes_waits"))])];
}, "homes_none");

function tell(found) {
  const fresh = known === null ? [] : found.filter((one) => !known.has(one.id));
  known = new Set(found.map((one) => one.id));
  for (const one of fresh) announce(`${one.urgency}: ${one.said} ${one.area}`);
}

follow("/api/desk/homes/stream", {
  snapshot(board) {
    const { all } = board.county;
    for (const name of ["heard", "silent", "out"]) document.getElementById(`total-${name}`).textContent = all[name];
    document.getElementById("silent").toggleAttribute("data-some", all.silent > 0);
    document.getElementById("out").toggleAttribute("data-some", all.out > 0);
    document.getElementById("total-homes").textContent = say("homes_heard_of", { n: all.homes });
    document.getElementById("outages").hidden = !board.outages.length;
    showOutages(board.outages);
    draw(board);
    rows.replaceChildren(row(board.county, true), ...board.areas.map((area) => row(area, false)));
    showSilent(board.silent);
    told("more", board.more ? say("desk_more", { n: board.more }) : "");
    desk.removeAttribute("aria-busy");
    tell(board.outages);
    tickShown();
  },
});
