// SPDX-License-Identifier: MIT
// The machine as boxes in boxes, each PU, or group of PUs, coloured by a number measured of it.
const levelNames = ["package", "die", "LLC", "core"];

function drawMap(figure, data) {
  const holder = figure.querySelector(".machine"), reading = figure.querySelector(".reading");
  const controls = figure.querySelector(".controls");
  const place = new Map(data.pus.map((pu, number) => [pu, number]));
  const line = data.line && triangle(data.line);
  const level = key => data.levels[key];
  const grain = levelNames.filter(key => new Set(level(key)).size > 1);
  const many = data.pus.length > 256;
  const state = {
    show: line ? "line" : "share-0",
    chosen: line ? data.line.pus[0] : data.pus[0],
    grain: many && grain.length ? grain[grain.length - 1 - (grain.includes("core") && grain.length > 1 ? 1 : 0)] : "PU",
    size: data.pus.length > 512 ? "small" : "medium",
  };

  // Symmetric, of which the records' upper triangle is here.
  function triangle(given) {
    const bytes = Uint8Array.from(atob(given.triangle), letter => letter.charCodeAt(0));
    const values = new DataView(bytes.buffer), size = given.pus.length;
    const number = new Map(given.pus.map((pu, at) => [pu, at]));
    return (a, b) => {
      if (!number.has(a) || !number.has(b) || a === b) return null;
      const [low, high] = [number.get(a), number.get(b)].sort((x, y) => x - y);
      const value = values.getFloat32(4 * (low * size - low * (low + 1) / 2 + high - low - 1), true);
      return value < 0 ? null : value;
    };
  }

  function valueOf(pu) {
    if (state.show === "line") return line(state.chosen, pu);
    return data.shares[Number(state.show.slice(6))].of[place.get(pu)];
  }
  function worded(value) {
    if (value === null || value === undefined) return "not measured";
    return state.show === "line" ? `${data.mark}${scaled(value)} ns` : `${data.mark}${plain(100 * value, 4)} %`;
  }
  function median(values) {
    const known = values.filter(value => value !== null && value !== undefined).sort((a, b) => a - b);
    if (!known.length) return null;
    const middle = known.length / 2;
    return known.length % 2 ? known[Math.floor(middle)] : (known[middle - 1] + known[middle]) / 2;
  }

  // A sequence of lightness that keeps its order in grey; the text on it is black or white, whichever is readable.
  function paint(element, value, low, high) {
    const unknown = value === null || value === undefined;
    element.classList.toggle("unmeasured", unknown);
    if (unknown) {
      element.style.background = element.style.color = "";
      return;
    }
    const logarithmic = state.show === "line" && low > 0 && high / low > 3;
    const part = high > low ? logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low) : 0.5;
    // One colour in three steps, as viridis has them: light is little, dark is much.
    const stops = [[253, 231, 37], [53, 183, 121], [49, 104, 142], [68, 1, 84]];
    const at = Math.min(Math.max(part, 0), 1) * 3, below = Math.min(Math.floor(at), 2);
    const rgb = stops[below].map((from, channel) => Math.round(from + (stops[below + 1][channel] - from) * (at - below)));
    const linear = rgb.map(channel => channel / 255).map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    element.style.background = `rgb(${rgb.join(",")})`;
    element.style.color = luminance > 0.179 ? "#000000" : "#ffffff";
  }

  function whereOf(pu) {
    const parts = levelNames.filter(key => level(key)[place.get(pu)] !== null).map(key => `${key} ${level(key)[place.get(pu)]}`);
    return `PU ${pu} (${parts.join(", ")})`;
  }
  // Of a group: shares add up, times do not.
  function valueOfAll(pus) {
    const values = pus.map(valueOf);
    if (state.show === "line") return median(values);
    const known = values.filter(value => value !== null && value !== undefined);
    return known.length ? known.reduce((sum, value) => sum + value, 0) : null;
  }
  function sentence(pus, name) {
    const value = valueOfAll(pus);
    const kind = state.show === "line" ? "median of them" : "together";
    const what = pus.length > 1 ? `${name}, ${pus.length} PUs, ${kind}` : whereOf(pus[0]);
    if (state.show !== "line") {
      const share = data.shares[Number(state.show.slice(6))];
      return `${what}: ${worded(value)} of all rounds; an equal part is ${plain(100 * share.fair * pus.length, 4)} % (mean of ${share.windows} windows)`;
    }
    if (pus.length === 1 && pus[0] === state.chosen) return `${what}: the chosen PU`;
    return `${what}: ${worded(value)} one way from PU ${state.chosen}`;
  }

  function tree() {
    holder.replaceChildren();
    holder.style.setProperty("--pu", {small: "1.25rem", medium: "2rem", large: "3.25rem"}[state.size]);
    const open = new Map();
    const upto = state.grain === "PU" ? levelNames : levelNames.slice(0, levelNames.indexOf(state.grain));
    const groups = new Map();
    for (const pu of data.pus) {
      let box = holder, path = "";
      for (const key of upto) {
        const group = level(key)[place.get(pu)];
        // A level of which there is one, or of which nothing is known, is no box.
        if (group === null || (!grain.includes(key) && key !== "package")) continue;
        path += `/${key}${group}`;
        if (!open.has(path)) {
          const made = Object.assign(document.createElement("div"), {className: `box ${key}`});
          if (key !== "core") made.append(Object.assign(document.createElement("span"), {className: "name", textContent: `${key} ${group}`}));
          box.append(made);
          open.set(path, made);
        }
        box = open.get(path);
      }
      if (state.grain === "PU") box.append(cell([pu], String(pu)));
      else {
        const group = level(state.grain)[place.get(pu)];
        const name = group === null ? `${path}: ${state.grain} not known` : `${state.grain} ${group}`;
        const key = `${path}|${name}`;
        if (!groups.has(key)) groups.set(key, {box, name: group === null ? `${state.grain} ?` : name, pus: []});
        groups.get(key).pus.push(pu);
      }
    }
    for (const {box, name, pus} of groups.values()) box.append(cell(pus, name));
    // One stop of the tab key for the whole map; arrows move within.
    const first = holder.querySelector(".pu");
    if (first) first.tabIndex = 0;
    colour();
  }

  function cell(pus, name) {
    const made = Object.assign(document.createElement("button"), {type: "button", className: "pu", tabIndex: -1});
    made.classList.toggle("group", state.grain !== "PU");
    made.pus = pus;
    made.named = name;
    return made;
  }

  function colour() {
    const cells = [...holder.querySelectorAll(".pu")];
    const values = cells.map(one => valueOfAll(one.pus));
    const known = values.filter(value => value !== null && value !== undefined);
    const low = Math.min(...known), high = Math.max(...known);
    cells.forEach((one, number) => {
      paint(one, values[number], low, high);
      one.textContent = state.grain === "PU" ? one.named : `${one.named}\n${worded(values[number])}`;
      one.setAttribute("aria-label", sentence(one.pus, one.named));
      one.classList.toggle("chosen", state.show === "line" && one.pus.includes(state.chosen));
    });
    const what = state.show === "line" ? `One way of a cache line from PU ${state.chosen}` : "Part of all rounds";
    reading.textContent = known.length
      ? `${what}: light ${worded(low)} to dark ${worded(high)}. Hatched: not measured.` : `${what}: not measured.`;
  }

  function read(target) {
    if (target && target.pus) reading.textContent = sentence(target.pus, target.named);
  }
  holder.addEventListener("pointerover", event => read(event.target.closest(".pu")));
  holder.addEventListener("focusin", event => read(event.target.closest(".pu")));
  holder.addEventListener("click", event => {
    const target = event.target.closest(".pu");
    if (!target) return;
    if (state.show === "line" && state.grain !== "PU") {
      // Zoom in to what was collapsed; PUs are chosen there.
      state.grain = "PU";
      grainButtons();
      tree();
      const there = [...holder.querySelectorAll(".pu")].find(one => one.pus[0] === target.pus[0]);
      there.scrollIntoView({block: "center"});
      there.focus();
    } else if (state.show === "line" && data.line.pus.includes(target.pus[0])) {
      state.chosen = target.pus[0];
      colour();
      read(target);
    } else read(target);
  });
  holder.addEventListener("keydown", event => {
    const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8}[event.key];
    if (!step && event.key !== "Home" && event.key !== "End") return;
    const cells = [...holder.querySelectorAll(".pu")], now = cells.indexOf(document.activeElement);
    if (now < 0) return;
    event.preventDefault();
    const next = event.key === "Home" ? 0 : event.key === "End" ? cells.length - 1
      : Math.min(Math.max(now + step, 0), cells.length - 1);
    cells[now].tabIndex = -1;
    cells[next].tabIndex = 0;
    cells[next].focus();
  });

  function grainButtons() {
    for (const button of controls.querySelectorAll(`input[name="${figure.id}-collapse to"]`))
      button.checked = button.value === state.grain;
  }
  chooser(controls, figure.id, "coloured by", [...(line ? [["line", "transfer from the chosen PU"]] : []),
    ...data.shares.map((share, number) => [`share-${number}`, `share of wins: ${share.label}`])], state.show,
    value => { state.show = value; colour(); });
  chooser(controls, figure.id, "collapse to", [...grain, "PU"].map(text => [text, text]), state.grain,
    value => { state.grain = value; tree(); });
  chooser(controls, figure.id, "size", ["small", "medium", "large"].map(text => [text, text]), state.size,
    value => { state.size = value; tree(); });
  holder.hidden = reading.hidden = controls.hidden = false;
  figure.querySelector(".needs").hidden = true;
  tree();
}
