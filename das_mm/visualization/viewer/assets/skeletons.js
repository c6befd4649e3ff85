// Found people as solid bones and joints, true ones as white dashes.
const BONE_M = .019, JOINT_M = .03, LEAST_BONE_PX = 1.5, LEAST_JOINT_PX = 2.4, DASH_M = .07, GAP_M = .05;
const WHITE = [1, 1, 1];

class Skeletons {
  constructor(stage) {
    this.strokes = new Strokes(stage, { capacity: 1024 });
    this.people = [];
  }
  get joints() { return this.people.reduce((sum, one) => sum + one.points.filter(Boolean).length, 0); }

  // who is drawn of a frame, with joints in drawn metres: { table, row, kind, who, points: [[x, y, z] or null] }
  show(frame) {
    const matrix = matrixOf(frame), people = [];
    const take = (table, kind) => table.rows(frame).forEach(row => {
      const joints = table.joints(row), points = [];
      for (let k = 0; k < NUM_KEYPOINTS; k++) {
        const at = 3 * (row * NUM_KEYPOINTS + k);
        points.push(isKnown(joints, at)
          ? apply(matrix, [joints[at] / 1000, joints[at + 1] / 1000, joints[at + 2] / 1000]) : null);
      }
      if (points.some(Boolean)) people.push({ table, row, kind, points, who: table.who(row) });
    });
    if ($('show-predicted').checked) take(found, 'person');
    if ($('show-truth').checked) take(truth, 'true person');
    this.people = people;
    this.strokes.clear();
    for (const person of people) (person.table === found ? this.solid : this.dashed).call(this, person);
    this.strokes.done();
  }
  solid({ points, who }) {
    data.links.forEach(([a, b], i) => {
      if (points[a] && points[b])
        this.strokes.add(points[a], points[b], rgbOf(who.sideColors[data.linkSides[i]]), BONE_M, LEAST_BONE_PX);
    });
    points.forEach((p, k) => {
      if (p) this.strokes.add(p, p, rgbOf(who.sideColors[data.sides[k]]), JOINT_M, LEAST_JOINT_PX);
    });
  }
  dashed({ points }) {
    for (const [a, b] of data.links) {
      if (!points[a] || !points[b]) continue;
      const whole = add(points[b], points[a], -1), length = Math.hypot(...whole), on = s => add(points[a], whole, s / length);
      for (let s = 0; s < length; s += DASH_M + GAP_M)
        this.strokes.line(on(s), on(Math.min(length, s + DASH_M)), WHITE, 2);
    }
  }
}
