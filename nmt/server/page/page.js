"use strict";
// The page: types are sent to every run, and what comes back is drawn in a card for each.

const PAUSE = 300;  // milliseconds without a key before text is sent
const LEAST = 0.1;  // of a word's attention that is said in words
const $ = (id) => document.getElementById(id);

/** An element with properties, attributes (aria-..., data-...) and children. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "scope" || name === "lang") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

const percent = (share) => (share < 0.005 ? "under 1 %" : `${Math.round(100 * share)} %`);

/** Sends JSON, and gives the answer or throws an Error with the server's own words. */
async function ask(path, body, signal) {
  const key = $("key").value;
  const sent = JSON.stringify(key ? { ...body, api_key: key } : body);
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body: sent, signal, headers: { "Content-Type": "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is it still running?");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.error || `The server answered with status ${answer.status}.`);
  return found;
}

function show(problem) {
  if (problem && problem.name === "AbortError") return;
  $("problem").hidden = !problem;
  $("problem").textContent = problem ? problem.message : "";
}

/** A sentence of a run: its source, its translation, and what can be asked about them. */
class Segment {
  constructor(run, found) {
    this.run = run;
    this.source = found.source;
    this.original = found;
    this.element = make("div", { className: "segment" });
    this.draw(found);
    for (const event of ["pointerenter", "focusin"]) {
      this.element.addEventListener(event, () => this.attention().catch(show), { once: true });
    }
  }

  draw(found, given = "") {
    this.found = found;
    this.looked = null;
    const { src, tgt } = this.run;
    this.from = found.source_units.map(([word, after]) => [make("span", { className: "unit" }, word), after]);
    this.to = found.units.map(([word, after], place) => [this.button(word, place, given), after]);
    if (this.to.length) this.to[0][0].tabIndex = 0;
    const source = make("p", { className: "source", lang: src }, ...this.from.flat());
    const label = "Translation. Left and right go from word to word, Enter shows other words";
    const target = make("p", { className: "target", lang: tgt, role: "group", "aria-label": label }, ...this.to.flat());
    target.addEventListener("keydown", (event) => this.move(event));
    target.addEventListener("pointerleave", () => this.light(null));
    this.from.forEach(([unit], place) => {
      unit.addEventListener("pointerenter", () => this.light(null, place));
      unit.addEventListener("pointerleave", () => this.light(null));
    });
    this.choices = make("div", { className: "choices", hidden: true, role: "group" });
    this.element.replaceChildren(source, target, this.choices, ...this.warnings(), ...this.others(), this.map());
    if (given) {
      const back = make("button", { className: "plain", type: "button" }, "Back to the model's own translation");
      back.addEventListener("click", () => this.draw(this.original));
      this.choices.after(back);
    }
  }

  button(word, place, given) {
    const unit = make("button", { className: "unit", type: "button", tabIndex: -1 }, word);
    if (given && this.beginning(place + 1).length <= given.length) unit.classList.add("given");
    unit.addEventListener("pointerenter", () => this.light(place));
    unit.addEventListener("focus", () => this.light(place));
    unit.addEventListener("click", () => this.choose(place).catch(show));
    return unit;
  }

  /** The translation before this word. */
  beginning(place) {
    return this.found.units.slice(0, place).map(([word, after]) => word + after).join("").trimEnd();
  }

  warnings() {
    const flags = this.found.flags.map((words) => make("li", {}, words));
    return flags.length ? [make("ul", { className: "flags" }, ...flags)] : [];
  }

  others() {
    const others = this.found.nbest.slice(1);
    if (!others.length) return [];
    const items = others.map((text) => make("li", { lang: this.run.tgt }, text));
    return [make("details", {}, make("summary", {}, "Other translations"), make("ol", { start: 2 }, ...items))];
  }

  move(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") return this.close();
    if (!step) return undefined;
    event.preventDefault();
    const words = this.to.map(([unit]) => unit);
    const next = Math.min(Math.max(words.indexOf(document.activeElement) + step, 0), words.length - 1);
    words.forEach((word, place) => { word.tabIndex = place === next ? 0 : -1; });
    return words[next].focus();
  }

  /** Where the model looked, asked for once. */
  attention() {
    this.looked ??= this.look({}).then((found) => { this.weights = found.weights; return found; });
    return this.looked;
  }

  look(reading) {
    return ask("page/attention", { run: this.run.name, source: this.source, translation: this.found.text, ...reading });
  }

  /** Lights the source words of a target word or, the other way round, the target words of a source word. */
  async light(to, from = null) {
    this.lit = [to, from];
    const found = await this.attention().catch(() => null);
    if (!found || String(this.lit) !== String([to, from])) return;
    const weights = found.weights;
    const paint = (unit, weight) => {
      unit.style.setProperty("--w", weight.toFixed(3));
      unit.classList.toggle("strong", weight >= 0.25);
    };
    this.from.forEach(([unit], place) => paint(unit, weights && to !== null ? weights[to][place] : 0));
    this.to.forEach(([unit], place) => paint(unit, weights && from !== null ? weights[place][from] : 0));
    if (weights && to !== null) this.say(to, weights[to]);
  }

  say(to, row) {
    const ends = row.length - 1;
    const words = row.map((weight, place) => [weight, place === ends ? "the end of the sentence" : this.found.source_units[place][0]]);
    const most = words.filter(([weight]) => weight >= LEAST).sort((one, other) => other[0] - one[0]);
    const said = most.map(([weight, word]) => `${word} ${percent(weight)}`).join(", ");
    $("status").textContent = `${this.run.name}: “${this.found.units[to][0]}” looked at ${said || "no word in particular"}`;
  }

  /** Other words that the model might have written at this place. */
  async choose(place) {
    const [word] = this.found.units[place];
    const before = this.beginning(place);
    const body = { run: this.run.name, source: this.source, beginning: before };
    const { words } = await ask("page/words", body);
    show(null);
    this.to.forEach(([unit], other) => unit.classList.toggle("on", other === place));
    const buttons = words.map((one) => {
      const button = make("button", { type: "button", lang: this.run.tgt }, one.text || "(end)", " ", make("small", {}, percent(one.probability)));
      button.addEventListener("click", () => this.goOn(`${before} ${one.text}`.trim(), !one.text).catch(show));
      return button;
    });
    const close = make("button", { type: "button" }, "Close");
    close.addEventListener("click", () => this.close());
    this.choices.replaceChildren(make("p", {}, `At “${word}” the model might have written:`), ...buttons, close);
    this.choices.setAttribute("aria-label", `Instead of ${word}`);
    this.choices.hidden = false;
    this.choices.onkeydown = (event) => { if (event.key === "Escape") this.close(); };
    this.opened = place;
    (buttons[0] ?? close).focus();
  }

  close() {
    this.choices.hidden = true;
    this.to.forEach(([unit]) => unit.classList.remove("on"));
    if (this.opened !== undefined) this.to[this.opened][0].focus();
  }

  /** The translation that begins so; whole: that is this. */
  async goOn(beginning, whole) {
    const body = { run: this.run.name, text: this.source, beginning, whole };
    const { segments } = await ask("page/continue", body);
    show(null);
    this.draw(segments[0], beginning);
    this.to[0][0].focus();
  }

  /** The heat map, drawn when it is opened. */
  map() {
    const place = make("div");
    const all = make("details", {}, make("summary", {}, "Where it looked, as a table"), place);
    const draw = async (reading) => {
      const found = await this.look({ ...reading, pieces: $("pieces").checked });
      place.replaceChildren(...this.selects(found, reading, draw), table(found));
    };
    all.addEventListener("toggle", () => { if (all.open) draw({ layer: null, head: null }).catch(show); });
    all.redraw = () => { if (all.open) draw({ layer: null, head: null }).catch(show); };
    return all;
  }

  selects(found, reading, draw) {
    if (!found.weights) return [];
    const select = (name, count) => {
      if (count < 2) return [];
      const options = [["", "all, their mean"], ...Array.from({ length: count }, (_, at) => [at + 1, at + 1])];
      const box = make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
      box.value = reading[name] ?? "";
      box.addEventListener("change", () => draw({ ...reading, [name]: box.value ? Number(box.value) : null }).catch(show));
      return [make("label", {}, name === "layer" ? "Layer " : "Head ", box), " "];
    };
    return [make("p", { className: "row" }, ...select("layer", found.layers), ...select("head", found.heads))];
  }
}

function table(found) {
  if (!found.weights) {
    return make("p", { className: "note" }, "This model has no attention: it reads the whole source into one vector, and writes from that alone.");
  }
  const heading = (text, scope) => make("th", { scope, className: text === null ? "end" : "" }, make("span", {}, text ?? "end"));
  const columns = found.source.map((word) => heading(word, "col"));
  const rows = found.weights.map((row, at) => {
    const cells = row.map((weight) => {
      const cell = make("td", { className: weight > 0.5 ? "dark" : "" }, String(Math.round(100 * weight)));
      cell.style.setProperty("--w", weight.toFixed(3));
      return cell;
    });
    return make("tr", {}, heading(found.target[at], "row"), ...cells);
  });
  const caption = "Percent of each word's attention: a row for what was written, a column for what was read";
  const whole = make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, make("td"), ...columns)), make("tbody", {}, ...rows));
  return make("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": "Attention" }, whole);
}

/** The card of a run. */
class Card {
  constructor(run) {
    this.run = run;
    this.about = make("p", { className: "about" }, run.about);
    this.segments = make("div", { className: "segments" });
    this.element = make("section", { className: "run", "aria-label": run.name }, make("h2", {}, run.name), this.about, this.segments);
  }

  async translate(text, require) {
    this.last?.abort();
    this.last = new AbortController();
    if (!text.trim()) return this.segments.replaceChildren();
    this.element.classList.add("waiting");
    try {
      const began = performance.now();
      const { segments } = await ask("page/translate", { run: this.run.name, text, require }, this.last.signal);
      this.about.textContent = `${this.run.about}, ${Math.round(performance.now() - began)} ms`;
      this.parts = segments.map((found) => new Segment(this.run, found));
      this.segments.replaceChildren(...this.parts.map((part) => part.element));
      this.element.classList.remove("waiting");
    } catch (error) {
      if (error.name !== "AbortError") this.element.classList.remove("waiting");
      throw error;
    }
    return undefined;
  }
}

let cards = [];

async function translate() {
  const text = $("text").value;
  const require = $("require").value.split(",").map((word) => word.trim()).filter(Boolean);
  const shown = cards.filter((card) => !card.element.hidden);
  const ended = await Promise.allSettled(shown.map((card) => card.translate(text, require)));
  const failed = ended.filter((one) => one.status === "rejected").map((one) => one.reason);
  if (failed.some((error) => error.name === "AbortError")) return;
  show(failed[0] ?? null);
  const count = ended.length - failed.length;
  $("status").textContent = text.trim() ? `Translated by ${count} ${count === 1 ? "model" : "models"}` : "";
}

function choosePair() {
  const [src, tgt] = $("pair").value.split(" ");
  for (const card of cards) card.element.hidden = card.run.src !== src || card.run.tgt !== tgt;
  $("text").lang = src;
  translate();
}

async function begin() {
  const { runs, key_required: locked } = await fetch("page/runs").then((answer) => answer.json());
  cards = runs.map((run) => new Card(run));
  $("runs").replaceChildren(...cards.map((card) => card.element));
  $("key-field").hidden = !locked;
  const pairs = [...new Set(runs.map((run) => `${run.src} ${run.tgt}`))];
  const named = Object.fromEntries(runs.map((run) => [`${run.src} ${run.tgt}`, run.languages]));
  $("pair").replaceChildren(...pairs.map((pair) => make("option", { value: pair }, named[pair])));
  $("pairs-field").hidden = pairs.length < 2;
  let waiting;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(translate, PAUSE); };
  $("text").addEventListener("input", later);
  $("require").addEventListener("input", later);
  $("key").addEventListener("input", later);
  $("pair").addEventListener("change", choosePair);
  $("pieces").addEventListener("change", () => document.querySelectorAll("details").forEach((one) => one.redraw?.()));
  $("form").addEventListener("submit", (event) => { event.preventDefault(); translate(); });
  choosePair();
}

begin().catch(() => show(new Error("The server does not answer. Is it still running?")));
