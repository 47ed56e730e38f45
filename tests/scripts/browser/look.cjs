// SPDX-License-Identifier: MIT
// Opens a page that runs no script, as a laptop and as a telephone at night, and prints what is wrong with it as one JSON
// object: errors, requests, axe's serious findings, pixels by which it is too wide.
// Usage: node look.cjs MODULES CHROMIUM PAGE [SCREENSHOTS]
"use strict";
const fs = require("fs");
const path = require("path");
const {pathToFileURL} = require("url");

const [modules, executablePath, file, shots] = process.argv.slice(2);
const {chromium} = require(path.join(modules, "playwright-core"));
const sizes = {laptop: {viewport: {width: 1366, height: 768}}, phone: {viewport: {width: 390, height: 844}, colorScheme: "dark"}};

async function main() {
  const found = {errors: [], requests: [], axe: [], wide: {}};
  const browser = await chromium.launch({executablePath, args: ["--no-sandbox"]});
  const axe = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");
  for (const [name, options] of Object.entries(sizes)) {
    const page = await (await browser.newContext(options)).newPage();
    page.on("console", message => { if (message.type() === "error") found.errors.push(message.text()); });
    page.on("pageerror", error => found.errors.push(String(error)));
    page.on("request", request => { if (request.url() !== pathToFileURL(file).href) found.requests.push(request.url()); });
    await page.goto(pathToFileURL(file).href);
    await page.evaluate(axe);
    const result = await page.evaluate(() => window.axe.run(document, {resultTypes: ["violations"]}));
    found.axe.push(...result.violations.filter(one => ["serious", "critical"].includes(one.impact))
      .map(one => `${name}: ${one.id}: ${one.nodes[0].html.slice(0, 160)} (${one.nodes[0].failureSummary})`));
    found.wide[name] = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (shots) await page.screenshot({path: path.join(shots, `compare-${name}.png`), fullPage: true});
  }
  await browser.close();
  console.log(JSON.stringify(found));
}

main().catch(error => { console.error(error); process.exit(1); });
