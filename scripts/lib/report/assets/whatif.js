// SPDX-License-Identifier: MIT
// CPUs, exits and work of the reader's own: the arithmetic of report/whatif.py, answered as a sentence and a heat map.
function drawWhatif(figure, data) {
  const {surface, mark, rows, reference, rival} = data;
  const controls = figure.querySelector(".controls"), said = figure.querySelector(".says");
  const cells = [...figure.querySelectorAll("tbody tr")].map(row => [...row.querySelectorAll(".whatif-cell")]);
  const schemes = [rival, ...Object.keys(surface.points[0].cost).filter(name => name !== reference && name !== rival)];
  const state = {cpus: rows[rows.length - 1], exits: 0, work: 0};

  function at(point, scheme, cpus, exits) {
    const row = (point.cost[scheme] || {})[cpus];
    if (!row) return null;
    const known = surface.exits.map((x, place) => [x, row[place]]).filter(([, y]) => y !== null && y !== undefined);
    if (!known.length || exits > known[known.length - 1][0] || exits < known[0][0]) return null;
    for (let place = 1; place < known.length; place++) {
      const [[x1, y1], [x2, y2]] = [known[place - 1], known[place]];
      if (exits <= x2) return y1 + (y2 - y1) * (exits - x1) / (x2 - x1);
    }
    return known[known.length - 1][1];
  }
  function bounds(scheme, cpus, work, exits) {
    let least = 0, most = Infinity;
    for (const point of surface.points) {
      const time = at(point, scheme, cpus, exits);
      if (time === null) continue;
      if (point.work <= work) {
        least = Math.max(least, time);
        most = Math.min(most, time + work - point.work);
      } else least = Math.max(least, time - (point.work - work));
    }
    const alone = at(surface.points[0], scheme, 1, exits);
    if (alone !== null) least = Math.max(least, alone + work);
    return most < Infinity ? [Math.min(least, most), most] : null;
  }
  // So many exits a second of the whole machine are how many of a million switches depends on how long those take.
  function settled(scheme, cpus, work, perSecond) {
    const floor = surface.exits[0];
    if (!perSecond) return bounds(scheme, cpus, work, floor);
    const ends = [0, 1].map(end => {
      let time = (bounds(scheme, cpus, work, floor) || [NaN, NaN])[end];
      for (let turn = 0; turn < 60 && !Number.isNaN(time); turn++) {
        const found = bounds(scheme, cpus, work, Math.max(perSecond * time / cpus / 1000, floor));
        time = found ? found[end] : NaN;
      }
      return time;
    });
    return ends.some(Number.isNaN) ? null : ends;
  }
  function factor(scheme, cpus, work, perSecond) {
    const one = settled(reference, cpus, work, perSecond), other = settled(scheme, cpus, work, perSecond);
    return one && other ? [one[0] / other[1], one[1] / other[0]] : null;
  }
  function worded(pair) {
    if (!pair) return "–";
    if (pair[1] / pair[0] < 1.02) return `${mark}${plain(Math.sqrt(pair[0] * pair[1]), 3)}`;
    const [low, high] = pair.map(value => plain(value, 2));
    return low === high ? mark + low : `${mark}${low} to ${high}`;
  }
  const duration = ns => ns >= 1000 ? `${Number((ns / 1000).toPrecision(3))} µs` : `${Number(ns.toPrecision(3))} ns`;

  function sentence() {
    const found = schemes
      .map(name => [name, factor(name, state.cpus, state.work, state.exits)]).filter(([, pair]) => pair);
    const exits = surface.exits.length > 1 ? `, ${short(state.exits)} exits per second` : "";
    const where = `With ${state.cpus} CPU${state.cpus === 1 ? "" : "s"}${exits} and ${duration(state.work)} of work between switches`;
    if (!found.length) return `${where}: outside of what was ${mark ? "simulated" : "measured"}.`;
    const parts = found.map(([name, pair]) => pair[0] <= 1 && pair[1] >= 1
      ? `${name} and ${reference} cannot be told apart (${worded(pair)})`
      : `${name} makes ${worded(pair)} times the switches of ${reference}`);
    return `${where}, ${parts.join("; ")}.`;
  }
  function draw() {
    said.textContent = sentence();
    rows.forEach((cpus, row) => data.work.forEach((work, column) => {
      const pair = factor(rival, cpus, work, state.exits), cell = cells[row][column];
      const middle = pair ? Math.log2(Math.sqrt(pair[0] * pair[1])) : 0;
      cell.textContent = worded(pair);
      cell.className = "whatif-cell " + (!pair ? "" : pair[0] <= 1 && pair[1] >= 1 ? "undecided" : middle > 0 ? "rival" : "reference");
      cell.style.setProperty("--heat", `${pair ? Math.min(8 + 22 * Math.abs(middle), 85).toFixed(0) : 0}%`);
    }));
  }
  // steps: what the slider goes through; a text for each says it to eyes and to screen readers.
  function slider(name, steps, begin, text, act) {
    const label = document.createElement("label"), input = document.createElement("input"), value = document.createElement("output");
    Object.assign(input, {type: "range", min: 0, max: steps.length - 1, step: 1, value: Math.max(steps.indexOf(begin), 0)});
    input.dataset.slider = name;
    const show = () => {
      const step = steps[Number(input.value)];
      value.textContent = text(step);
      input.setAttribute("aria-valuetext", text(step));
      return step;
    };
    input.addEventListener("input", () => { act(show()); draw(); });
    label.append(`${name} `, input, value);
    show();
    controls.append(label);
  }
  const decades = (first, last) => [0, ...[...Array(Math.round(3 * Math.log10(last / first)) + 1).keys()]
    .map(step => Number((first * 10 ** (step / 3)).toPrecision(1)))];
  slider("CPUs", surface.cpus.filter(cpus => rows.includes(cpus)), state.cpus, String, value => { state.cpus = value; });
  if (surface.exits.length > 1)
    slider("exits per second", decades(10, 1e7), 0, short, value => { state.exits = value; });
  slider("work between switches", decades(10, 1e6), 0, duration, value => { state.work = value; });
  controls.hidden = said.hidden = false;
  draw();
}
