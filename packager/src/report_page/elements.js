// Elements and text. All text of the page goes through textContent: names of modules and files are whatever strangers
// have written, and never become markup.

const SVG = "http://www.w3.org/2000/svg";

/** The element with an id of page.html. */
function byId(id) {
  return document.getElementById(id);
}

/** Makes an element. `attributes` beginning with "on" are listeners; those that are null or false are left out. */
function element(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
function drawn(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

function furnish(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  // A text is a text node: no markup in it is read.
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

// Control characters, and those that turn the direction of a text: a name with them would show as another one.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A name as it is shown: what cannot be seen in it is escaped. */
function shown(name) {
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  return name.replace(UNSEEN, (character) => short[character] ?? `\\u{${character.codePointAt(0).toString(16)}}`);
}

/** A size in bytes for people, in decimal units, as the command line has it (`inspect/size.rs`). */
function sized(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** A part of a whole. */
function share(part, whole) {
  if (!whole) return "";
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  return `${percent.toFixed(percent >= 9.95 ? 0 : 1)} %`;
}

/** "1 module", "1,234 modules". */
function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** Buttons of which one is pressed. `choose` gets the value. */
function switchOf(place, choices, chosen, choose) {
  const buttons = choices.map(([value, label]) =>
    element("button", {
      type: "button",
      "aria-pressed": String(value === chosen),
      onclick: () => {
        buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(choices[at][0] === value)));
        choose(value);
      },
    }, label));
  place.replaceChildren(...buttons);
}

/** A list of which the first are shown, with a button for the others. */
function someOf(list, items, most, make) {
  list.append(...items.slice(0, most).map(make));
  if (items.length > most) {
    const more = element("button", { type: "button", class: "plain", onclick: () => {
      row.remove();
      list.append(...items.slice(most).map(make));
    } }, `${(items.length - most).toLocaleString("en")} more`);
    const row = element("li", { class: "more" }, more);
    list.append(row);
  }
  return list;
}
