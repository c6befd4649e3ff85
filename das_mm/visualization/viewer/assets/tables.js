'use strict';
// The data of the page. Millimetres in the camera frame (x right, y down, z forward) come in; what is drawn is in metres,
// y up: over the floor ("level"), or along the camera's own axes.
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const KINDS = { i2: Int16Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };
const CAMERA_AXES = [1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0];  // 3x4, row by row
const NUM_KEYPOINTS = data.names.length, NUM_FRAMES = data.frames.length, IS_CLIP = Boolean(data.fps);

function bytesOf(text) {
  const raw = atob(text), out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}
const unpacked = packed => packed && new KINDS[packed.kind](bytesOf(packed.bytes).buffer);

// one row a person and image; see people_table.py
class PeopleTable {
  constructor(packed) {
    this.starts = packed.starts;
    for (const name of ['identity', 'score', 'depth', 'cam', 'body', 'px', 'jointScores', 'mesh'])
      this[name] = unpacked(packed[name]);
    this.size = this.identity.length;
    const hasBody = row => this.body && this.has(this.body, row);
    this.hasBody = Uint8Array.from({ length: this.size }, (_, row) => hasBody(row));
  }
  rows(frame) {
    return Array.from({ length: this.starts[frame + 1] - this.starts[frame] }, (_, i) => this.starts[frame] + i);
  }
  has(points, row) {
    for (let k = 0; k < NUM_KEYPOINTS; k++) if (isKnown(points, 3 * (row * NUM_KEYPOINTS + k))) return true;
    return false;
  }
  // the joints that are drawn: of the body that stands for the person, or those that the keypoints say
  joints(row) { return this.hasBody[row] && $('skeleton').value === 'body' ? this.body : this.cam; }
  who(row) { return data.identities[this.identity[row]]; }
}
const leastOf = array => (array instanceof Int16Array ? -32768 : -2147483648);
const isKnown = (points, at) => points[at] !== leastOf(points);

const found = new PeopleTable(data.people), truth = new PeopleTable(data.truth);
const meshes = data.meshes && { size: data.meshes.size, faces: unpacked(data.meshes.faces),
  origins: unpacked(data.meshes.origins), vertices: unpacked(data.meshes.vertices) };

// ---------- geometry on plain arrays
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const add = (a, b, s = 1) => a.map((v, i) => v + s * b[i]);
const unit = a => { const n = Math.hypot(...a) || 1; return a.map(v => v / n); };
const median = values => {
  const sorted = [...values].sort((a, b) => a - b), n = sorted.length;
  return (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
};
const cameraOf = frame => data.cameras[data.frames[frame].camera];
const poseOf = frame => data.poses[data.frames[frame].pose];
const isLevel = () => $('level').checked;
// 3x4 from the camera frame (metres) to what is drawn
const matrixOf = (frame, level = isLevel()) => (level ? poseOf(frame).matrix : CAMERA_AXES);
const apply = (m, p) => [0, 4, 8].map(r => m[r] * p[0] + m[r + 1] * p[1] + m[r + 2] * p[2] + m[r + 3]);
const turn = (m, p) => [0, 4, 8].map(r => m[r] * p[0] + m[r + 1] * p[1] + m[r + 2] * p[2]);

function pixelRay(K, u, v) {  // K [x, y, 1] = [u, v, 1]
  const y = (v - K[1][2]) / K[1][1];
  return [(u - K[0][2] - K[0][1] * y) / K[0][0], y, 1];
}
// the rays through the corners of an image: top left, top right, bottom right, bottom left
const cornerRays = ({ K, size: [w, h] }) =>
  [[-.5, -.5], [w - .5, -.5], [w - .5, h - .5], [-.5, h - .5]].map(([u, v]) => pixelRay(K, u, v));

// the images that share view and floor: all of a clip, else the one shown
const scopeOf = frame => (IS_CLIP ? Array.from({ length: NUM_FRAMES }, (_, i) => i) : [frame]);

// what is known of the extent of everybody in the scope, drawn metres; made anew when what is drawn changes
function measured(frame, level = isLevel()) {
  const roots = [], low = [0, 0, 0], high = [0, 0, 0];
  let nearestOfAll = Infinity, deepestOfAll = 0;
  for (const one of scopeOf(frame)) {
    const matrix = matrixOf(one, level);
    extend(low, high, apply(matrix, [0, 0, 0]));
    for (const table of [found, truth]) for (const row of table.rows(one)) {
      const points = table.joints(row), sum = [0, 0, 0];
      let count = 0, nearest = Infinity, deepest = 0;
      for (let k = 0; k < NUM_KEYPOINTS; k++) {
        const at = 3 * (row * NUM_KEYPOINTS + k);
        if (!isKnown(points, at)) continue;
        for (let i = 0; i < 3; i++) sum[i] += points[at + i] / 1000;
        nearest = Math.min(nearest, points[at + 2] / 1000);
        deepest = Math.max(deepest, points[at + 2] / 1000);
        count++;
      }
      if (!count) continue;
      roots.push(apply(matrix, sum.map(v => v / count)));
      nearestOfAll = Math.min(nearestOfAll, nearest);
      deepestOfAll = Math.max(deepestOfAll, deepest);
    }
  }
  // one of a hundred may be anywhere: it does not make the floor a desert
  const share = roots.length > 100 ? .01 : 0;
  for (let i = 0; i < 3 && roots.length; i++) {
    const sorted = roots.map(r => r[i]).sort((a, b) => a - b), n = sorted.length;
    low[i] = Math.min(low[i], sorted[Math.floor(share * (n - 1))] - 1);
    high[i] = Math.max(high[i], sorted[Math.ceil((1 - share) * (n - 1))] + 1);
  }
  return { roots, low, high, nearest: nearestOfAll, deepest: deepestOfAll };
}
function extend(low, high, point) {
  point.forEach((v, i) => { low[i] = Math.min(low[i], v); high[i] = Math.max(high[i], v); });
}
