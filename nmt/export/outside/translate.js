// Text to ids and back, and the search: what page.js translates by. Knows nothing of the page.
//
// SentencePiece's two kinds of models are small enough to be written out: merges of the best pair of
// neighbours (BPE), and the likeliest path through all pieces (unigram).

const PAD = 0, UNK = 1, BOS = 2, EOS = 3, FIRST_BYTE = 4;
const SPACE = "\u2581";

const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\\/-]/g, "\\$&");
const anyOf = (texts) =>
  new RegExp(texts.length ? [...texts].sort((a, b) => b.length - a.length).map(quoted).join("|")
    : "(?!)", "gu");

export class Tokenizer {
  // settings: settings.json. pieces: pieces.json.
  constructor(settings, pieces) {
    this.settings = settings;
    this.kind = pieces.kind;
    this.tgt = pieces.tgt;
    this.ids = new Map(pieces.src.map((piece, id) => [piece, id]));
    this.scores = new Map(pieces.scores);
    this.symbols = new Set(pieces.symbols);
    this.symbol = anyOf(pieces.symbols);
    this.longest = Math.max(1, ...[...this.scores.keys()].map((piece) => [...piece].length));
    this.unknown = Math.fround(Math.min(...this.scores.values()) - 10);
    const escapes = Object.entries(settings.escapes);
    this.escapes = new Map(escapes);
    this.escaped = anyOf(escapes.map(([plain]) => plain));
    this.plain = new Map(escapes.map(([plain, code]) => [code, plain]));
    this.code = anyOf([...this.plain.keys()]);
    this.placeholder = anyOf(settings.placeholders);
  }

  // The ids of a source, without EOS.
  encode(line) {
    const { lowercase, compose, spaces } = this.settings;
    let text = lowercase ? line.toLowerCase() : line;
    if (compose) text = text.normalize("NFC");
    if (spaces) text = text.replace(new RegExp(spaces, "gu"), " ").replace(/^ +| +$/g, "");
    if (!text) return [];
    text = text.replace(this.escaped, (found) => this.escapes.get(found));
    text = (SPACE + text).replaceAll(" ", SPACE);
    const ids = [];
    let done = 0;
    for (const found of text.matchAll(this.symbol)) {
      ids.push(...this.segmented(text.slice(done, found.index)), this.ids.get(found[0]));
      done = found.index + found[0].length;
    }
    return [...ids, ...this.segmented(text.slice(done))];
  }

  // The text that target ids spell.
  decode(ids) {
    const bytes = [];
    const utf8 = new TextEncoder();
    for (const id of ids) {
      if (id >= FIRST_BYTE && id < FIRST_BYTE + 256) bytes.push(id - FIRST_BYTE);
      else if (id > EOS) bytes.push(...utf8.encode(this.tgt[id]));
    }
    const text = new TextDecoder().decode(new Uint8Array(bytes)).replaceAll(SPACE, " ");
    return text.replace(/^ /, "").replace(this.placeholder, "").replace(this.code, (found) => this.plain.get(found))
      .replace(/\r\n?|\n/g, " ");
  }

  segmented(text) {
    const characters = [...text];
    const pieces = this.kind === "bpe" ? this.merged(characters) : this.likeliest(characters);
    return pieces.flatMap((piece) => this.scores.has(piece) ? [this.ids.get(piece)]
      : [...new TextEncoder().encode(piece)].map((byte) => FIRST_BYTE + byte));
  }

  // Merges the neighbours of the best score, the first of equal ones, while there are any.
  merged(units) {
    for (;;) {
      let best = -1, score = -Infinity;
      for (let i = 0; i + 1 < units.length; i++) {
        const found = this.scores.get(units[i] + units[i + 1]);
        if (found !== undefined && found > score) [best, score] = [i, found];
      }
      if (best < 0) return units;
      units = [...units.slice(0, best), units[best] + units[best + 1], ...units.slice(best + 2)];
    }
  }

  // The path of the highest sum of scores, in single precision as SentencePiece adds them.
  likeliest(characters) {
    const best = [{ score: 0, start: 0 }];
    for (let start = 0; start < characters.length; start++) {
      const reach = (end, own) => {
        const score = Math.fround(best[start].score + own);
        if (!best[end] || score > best[end].score) best[end] = { score, start };
      };
      let piece = "";
      for (let end = start + 1; end <= Math.min(start + this.longest, characters.length); end++) {
        piece += characters[end - 1];
        const own = this.scores.get(piece);
        if (own !== undefined) reach(end, own);
        else if (end === start + 1) reach(end, this.unknown);
      }
    }
    const pieces = [];
    for (let end = characters.length; end > 0; end = best[end].start)
      pieces.unshift(characters.slice(best[end].start, end).join(""));
    return pieces;
  }
}

// Rows of a tensor in another order.
function selected(ort, tensor, rows) {
  const [, ...shape] = tensor.dims;
  const size = shape.reduce((product, one) => product * one, 1);
  const data = new tensor.data.constructor(rows.length * size);
  rows.forEach((row, place) =>
    data.set(tensor.data.subarray(row * size, (row + 1) * size), place * size));
  return new ort.Tensor(tensor.type, data, [rows.length, ...shape]);
}

const tensorOfIds = (ort, ids, dims) =>
  new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), dims);

const given = (session, values) =>
  Object.fromEntries(session.inputNames.map((name) => [name, values[name]]));

// The ids of the best translation by its mean log-probability a token; rows are hypotheses.
// ort: ONNX Runtime, or what has a class Tensor as it does. models: {encoder, decoder}.
export async function search(ort, models, settings, source, beamSize) {
  const input = tensorOfIds(ort, [...source, EOS], [1, source.length + 1]);
  let held = await models.encoder.run({ input_ids: input });
  let live = [{ total: 0, ids: [] }], finished = [], tokens = [BOS];
  const limit = Math.floor(settings.max_length * (source.length + 1)) + settings.extra_length;
  for (let length = 1; length <= limit; length++) {
    const values = { ...held, input_ids: tensorOfIds(ort, tokens, [tokens.length]) };
    const { logits, ...after } = await models.decoder.run(given(models.decoder, values));
    const candidates = likeliest(logits, live, 2 * beamSize);
    candidates.slice(0, beamSize).filter((one) => one.token === EOS).forEach((one) =>
      finished.push({ score: one.total / length, ids: live[one.row].ids }));
    finished = finished.sort((a, b) => b.score - a.score).slice(0, beamSize);
    const goingOn = candidates.filter((one) => one.token !== EOS).slice(0, beamSize);
    live = goingOn.map((one) => ({ total: one.total, ids: [...live[one.row].ids, one.token] }));
    if (finished.length === beamSize && live[0].total / length <= finished.at(-1).score) break;
    const rows = goingOn.map((one) => one.row);
    tokens = goingOn.map((one) => one.token);
    for (const name in after) held[name.replace("present", "past")] = after[name];
    held = Object.fromEntries(
      Object.entries(held).map(([name, tensor]) => [name, selected(ort, tensor, rows)]));
  }
  return (finished[0] ?? live[0]).ids;
}

// The most likely continuations of all rows, best first.
function likeliest(logits, live, count) {
  const [rows, vocabulary] = logits.dims, found = [];
  for (let row = 0; row < rows; row++) {
    const own = logits.data.subarray(row * vocabulary, (row + 1) * vocabulary);
    const highest = own.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = own.reduce((total, one) => total + Math.exp(one - highest), 0);
    const offset = live[row].total - highest - Math.log(sum);
    own.forEach((logit, token) => {
      if (token === PAD || token === BOS) return;
      const total = offset + logit;
      if (found.length === count && total <= found.at(-1).total) return;
      let place = found.length;
      while (place && found[place - 1].total < total) place--;
      found.splice(place, 0, { row, token, total });
      found.length = Math.min(found.length, count);
    });
  }
  return found;
}
