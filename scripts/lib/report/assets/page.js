// SPDX-License-Identifier: MIT
// What is done once the page is open. Without plotly, or in a browser too old to unpack it, the pictures stay.
const drawers = {lines: drawLines, leaders: drawLeaders, fit: drawFit};

function bytesOf(id) {
  return Uint8Array.from(atob(document.getElementById(id).textContent), letter => letter.charCodeAt(0));
}

async function loadPlotly() {
  if (!document.getElementById("plotly") || !window.DecompressionStream) return false;
  const stream = new Blob([bytesOf("plotly")]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  return Boolean(window.Plotly);
}

function offerRecords() {
  for (const button of document.querySelectorAll("button.save"))
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytesOf(button.dataset.from)], {type: "application/gzip"}));
      link.download = button.dataset.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
}

async function start() {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  offerRecords();
  for (const [id, data] of Object.entries(figures))
    if (data.kind === "map") drawMap(document.getElementById(id), data);
    else if (data.kind === "whatif") drawWhatif(document.getElementById(id), data);
  if (!await loadPlotly()) return;
  const redraws = [];
  // Only what comes near the window: a page has room for more figures than a telephone for drawing them at once.
  const watcher = new IntersectionObserver(entries => {
    for (const entry of entries.filter(one => one.isIntersecting)) {
      const figure = entry.target, data = figures[figure.id];
      watcher.unobserve(figure);
      figure.querySelector(".plot").hidden = figure.querySelector(".controls").hidden = false;
      figure.querySelector(".pictures").hidden = true;
      const draw = drawers[data.kind](figure, data);
      redraws.push(draw);
      draw().then(() => { figure.dataset.drawn = "yes"; });
    }
  }, {rootMargin: "400px"});
  for (const [id, data] of Object.entries(figures))
    if (drawers[data.kind]) watcher.observe(document.getElementById(id));
  dark.addEventListener("change", () => redraws.forEach(draw => draw()));
}

start();
