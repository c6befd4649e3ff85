// The floor: a grid with a scale in metres, and the paths that people of a clip take over it.
const STEPS = [.5, 1, 2, 5, 10, 20, 50, 100], MOST_STEPS = 800, PATH_S = 15;

class Floor {
  constructor(stage) {
    this.group = new THREE.Group();
    this.group.matrixAutoUpdate = false;
    this.grid = new Strokes(stage, { parent: this.group });
    this.paths = new Strokes(stage, { parent: this.group });
    this.group.visible = false;  // until it is laid
    stage.scene.add(this.group);
  }
  // drawn metres of a point over the floor: the floor lies askew where it is not levelled
  toDrawn(point) {
    const e = this.group.matrix.elements;
    return [0, 1, 2].map(i => e[i] * point[0] + e[4 + i] * point[1] + e[8 + i] * point[2] + e[12 + i]);
  }
  get isVisible() { return this.group.visible; }

  // once for each scope, and when what is drawn changes
  lay(frame, levelExtent) {
    const pose = poseOf(frame), [a, b, c, d, e, f, g, h, i, j, k, l] = pose.matrix;
    this.group.visible = pose.basis !== null && $('show-ground').checked;
    this.group.matrix.identity();
    if (!isLevel()) {
      const back = new THREE.Matrix4().set(a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, 0, 1).invert();
      this.group.matrix.set(...CAMERA_AXES, 0, 0, 0, 1).multiply(back);
    }
    this.group.matrixWorldNeedsUpdate = true;
    const { low, high } = levelExtent, span = Math.max(high[0] - low[0], high[2] - low[2], 1);
    this.step = STEPS.find(step => span / step <= 10) || 200;
    const down = v => Math.floor(v / this.step + 1e-6) * this.step, up = v => Math.ceil(v / this.step - 1e-6) * this.step;
    this.x = [down(low[0]), up(high[0])];
    this.z = [down(low[2]), up(high[2])];
    this.top = Math.max(2, Math.ceil(high[1]));
    const [[x0, x1], [z0, z1]] = [this.x, this.z];
    this.grid.clear();
    for (const x of this.ticks(this.x)) this.rule([x, 0, z0], [x, 0, z1], x === x0 || x === x1);
    for (const z of this.ticks(this.z)) this.rule([x0, 0, z], [x1, 0, z], z === z0 || z === z1);
    this.grid.done();
    this.tread(frame);
  }
  rule(a, b, isEdge) { this.grid.line(a, b, rgbOf(isEdge ? '#7d8896' : '#465160'), isEdge ? 1.8 : 1.2); }
  ticks([low, high]) {
    return Array.from({ length: Math.round((high - low) / this.step) + 1 }, (_, i) => low + i * this.step);
  }
  tread(frame) {
    this.paths.visible = IS_CLIP && $('show-paths').checked && poseOf(frame).basis !== null;
    if (!this.paths.visible) return;
    // of a long clip the last seconds: more would cover the floor
    this.trodden = seconds[frame];
    const span = this.isLong ? [frameAt(seconds[frame] - PATH_S), frame] : [0, NUM_FRAMES - 1];
    let step = .05, steps = this.steps(span, step);
    while (steps.length > MOST_STEPS) steps = this.steps(span, step *= 1.6);
    this.paths.clear();
    for (const [from, to, who] of steps) this.paths.line(from, to, rgbOf(data.identities[who].color), 2);
    this.paths.done();
  }
  get isLong() { return duration > 2 * PATH_S; }
  follow(frame) { if (IS_CLIP && this.isLong && Math.abs(seconds[frame] - this.trodden) > .5) this.tread(frame); }
  // [from, to, identity] for all that people walk, in pieces of at least so many metres
  steps([first, end], least) {
    const last = new Map(), steps = [];
    for (let one = first; one <= end; one++) for (const row of found.rows(one)) {
      const who = found.identity[row], foot = this.below(one, row);
      if (!foot || data.identities[who].label === '?') continue;
      const before = last.get(who);
      // not over a gap, in which nobody knows where the person was
      if (!before || before.frame !== one - 1) last.set(who, { frame: one, foot });
      else {
        before.frame = one;
        if (Math.hypot(...add(foot, before.foot, -1)) < least) continue;
        steps.push([before.foot, foot, who]);
        before.foot = foot;
      }
    }
    return steps;
  }
  // where a person stands on the floor: below the middle of the joints
  below(frame, row) {
    const joints = found.joints(row), sum = [0, 0, 0];
    let count = 0;
    for (let k = 0; k < NUM_KEYPOINTS; k++) {
      const at = 3 * (row * NUM_KEYPOINTS + k);
      if (!isKnown(joints, at)) continue;
      for (let i = 0; i < 3; i++) sum[i] += joints[at + i] / 1000;
      count++;
    }
    const [x, , z] = apply(poseOf(frame).matrix, sum.map(v => v / (count || 1)));
    return count ? [x, .005, z] : null;
  }
}
