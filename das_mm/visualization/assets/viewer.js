'use strict';
// Data: millimetres in the camera frame (x right, y down, z forward). Plot: metres, (right, forward, up).
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const state = { frame: 0, timer: null };
const INK = '#aab2bd', GRID = '#4a5563', TRUTH = '#ffffff';
const SIZE = 1.6;  // of the plotted box's largest side, in plotly's units

// ---------- geometry
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const add = (a, b, s = 1) => a.map((v, i) => v + s * b[i]);
const unit = a => { const n = Math.hypot(...a) || 1; return a.map(v => v / n); };

// rows of the rotation from the camera frame to the plot: axes right, forward, up
function axesOf(frame) {
  if (!$('level').checked || !frame.ground) return [[1, 0, 0], [0, 0, 1], [0, -1, 0]];
  const up = unit(frame.ground.up);
  const forward = unit(add([0, 0, 1], up, -up[2]));
  return [cross(forward, up), forward, up];
}
const toPlot = (axes, point) => axes.map(axis => dot(axis, point) / 1000);

function decode(text, Kind) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return new Kind(bytes.buffer);
}
const faces = data.faces && decode(data.faces, Int32Array);
const column = (values, start) => values.filter((_, i) => i % 3 === start);
const faceColumns = faces && [0, 1, 2].map(start => column(faces, start));

// the shown joints (mm) of each found or true person that has any
const everybody = frame =>
  [...frame.people, ...frame.truth].map(p => (p.cam || []).filter(Boolean)).filter(points => points.length);

// ---------- traces
function polyline(points, color, width, extra = {}) {
  return { type: 'scatter3d', mode: 'lines', hoverinfo: 'skip', showlegend: false, x: points.map(p => p && p[0]),
    y: points.map(p => p && p[1]), z: points.map(p => p && p[2]), line: { color, width }, ...extra };
}

function bones(person, axes, colorOf) {
  const points = [], colors = [];
  data.links.forEach(([a, b], i) => {
    if (!person.cam[a] || !person.cam[b]) return;
    points.push(toPlot(axes, person.cam[a]), toPlot(axes, person.cam[b]), null);
    const color = colorOf(data.linkSides[i]);
    colors.push(color, color, color);
  });
  return [points, colors];
}

function joints(person, axes, kind, marker) {
  const shown = person.cam.map((p, k) => p ? k : -1).filter(k => k >= 0);
  const points = shown.map(k => toPlot(axes, person.cam[k]));
  return { type: 'scatter3d', mode: 'markers', showlegend: false, name: `${kind} ${person.label}`,
    marker: marker(shown), x: points.map(p => p[0]), y: points.map(p => p[1]), z: points.map(p => p[2]),
    hoverinfo: 'text',
    hovertext: shown.map(k => {
      const [x, y, z] = person.cam[k].map(v => v.toFixed(0));
      const value = person.jointScores && person.jointScores[k];
      const score = value == null ? '' : `<br>score ${value.toFixed(2)}`;
      return `<b>${data.names[k]}</b>, ${kind} ${person.label}<br>x ${x} mm<br>y ${y} mm<br>z ${z} mm${score}`;
    }) };
}

function meshTrace(person, axes, color, opacity) {
  const v = decode(person.mesh.vertices, Int16Array), at = [[], [], []];
  for (let i = 0; i < v.length; i += 3) {
    toPlot(axes, add(person.mesh.origin, [v[i], v[i + 1], v[i + 2]])).forEach((value, axis) => at[axis].push(value));
  }
  return { type: 'mesh3d', x: at[0], y: at[1], z: at[2], i: faceColumns[0], j: faceColumns[1], k: faceColumns[2], color,
    opacity, hoverinfo: 'skip', flatshading: false, lighting: { ambient: .55, diffuse: .7, specular: .1 } };
}

function peopleTraces(frame, axes) {
  const traces = [];
  for (const person of $('show-predicted').checked ? frame.people : []) {
    if (!person.cam) continue;
    const [points, colors] = bones(person, axes, side => person.sideColors[side]);
    traces.push(polyline(points, colors, 7));
    traces.push(joints(person, axes, 'person', shown => ({ size: 4, opacity: 1,
      color: shown.map(k => person.sideColors[data.sides[k]]), line: { color: '#101318', width: 1 } })));
    const top = person.cam.filter(Boolean).map(p => toPlot(axes, p)).sort((a, b) => b[2] - a[2])[0];
    if (top) traces.push({ type: 'scatter3d', mode: 'text', x: [top[0]], y: [top[1]], z: [top[2] + .12],
      text: [person.label], textfont: { color: person.color, size: 15 }, hoverinfo: 'skip', showlegend: false });
    if (person.mesh && $('show-mesh').checked) traces.push(meshTrace(person, axes, person.color, .75));
  }
  for (const person of $('show-truth').checked ? frame.truth : []) {
    if (!person.cam) continue;
    const [points] = bones(person, axes, () => TRUTH);
    traces.push(polyline(points, TRUTH, 3, { line: { color: TRUTH, width: 3, dash: 'dash' } }));
    traces.push(joints(person, axes, 'true person', () => ({ size: 2.5, color: TRUTH })));
    if (person.mesh && $('show-mesh').checked) traces.push(meshTrace(person, axes, TRUTH, .3));
  }
  return traces;
}

function gridStep(box) {
  const span = Math.max(box[0][1] - box[0][0], box[1][1] - box[1][0]);
  return span > 40 ? 5 : span > 16 ? 2 : span > 6 ? 1 : .5;
}

function groundTraces(frame, axes, box) {
  if (!frame.ground || !$('show-ground').checked) return [];
  const at = toPlot(axes, frame.ground.point), up = axes.map(axis => dot(axis, frame.ground.up));
  const lines = [];
  const height = (x, y) => at[2] - ((x - at[0]) * up[0] + (y - at[1]) * up[1]) / up[2];
  const step = gridStep(box);
  const on = (x, y) => [x, y, height(x, y)];
  const ticks = ([low, high]) => {
    const first = Math.ceil(low / step);
    return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
  };
  for (const x of ticks(box[0])) lines.push(on(x, box[1][0]), on(x, box[1][1]), null);
  for (const y of ticks(box[1])) lines.push(on(box[0][0], y), on(box[0][1], y), null);
  return [polyline(lines, GRID, 1.5)];
}

// ---------- camera: frustum and image plane
function pixelRay(K, u, v) {  // K [x, y, 1] = [u, v, 1]
  const y = (v - K[1][2]) / K[1][1];
  return [(u - K[0][2] - K[0][1] * y) / K[0][0], y, 1];
}

function planeDepth(frame, where) {
  const depths = everybody(frame).flatMap(points => points.map(p => p[2])).sort((a, b) => a - b);
  if (where === 'far') return depths.length ? depths[depths.length - 1] * 1.06 : 5000;
  return depths.length ? Math.min(1000, Math.max(200, .3 * depths[0])) : 1000;
}

function frustumTraces(frame, axes) {
  if (!frame.K) return [];
  const [w, h] = frame.size, depth = planeDepth(frame, $('plane').value);
  const corners = [[-.5, -.5], [w - .5, -.5], [w - .5, h - .5], [-.5, h - .5]]
    .map(([u, v]) => toPlot(axes, pixelRay(frame.K, u, v).map(r => r * depth)));
  const origin = [0, 0, 0], edge = [];
  corners.forEach((corner, i) => edge.push(origin, corner, corners[(i + 1) % 4], null));
  const traces = [polyline(edge, '#f0b429', 2, { opacity: $('plane').value === 'far' ? .35 : 1 })];
  traces.push({ type: 'scatter3d', mode: 'markers', x: [0], y: [0], z: [0], marker: { size: 4, color: '#f0b429' },
    hoverinfo: 'text', hovertext: ['<b>camera</b><br>' + frame.camera.replace('. ', '<br>')], showlegend: false });
  return traces;
}

// a mesh coloured per vertex stands in for a texture, which plotly has not; it is made here from the small image
function imageTrace(frame, axes) {
  const picture = $('image'), where = $('plane').value;
  if (!frame.K || !frame.image || where === 'off' || !picture.naturalWidth) return [];
  const columns = Math.round(Math.max(40, 120 * Math.min(1, frame.size[0] / frame.size[1])));
  const rows = Math.max(2, Math.round(columns * frame.size[1] / frame.size[0]));
  const canvas = Object.assign(document.createElement('canvas'), { width: columns, height: rows });
  const context = canvas.getContext('2d');
  context.drawImage(picture, 0, 0, columns, rows);
  const rgba = context.getImageData(0, 0, columns, rows).data;
  const depth = planeDepth(frame, where), at = [[], [], []], colors = [], corner = [[], [], []];
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
    const ray = pixelRay(frame.K, (c + .5) / columns * frame.size[0] - .5, (r + .5) / rows * frame.size[1] - .5);
    toPlot(axes, ray.map(v => v * depth)).forEach((value, axis) => at[axis].push(value));
    const o = 4 * (r * columns + c);
    colors.push(`rgb(${rgba[o]},${rgba[o + 1]},${rgba[o + 2]})`);
    if (r && c) {
      const d = r * columns + c, b = d - columns;
      corner[0].push(b - 1, b - 1); corner[1].push(b, d); corner[2].push(d, d - 1);
    }
  }
  return [{ type: 'mesh3d', x: at[0], y: at[1], z: at[2], i: corner[0], j: corner[1], k: corner[2], vertexcolor: colors,
    hoverinfo: 'skip', opacity: 1, lighting: { ambient: 1, diffuse: 0, specular: 0, fresnel: 0 } }];
}

// ---------- box and views
function boxOf(frames) {  // of everybody and the camera, with a margin, in plot metres
  const box = [[0, 0], [0, 0], [0, 0]];
  for (const frame of frames) {
    const axes = axesOf(frame);
    const points = everybody(frame).flat();
    if (frame.ground) points.push(frame.ground.point);
    if (frame.K) for (const where of ['near', 'far']) {
      const depth = planeDepth(frame, where), [w, h] = frame.size;
      for (const [u, v] of [[0, 0], [w, 0], [w, h], [0, h]]) points.push(pixelRay(frame.K, u, v).map(r => r * depth));
    }
    for (const point of points) toPlot(axes, point).forEach((value, axis) => {
      box[axis][0] = Math.min(box[axis][0], value);
      box[axis][1] = Math.max(box[axis][1], value);
    });
  }
  return box.map(([low, high]) => [low - .4, Math.max(high + .4, low + 1)]);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b), n = sorted.length;
  return (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
}

// plotly places its eye in units in which the box has the sides `ratio`, about the middle of the box
function scaleOf(box) { return SIZE / Math.max(...box.map(([low, high]) => high - low)); }
const toEye = (box, point) => point.map((v, i) => (v - (box[i][0] + box[i][1]) / 2) * scaleOf(box));

function viewOf(kind, frame, box) {
  const axes = axesOf(frame);
  const roots = everybody(frame).map(points =>
    toPlot(axes, points.reduce((sum, p) => add(sum, p), [0, 0, 0]).map(v => v / points.length)));
  const people = box.map(([low, high], i) => roots.length ? median(roots.map(r => r[i])) : (low + high) / 2);
  // three quarters of the people decide how much must fit, so one placed far off does not shrink the rest
  const spread = roots.map(r => Math.hypot(...add(r, people, -1))).sort((a, b) => a - b);
  const radius = Math.max(1.3, people[1] * .45, 1 + (spread[Math.floor(spread.length * .75)] || 0));
  const center = [people[0] * .7, people[1] * .7, people[2]];
  const up = { x: 0, y: 0, z: 1 };
  const xyz = point => { const [x, y, z] = toEye(box, point); return { x, y, z }; };
  if (kind === 'camera') return { eye: xyz([0, 0, 0]), center: xyz(toPlot(axes, [0, 0, 1000 * (people[1] || 3)])), up };
  const from = (direction, factor) => xyz(add(center, unit(direction), factor * radius));
  if (kind === 'top') return { eye: from([0, -.01, 1], 2.9), center: xyz(center), up: { x: 0, y: 1, z: 0 } };
  if (kind === 'side') return { eye: from([1, 0, .05], 2.9), center: xyz(center), up };
  return { eye: from([.75, -.72, .42], 2.3), center: xyz(center), up };
}

// where the eye is now, in the middle of a drag too
function currentView() {
  const plot = $('plot'), scene = plot._fullLayout && plot._fullLayout.scene && plot._fullLayout.scene._scene;
  return scene ? scene.getCamera() : plot.layout && plot.layout.scene.camera;
}

// ---------- the page
function layoutOf(frame, box, view) {
  const sides = box.map(([low, high]) => (high - low) * scaleOf(box)), level = $('level').checked && frame.ground;
  const axis = (title, range) => ({ title: { text: title, font: { size: 12 } }, range, color: INK,
    gridcolor: '#2c333d', zeroline: false, showbackground: false, showspikes: false, tickfont: { size: 10 } });
  return { paper_bgcolor: '#1b1f26', margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false,
    hoverlabel: { align: 'left', font: { size: 13 } },
    scene: { aspectmode: 'manual', aspectratio: { x: sides[0], y: sides[1], z: sides[2] },
      xaxis: axis(level ? 'right (m)' : 'x right (m)', box[0]),
      yaxis: axis(level ? 'forward (m)' : 'z forward (m)', box[1]),
      zaxis: axis(level ? 'up (m)' : 'up = −y (m)', box[2]), dragmode: 'turntable', camera: view } };
}

function drawThumbnail(frame) {
  const svg = $('overlay');
  svg.setAttribute('viewBox', `-0.5 -0.5 ${frame.size[0]} ${frame.size[1]}`);
  svg.replaceChildren();
  const width = Math.hypot(...frame.size) / 180;
  const line = (a, b, color, dash) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', 'line');
    const put = { x1: a[0], y1: a[1], x2: b[0], y2: b[1], stroke: color, 'stroke-linecap': 'round',
      'stroke-width': dash ? width / 2 : width };
    if (dash) put['stroke-dasharray'] = `${2 * width} ${1.5 * width}`;
    Object.entries(put).forEach(([key, value]) => element.setAttribute(key, value));
    svg.append(element);
  };
  const draw = (person, colorOf, dash) => person.px && data.links.forEach(([a, b], i) => {
    if (person.px[a] && person.px[b]) line(person.px[a], person.px[b], colorOf(data.linkSides[i]), dash);
  });
  if ($('show-truth').checked) frame.truth.forEach(person => draw(person, () => TRUTH, true));
  if ($('show-predicted').checked) frame.people.forEach(person => draw(person, side => person.sideColors[side], false));
}

function drawLegend(frame, box) {
  const n = frame.people.length;
  const flat = n > 0 && !frame.people.some(person => (person.cam || []).some(Boolean));
  $('count').textContent = (n === 0 ? 'nobody found' : n === 1 ? '1 person found' : `${n} people found`)
    + (flat ? ', in the picture alone: nothing is known of depths' : '');
  $('nobody').hidden = n > 0;
  $('people').replaceChildren(...frame.people.map(person => {
    const item = document.createElement('li'), swatch = document.createElement('i');
    swatch.style.background = person.color;
    const texts = [`person ${person.label}`, person.score === null ? '' : `score ${person.score.toFixed(2)}`,
      person.depth === null ? '' : `${(person.depth / 1000).toFixed(2)} m`];
    item.append(swatch, ...texts.map(text => Object.assign(document.createElement('span'), { textContent: text })));
    return item;
  }));
  $('truth-count').textContent = frame.hasTruth ? `${frame.truth.length} true (white dashes)` : '';
  $('camera').textContent = `Camera: ${frame.camera}.`;
  $('ground').textContent = !frame.ground ? 'Ground: no feet seen, no grid.'
    : `Ground: estimated from the feet of ${frame.ground.feet}; a line every ${gridStep(box)} m.`;
}

async function draw(view) {
  const frame = data.frames[state.frame], axes = axesOf(frame), box = boxOf(data.fps ? data.frames : [frame]);
  const people = peopleTraces(frame, axes);
  const camera = [...frustumTraces(frame, axes), ...imageTrace(frame, axes)];
  const traces = [...groundTraces(frame, axes, box), ...camera, ...people];
  drawThumbnail(frame);
  drawLegend(frame, box);
  $('position').textContent = `${state.frame + 1} / ${data.frames.length}`;
  $('slider').value = $('frame-list').value = state.frame;
  const layout = layoutOf(frame, box, view || currentView());
  await Plotly.react('plot', traces, layout, { displaylogo: false, modeBarButtons: [['toImage']] });
  if ($('plot').querySelector('.no-webgl')) throw new Error('this browser has no WebGL');
  // what is shown, for scripts and tests
  Object.assign(document.body.dataset, { frame: state.frame, frames: data.frames.length, people: frame.people.length,
    truth: frame.truth.length, traces: traces.length, peopleTraces: people.length,
    joints: people.reduce((sum, t) => sum + (t.mode === 'markers' ? t.x.length : 0), 0),
    meshes: people.filter(t => t.type === 'mesh3d').length, cameraSource: frame.source, ground: Boolean(frame.ground),
    ready: true });
}

async function show(index, view = data.fps ? null : 'fit') {
  state.frame = Math.min(data.frames.length - 1, Math.max(0, index));
  const frame = data.frames[state.frame], picture = $('image');
  $('thumbnail').hidden = !frame.image;
  if (frame.image) { picture.src = frame.image; await picture.decode().catch(() => {}); }
  await draw(view && viewOf(view, frame, boxOf(data.fps ? data.frames : [frame])));
}

const setView = kind => {
  if (kind === 'camera') $('plane').value = 'far';
  return show(state.frame, kind);
};

function play() {
  const running = state.timer !== null;
  $('play').textContent = running ? '▶' : '❚❚';
  if (running) { clearTimeout(state.timer); state.timer = null; return; }
  const step = async () => {
    const due = performance.now() + 1000 / data.fps;
    await show((state.frame + 1) % data.frames.length);
    if (state.timer !== null) state.timer = setTimeout(step, Math.max(0, due - performance.now()));
  };
  state.timer = setTimeout(step, 0);
}

function start() {
  $('title').textContent = data.title;
  $('frame-list').append(...data.frames.map((frame, i) => new Option(frame.title, i)));
  $('slider').max = data.frames.length - 1;
  document.querySelector('footer').hidden = data.frames.length < 2;
  $('play').hidden = !data.fps;
  $('show-truth').parentElement.hidden = !data.frames.some(frame => frame.hasTruth);
  $('show-mesh').parentElement.hidden = !faces;
  $('frame-list').onchange = event => show(+event.target.value);
  $('slider').oninput = event => show(+event.target.value);
  $('previous').onclick = () => show(state.frame - 1);
  $('next').onclick = () => show(state.frame + 1);
  $('play').onclick = play;
  const toggles = ['show-predicted', 'show-truth', 'show-mesh', 'show-ground', 'plane'];
  toggles.forEach(id => { $(id).onchange = () => draw(null); });
  $('level').onchange = () => show(state.frame, 'fit');
  document.querySelectorAll('[data-view]').forEach(button => { button.onclick = () => setView(button.dataset.view); });
  document.addEventListener('keydown', event => {
    if (['SELECT', 'INPUT'].includes(event.target.tagName)) return;
    if (event.key === 'ArrowLeft') show(state.frame - 1);
    else if (event.key === 'ArrowRight') show(state.frame + 1);
    else if (event.key === ' ' && data.fps) { event.preventDefault(); play(); }
  });
  new ResizeObserver(() => $('plot').data && Plotly.Plots.resize('plot')).observe($('plot'));
  // viewer.html#frame=3&view=top&truth=0 opens at that frame and view
  const wish = new URLSearchParams(location.hash.slice(1));
  if (wish.get('truth') === '0') $('show-truth').checked = false;
  if (wish.get('predicted') === '0') $('show-predicted').checked = false;
  const view = wish.get('view') || 'fit';
  if (view === 'camera') $('plane').value = 'far';
  return show(+(wish.get('frame') || 0), view);
}

start().catch(error => {  // say so instead of an empty page
  $('failure').hidden = false;
  $('failure').textContent = `the 3D view cannot be shown: ${error.message || error}`;
  document.body.dataset.failure = error.message || error;
});
