// What is written over the 3D picture: who is who, the scale of the floor, the axes, and the joint under the mouse.
const AXIS_COLORS = { x: '#ff7b72', y: '#7ee787', z: '#79c0ff' }, INK = '#d5dae1';
const DIM = '#a3adba', HALO = '#14171c', FONT = '"Segoe UI", system-ui, "DejaVu Sans", sans-serif';

class Labels {
  constructor(stage, skeletons, floor) {
    Object.assign(this, { stage, skeletons, floor, pointed: null });
    this.context = $('labels').getContext('2d');
    stage.after.push(this);
    const canvas = $('canvas');
    canvas.addEventListener('pointermove', event => { if (!event.buttons) this.point(event, 12); });
    canvas.addEventListener('pointerleave', event => { if (event.pointerType !== 'touch') this.point(null); });
    canvas.addEventListener('pointerdown', event => { this.down = [event.clientX, event.clientY]; });
    canvas.addEventListener('pointerup', event => {  // a tap; a drag has moved
      const moved = this.down && Math.hypot(event.clientX - this.down[0], event.clientY - this.down[1]);
      this.point(moved < 8 ? event : null, event.pointerType === 'touch' ? 28 : 12);
    });
  }

  draw(stage) {
    const ratio = Math.min(2, devicePixelRatio), { canvas } = this.context;
    const [width, height] = [Math.round(stage.width * ratio), Math.round(stage.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, stage.width, stage.height);
    this.taken = this.skeletons.people.map(({ points }) => this.boxOf(points));
    if (this.floor.isVisible) this.drawScale();
    this.drawAxes();
    this.drawPeople();
    if (this.pointed) this.drawPointed();
  }
  write(text, x, y, color, size, { align = 'center', bold = false } = {}) {
    const c = this.context;
    c.font = `${bold ? '600 ' : ''}${size}px ${FONT}`;
    Object.assign(c, { textAlign: align, textBaseline: 'middle', lineJoin: 'round', lineWidth: 3.5, strokeStyle: HALO,
      fillStyle: color });
    c.strokeText(text, x, y);
    c.fillText(text, x, y);
  }
  // not where something is written already
  writeOnce(text, x, y, color, size, options) {
    const half = [.32 * size * text.length, .65 * size];
    if (x < -9 || y < 0 || x > this.stage.width + 9 || y > this.stage.height) return;
    if (this.taken.some(t => Math.abs(t[0] - x) < t[2] + half[0] && Math.abs(t[1] - y) < t[3] + half[1])) return;
    this.taken.push([x, y, ...half]);
    this.write(text, x, y, color, size, options);
  }

  boxOf(points) {  // middle and half sides, px
    const seen = points.filter(Boolean).map(p => this.stage.project(p)).filter(p => p[2] > 0);
    if (!seen.length) return [0, 0, -1e9, -1e9];
    const sides = [0, 1].map(i => seen.map(p => p[i])), low = sides.map(s => Math.min(...s)), high = sides.map(s => Math.max(...s));
    return [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (high[0] - low[0]) / 2, (high[1] - low[1]) / 2 + 8];
  }
  drawPeople() {
    for (const { table, points, who } of this.skeletons.people) if (table === found) {
      const top = points.reduce((best, p) => (p && (!best || p[1] > best[1]) ? p : best), null);
      const [x, y, depth] = this.stage.project([top[0], top[1] + .16, top[2]]);
      if (depth > 0) this.write(who.label, x, y, who.color, 15, { bold: true });
    }
  }

  // metres along two edges of the floor, those with more of their marks in sight, and up the leftmost corner in sight
  drawScale() {
    const { floor } = this, words = axisWords(poseOf(state.frame)), gap = .3 * floor.step;
    const middle = ([low, high]) => (low + high) / 2, eye = this.stage.camera.position;
    // each axis with its ticks on either edge: [ticks, edges, point on the floor of tick and edge, nearness of the edge]
    const axes = [
      [floor.ticks(floor.x), floor.z, (tick, edge) => [tick, 0, edge], edge => -Math.abs(edge - eye.z), 1, 'x'],
      [floor.ticks(floor.z), floor.x, (tick, edge) => [edge, 0, tick], edge => -Math.abs(edge - eye.x), words.zSign, 'z'],
    ];
    for (const [ticks, edges, at, nearness, sign, name] of axes) {
      const out = edge => (edge === edges[0] ? -gap : gap);
      const seen = edge => ticks.filter(tick => this.isSeen(at(tick, edge + out(edge)))).length;
      const [edge] = [...edges].sort((a, b) => seen(b) - seen(a) || nearness(b) - nearness(a));
      this.put(at(middle(name === 'x' ? floor.x : floor.z), edge + 2.6 * out(edge)), words[name], AXIS_COLORS[name], 13);
      for (const tick of ticks) this.put(at(tick, edge + out(edge)), `${short(sign * tick)} m`, DIM, 11);
    }
    const [left] = floor.x.flatMap(x => floor.z.map(z => [x, 0, z])).filter(corner => this.isSeen(corner))
      .sort((a, b) => this.stage.project(floor.toDrawn(a))[0] - this.stage.project(floor.toDrawn(b))[0]);
    if (!left) return;
    this.ruler(left, floor.top);
    for (let y = 1; y <= floor.top; y++) this.put([left[0], y, left[2]], `${y} m`, DIM, 11);
    this.put([left[0], floor.top + .3, left[2]], words.y, AXIS_COLORS.y, 13);
  }
  put(point, text, color, size = 12) {
    const [x, y, depth] = this.stage.project(this.floor.toDrawn(point));
    if (depth > 0) this.writeOnce(text, x, y, color, size);
  }
  isSeen(point) {
    const [x, y, depth] = this.stage.project(this.floor.toDrawn(point));
    return depth > 0 && x > 34 && y > 8 && x < this.stage.width - 34 && y < this.stage.height - 8;
  }
  ruler([x, , z], top) {
    const [a, b] = [0, top].map(y => this.stage.project(this.floor.toDrawn([x, y, z])));
    if (a[2] < 0 || b[2] < 0) return;
    const c = this.context;
    Object.assign(c, { strokeStyle: '#7d8896', lineWidth: 1.5 });
    c.beginPath(); c.moveTo(a[0], a[1]); c.lineTo(b[0], b[1]); c.stroke();
  }

  // a small tripod in the corner: which way is what
  drawAxes() {
    const origin = [52, this.stage.height - 52], e = this.stage.camera.matrixWorldInverse.elements, c = this.context;
    const words = axisWords(poseOf(state.frame));
    for (const [name, i, sign] of [['x', 0, 1], ['y', 1, 1], ['z', 2, words.zSign]]) {
      const at = [origin[0] + sign * 34 * e[4 * i], origin[1] - sign * 34 * e[4 * i + 1]];
      Object.assign(c, { strokeStyle: AXIS_COLORS[name], lineWidth: 2.5 });
      c.beginPath(); c.moveTo(...origin); c.lineTo(...at); c.stroke();
      if (Math.hypot(...add(at, origin, -1)) < 9) continue;  // straight at the eye or away from it
      const end = add(at, unit(add(at, origin, -1)), 13);
      this.write(words.short[i], end[0], end[1], AXIS_COLORS[name], 12, { bold: true });
    }
  }

  // ---------- the joint under the mouse or finger
  point(event, reach) {
    let best = null;
    if (event) {
      const box = $('canvas').getBoundingClientRect(), [mx, my] = [event.clientX - box.left, event.clientY - box.top];
      for (const person of this.skeletons.people) person.points.forEach((p, k) => {
        if (!p) return;
        const [x, y, depth] = this.stage.project(p), away = Math.hypot(x - mx, y - my);
        // of two that are equally near, the one in front
        if (depth > 0 && away < reach && (!best || away + depth < best.rank)) best = { person, k, rank: away + depth };
      });
    }
    if (!best && !this.pointed) return;
    this.pointed = best && { row: best.person.row, table: best.person.table, k: best.k };
    this.tell(best);
    this.stage.request();
  }
  tell(best) {
    $('joint').hidden = !best;
    if (!best) return;
    const { person, k } = best, [x, y] = this.stage.project(person.points[k]);
    $('joint').textContent = jointWords(person, k);
    Object.assign($('joint').style, { left: `${Math.min(x + 14, this.stage.width - 190)}px`,
      top: `${Math.min(Math.max(y - 30, 4), this.stage.height - 110)}px` });
  }
  drawPointed() {
    const { table, row, k } = this.pointed;
    const person = this.skeletons.people.find(one => one.table === table && one.row === row);
    if (!person || !person.points[k]) { this.pointed = null; $('joint').hidden = true; return; }
    const [x, y] = this.stage.project(person.points[k]), c = this.context;
    Object.assign(c, { strokeStyle: '#ffffff', lineWidth: 2 });
    c.beginPath(); c.arc(x, y, 8, 0, 2 * Math.PI); c.stroke();
  }
}

// place of a joint in the camera frame, as results tell it
function jointWords({ table, row, kind, who }, k) {
  const joints = table.joints(row), at = 3 * (row * NUM_KEYPOINTS + k);
  const score = table.jointScores && table.jointScores[row * NUM_KEYPOINTS + k];
  const lines = [`${data.names[k]}, ${kind} ${who.label}`, ...['x', 'y', 'z'].map((n, i) => `${n} ${joints[at + i]} mm`)];
  if (joints === table.body) lines.push('of the body');
  else if (score != null && score <= 250) lines.push(`score ${(score / 250).toFixed(2)}`);
  return lines.join('\n');
}
const short = value => String(Math.round(value * 100) / 100).replace('-', '−');
function axisWords(pose) {
  if (!isLevel() || pose.basis === null)
    return { x: 'x, right (m)', y: 'up = −y (m)', z: 'z, forward (m)', zSign: -1, short: ['x', '−y', 'z'] };
  if (pose.basis === 'world') return { x: 'x (m)', y: 'y, up (m)', z: 'z (m)', zSign: 1, short: ['x', 'y', 'z'] };
  return { x: 'right (m)', y: 'up (m)', z: 'forward (m)', zSign: -1, short: ['right', 'up', 'forward'] };
}
