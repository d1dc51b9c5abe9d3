#include "job/gallery.h"

namespace sd::job {

const char* const kGalleryStart = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Gallery</title>
<style>
:root { color-scheme: light dark; --ground: #f6f6f4; --card: #fff; --text: #1d1d1b; --dim: #66665f; --line: #dcdcd6; }
@media (prefers-color-scheme: dark) { :root { --ground: #161615; --card: #222220; --text: #ececea; --dim: #9c9c94; --line: #3a3a37; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
header { position: sticky; top: 0; z-index: 1; display: flex; gap: 1em; align-items: center; padding: .8em 1.2em;
 background: var(--ground); border-bottom: 1px solid var(--line); }
header input { flex: 1; max-width: 40em; padding: .5em .8em; font: inherit; color: inherit; background: var(--card);
 border: 1px solid var(--line); border-radius: 6px; }
#count { color: var(--dim); white-space: nowrap; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 14px; padding: 1.2em; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
figure button { display: block; width: 100%; padding: 0; border: 0; background: none; cursor: zoom-in; }
figure img { display: block; width: 100%; height: auto; background: var(--line); }
figcaption { padding: .5em .7em .6em; }
figcaption p { margin: 0; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; }
figcaption small { color: var(--dim); }
dialog { width: min(900px, 94vw); max-height: 94vh; padding: 1.2em; color: inherit; background: var(--card);
 border: 1px solid var(--line); border-radius: 10px; }
dialog::backdrop { background: rgb(0 0 0 / .6); }
dialog img { display: block; max-width: 100%; max-height: 62vh; margin: 0 auto 1em; }
dialog dl { display: grid; grid-template-columns: max-content 1fr; gap: .25em 1em; margin: 0 0 1em; }
dialog dt { color: var(--dim); }
dialog dd { margin: 0; overflow-wrap: anywhere; }
dialog pre { margin: 0 0 1em; padding: .7em; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--ground); border-radius: 6px; }
#more { height: 1px; }
</style>
</head>
<body>
<header>
<input id="filter" type="search" placeholder="Filter by words of the prompt, or a seed" aria-label="Filter" autofocus>
<span id="count"></span>
</header>
<main id="pictures"></main>
<div id="more"></div>
<dialog id="one"><img alt=""><dl></dl><pre></pre><button id="copy">Copy the command</button> <button id="close">Close</button></dialog>
<script id="data" type="application/json">[
)html";

const char* const kGalleryEnd = R"html(
]</script>
<script>
"use strict";
const all = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("pictures"), filter = document.getElementById("filter");
const count = document.getElementById("count"), one = document.getElementById("one");
const texts = all.map(p => [p.p, p.n, p.s, p.a, p.f].filter(Boolean).join(" ").toLowerCase());
const step = 200;
let chosen = [], shown = 0;

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}
function show(picture) {
  one.querySelector("img").src = encodeURI(picture.f);
  const list = one.querySelector("dl");
  list.replaceChildren();
  for (const [name, key] of [["Prompt", "p"], ["Negative prompt", "n"], ["Seed", "s"], ["Drawn with", "a"], ["File", "f"]])
    if (picture[key]) list.append(element("dt", name), element("dd", picture[key]));
  one.querySelector("pre").textContent = picture.c || "";
  one.showModal();
}
function card(picture) {
  const figure = element("figure"), button = element("button"), image = element("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = picture.p || picture.f;
  if (picture.w) { image.width = picture.w; image.height = picture.h; }
  image.src = encodeURI(picture.f);
  button.append(image);
  button.addEventListener("click", () => show(picture));
  const caption = element("figcaption");
  caption.append(element("p", picture.p || picture.f), element("small", picture.s ? "seed " + picture.s : ""));
  figure.append(button, caption);
  return figure;
}
function more() {
  const end = Math.min(shown + step, chosen.length);
  const cards = document.createDocumentFragment();
  for (; shown < end; ++shown) cards.append(card(all[chosen[shown]]));
  main.append(cards);
}
function choose() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  chosen = [];
  texts.forEach((text, i) => { if (words.every(word => text.includes(word))) chosen.push(i); });
  count.textContent = chosen.length + (chosen.length === all.length ? "" : " of " + all.length) + " pictures";
  shown = 0;
  main.replaceChildren();
  more();
}
filter.addEventListener("input", choose);
document.getElementById("close").addEventListener("click", () => one.close());
document.getElementById("copy").addEventListener("click", () => {
  const range = document.createRange();
  range.selectNodeContents(one.querySelector("pre"));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  document.execCommand("copy");
});
new IntersectionObserver(seen => { if (seen.some(s => s.isIntersecting)) more(); }, {rootMargin: "1200px"})
  .observe(document.getElementById("more"));
filter.value = decodeURIComponent(location.hash.slice(1));
choose();
</script>
</body>
</html>
)html";

}  // namespace sd::job
