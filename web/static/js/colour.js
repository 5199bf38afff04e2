// The colours of the style sheets, where no style sheet reaches.

/** A custom property's colour as canvas understands it. */
export function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
