// SPDX-License-Identifier: MIT
// Opens a report in Chromium, does what a reader does, and prints what came of it as one JSON object; what of that is
// right is for test_report_browser.py to say.
// Usage: node drive.cjs MODULES CHROMIUM PAGE SEED [SCREENSHOTS]
"use strict";
const fs = require("fs");
const path = require("path");
const {pathToFileURL} = require("url");

const [modules, executablePath, file, seed, shots] = process.argv.slice(2);
const {chromium} = require(path.join(modules, "playwright-core"));

// A small generator of numbers from 0 to 1: the same picks for the same seed.
let state = Number(seed) >>> 0;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
const pick = list => list[Math.floor(random() * list.length)];

const found = {errors: [], requests: []};

async function open(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  // Whatever else the machine does.
  page.setDefaultTimeout(120000);
  page.on("console", message => { if (message.type() === "error") found.errors.push(message.text()); });
  page.on("pageerror", error => found.errors.push(String(error)));
  page.on("request", request => {
    if (!/^(data|blob):/.test(request.url()) && request.url() !== pathToFileURL(file).href) found.requests.push(request.url());
  });
  await page.goto(pathToFileURL(file).href);
  return page;
}

async function drawn(page, id) {
  await page.evaluate(id => document.getElementById(id).scrollIntoView({block: "center"}), id);
  await page.waitForSelector(`#${id}[data-drawn]`, {timeout: 90000});
  // Neighbours that are drawn now are lower than their pictures were, and move this one.
  await page.waitForTimeout(150);
  await page.evaluate(id => document.querySelector(`#${id} .plot`).scrollIntoView({block: "center"}), id);
}

// Puts the pointer on a point of a figure of lines, picked at random, and reads what is shown.
async function hover(page, id) {
  const points = await page.evaluate(id => {
    const plot = document.querySelector(`#${id} .plot`), box = plot.getBoundingClientRect();
    const {xaxis, yaxis} = plot._fullLayout;
    return plot.data.flatMap((trace, curve) => trace.mode === "lines+markers" ? trace.x.map((x, number) => ({
      label: trace.name, x, y: trace.y[number],
      // Of a category that reads as a number, d2p takes it for a place on the axis; what was drawn went through d2c.
      left: box.left + xaxis._offset + xaxis.c2p(xaxis.d2c(x)), top: box.top + yaxis._offset + yaxis.c2p(yaxis.d2c(trace.y[number])),
    })).filter(point => point.y !== null) : []);
  }, id);
  const point = pick(points);
  // Where another point lies upon it, either may speak: those within a marker's size are no test.
  const near = points.filter(one => Math.hypot(one.left - point.left, one.top - point.top) < 9);
  await page.mouse.move(point.left - 40, point.top - 30);
  await page.mouse.move(point.left, point.top, {steps: 3});
  await page.waitForTimeout(200);
  const text = await page.evaluate(id => [...document.querySelectorAll(`#${id} .hovertext`)].map(one => one.textContent).join("|"), id);
  return {text, near: near.map(one => ({label: one.label, x: one.x, y: one.y}))};
}

async function main() {
  const browser = await chromium.launch({executablePath, args: ["--no-sandbox", "--force-color-profile=srgb"]});
  const page = await open(browser, {viewport: {width: 1366, height: 768}});
  const ids = await page.evaluate(() => Object.keys(JSON.parse(document.getElementById("figures").textContent)));
  const kinds = await page.evaluate(() => JSON.parse(document.getElementById("figures").textContent));
  found.figures = {};
  for (const id of ids.filter(one => ["lines", "leaders", "fit"].includes(kinds[one].kind))) {
    await drawn(page, id);
    found.figures[id] = {
      kind: kinds[id].kind,
      marks: await page.evaluate(id => document.querySelectorAll(`#${id} .plot .points path`).length, id),
      fallback: await page.evaluate(id => document.querySelectorAll(`#${id} img.static`).length, id),
    };
    if (kinds[id].kind === "lines") found.figures[id].hover = await hover(page, id);
    if (kinds[id].kind === "fit")
      found.figures[id].knees = await page.evaluate(id => document.querySelector(`#${id} .plot`).data
        .filter(trace => trace.name.endsWith(": knee")).map(trace => ({name: trace.name, x: trace.x[0], y: trace.y[0]})), id);
  }

  // Every radio button of the first figure of rates: what is drawn after it.
  const rates = ids.find(id => kinds[id].kind === "lines" && kinds[id].measures.some(one => one.divisible));
  if (rates) {
    await drawn(page, rates);
    const ys = () => page.evaluate(id => {
      const plot = document.querySelector(`#${id} .plot`);
      return {type: plot._fullLayout.yaxis.type, y: plot.data[0].y, x: plot.data[0].x, title: plot.layout.yaxis.title.text};
    }, rates);
    found.toggles = {first: await ys()};
    for (const value of ["linear", "cpu", "package", "all", "log", "cost"]) {
      const button = page.locator(`#${rates} input[value="${value}"]`);
      if (!await button.count()) continue;
      await button.check();
      found.toggles[value] = await ys();
    }
    // By keyboard alone: the tab key reaches the buttons, an arrow moves on.
    await page.locator(`#${rates} input[value="log"]`).focus();
    await page.keyboard.press("ArrowRight");
    found.keyboard = await ys();
  }

  const map = ids.find(id => kinds[id].kind === "map");
  if (map) {
    const cells = page.locator(`#${map} .pu`);
    found.map = {cells: await cells.count(), stops: await page.locator(`#${map} .pu[tabindex="0"]`).count()};
    const all = page.locator(`#${map} input[value="PU"]`);
    if (await all.count()) await all.check();
    found.map.pus = await cells.count();
    if (kinds[map].line) {
      const [from, to] = [pick(kinds[map].line.pus), pick(kinds[map].line.pus)];
      const cell = pu => cells.filter({hasText: new RegExp(`^${pu}$`)}).first();
      const before = Date.now();
      await cell(from).click();
      found.map.clickMs = Date.now() - before;
      await cell(to).hover();
      found.map.reading = {from, to, text: await page.locator(`#${map} .reading`).textContent()};
      await cells.first().focus();
      await page.keyboard.press("ArrowRight");
      found.map.arrow = await page.evaluate(id => [...document.querySelectorAll(`#${id} .pu`)].indexOf(document.activeElement), map);
    }
  }

  const whatif = ids.find(id => kinds[id].kind === "whatif");
  if (whatif) {
    const read = () => page.evaluate(id => ({
      said: document.querySelector(`#${id} .says`).textContent,
      rows: [...document.querySelectorAll(`#${id} tbody tr`)].map(row => [...row.children].map(cell => cell.textContent)),
      texts: [...document.querySelectorAll(`#${id} input`)].map(one => [one.dataset.slider, one.getAttribute("aria-valuetext")]),
    }), whatif);
    found.whatif = {first: await read(), surface: kinds[whatif].surface};
    // By keyboard alone: to the greatest of one slider, and some steps on another.
    for (const [name, keys] of [["CPUs", ["Home", "ArrowRight"]], ["exits per second", Array(12).fill("ArrowRight")],
      ["work between switches", Array(5).fill("ArrowRight")]]) {
      const slider = page.locator(`#${whatif} input[data-slider="${name}"]`);
      if (!await slider.count()) continue;
      await slider.focus();
      for (const key of keys) await page.keyboard.press(key);
    }
    found.whatif.asked = await read();
  }

  found.numbers = await page.evaluate(() => [...document.querySelectorAll("data")].map(one => ({
    value: Number(one.value), text: one.textContent, counter: one.dataset.counter, statistic: one.dataset.statistic,
    windows: (one.closest("[data-windows]") || {dataset: {}}).dataset.windows,
  })));
  found.wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  const axe = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");
  const check = async page => {
    await page.evaluate(axe);
    const result = await page.evaluate(() => window.axe.run(document, {resultTypes: ["violations"]}));
    return result.violations.filter(one => ["serious", "critical"].includes(one.impact))
      .map(one => `${one.id}: ${one.nodes.length} x ${one.nodes[0].html.slice(0, 160)} (${one.nodes[0].failureSummary})`);
  };
  found.axe = await check(page);
  if (shots) {
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.screenshot({path: path.join(shots, "laptop.png"), fullPage: true});
    await page.emulateMedia({media: "print"});
    await page.setViewportSize({width: 794, height: 1123});
    await page.screenshot({path: path.join(shots, "print.png"), fullPage: true});
    await page.emulateMedia({media: null});
  }
  const paper = await page.pdf({preferCSSPageSize: true, printBackground: true});
  if (shots) fs.writeFileSync(path.join(shots, "print.pdf"), paper);
  found.papers = (paper.toString("latin1").match(/\/Type \/Page\b/g) || []).length;

  const night = await open(browser, {viewport: {width: 390, height: 844}, colorScheme: "dark", hasTouch: true});
  found.axeDark = await check(night);
  found.wideOnPhone = await night.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (shots) {
    for (const id of Object.keys(found.figures)) await drawn(night, id);
    await night.evaluate(() => window.scrollTo(0, 0));
    await night.screenshot({path: path.join(shots, "phone.png"), fullPage: true});
  }

  const bare = await open(browser, {javaScriptEnabled: false, viewport: {width: 1366, height: 768}});
  found.bare = {pictures: await bare.locator("img.static:visible").count(), text: (await bare.locator(".claim").allTextContents()).join("").length, charts: await bare.locator("svg.hero-chart:visible").count()};
  await browser.close();
  console.log(JSON.stringify(found));
}

main().catch(error => { console.error(error); process.exit(1); });
