// The page: loads the models from beside it, and translates what is typed. Nothing leaves the page.

import { Tokenizer, search } from "./translate.js";

const RUNTIME = "./onnxruntime-web/ort.wasm.min.mjs";
const at = (id) => document.getElementById(id);
const say = (text) => { at("status").textContent = text; };
const json = async (name) => (await fetch(name)).json();

async function load() {
  const ort = await import(RUNTIME).catch(() => {
    throw new Error("onnxruntime-web is missing: README.md says where it belongs");
  });
  ort.env.wasm.numThreads = 1;  // more need headers that not every server sends
  const [settings, pieces, encoder, decoder] = await Promise.all([
    json("settings.json"), json("pieces.json"),
    ort.InferenceSession.create("encoder_model.onnx"),
    ort.InferenceSession.create("decoder_model.onnx"),
  ]);
  return { ort, settings, tokenizer: new Tokenizer(settings, pieces), models: { encoder, decoder } };
}

const loading = load();
let asked = 0;

async function translate() {
  const own = ++asked, made = [];
  const { ort, settings, tokenizer, models } = await loading;
  const start = performance.now();
  for (const line of at("source").value.split("\n")) {
    const source = tokenizer.encode(line);
    const beamSize = Number(at("beam").value);
    const ids = source.length ? await search(ort, models, settings, source, beamSize) : [];
    if (own !== asked) return;  // typed on meanwhile
    made.push(tokenizer.decode(ids));
  }
  at("target").textContent = made.join("\n");
  say(`${Math.round(performance.now() - start)} ms`);
}

const attempt = () => translate().catch((error) => say(error.message));
let waiting;
const later = () => { clearTimeout(waiting); waiting = setTimeout(attempt, 200); };
at("source").addEventListener("input", later);
at("beam").addEventListener("change", later);
loading.then(({ settings }) => {
  at("source").lang = settings.src_lang;
  at("target").lang = settings.tgt_lang;
  say("ready");
  later();
}).catch((error) => say(error.message));
