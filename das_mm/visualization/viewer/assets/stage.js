// The canvas, the light and the eye. Nothing is drawn before something has changed.
class Stage {
  constructor() {
    this.element = $('plot');
    try {
      this.renderer = new THREE.WebGLRenderer({ canvas: $('canvas'), antialias: true });
    } catch (error) { throw new Error('this browser has no WebGL'); }
    this.renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    this.renderer.setClearColor('#1b1f26');
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(40, 1, .05, 500);
    this.controls = new THREE.OrbitControls(this.camera, $('canvas'));
    Object.assign(this.controls, { minDistance: .2, maxDistance: 150, zoomSpeed: 1.2 });
    this.sun = new THREE.DirectionalLight('#ffffff', 1.7);
    this.scene.add(new THREE.HemisphereLight('#ffffff', '#8a8f99', 2.2), this.sun);
    this.rendered = 0;
    this.locked = null;  // the photograph's own camera, while one looks through it
    this.after = [];     // what is drawn on top of it
    this.controls.addEventListener('start', () => this.unlock());
    this.controls.addEventListener('change', () => this.request());
    new ResizeObserver(() => this.resize()).observe(this.element);
  }
  get width() { return this.element.clientWidth || 1; }
  get height() { return this.element.clientHeight || 1; }

  resize() {
    this.renderer.setSize(this.width, this.height, false);
    this.camera.aspect = this.width / this.height;
    if (this.locked) this.fitField(this.locked);
    this.camera.updateProjectionMatrix();
    this.render();  // at once: a canvas of a new size is empty
  }
  request() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => this.render());
  }
  render() {
    cancelAnimationFrame(this.waiting);
    this.waiting = null;
    if (this.locked) this.turnTo(this.locked);
    this.camera.updateMatrixWorld();
    this.sun.position.copy(this.camera.position).add(new THREE.Vector3(0, 2, 0));
    this.sun.target.position.copy(this.controls.target);
    this.sun.target.updateMatrixWorld();
    if (this.strokeUniforms) {
      this.renderer.getDrawingBufferSize(this.strokeUniforms.screen.value).divideScalar(this.renderer.getPixelRatio());
      this.strokeUniforms.metresPerPixel.value = this.metresPerPixel;
    }
    this.renderer.render(this.scene, this.camera);
    for (const one of this.after) one.draw(this);
    this.rendered++;
  }

  // where a point is seen, px of the page: [x, y, depth > 0 in front]
  project(p) {
    const e = this.camera.matrixWorldInverse.elements, q = this.camera.projectionMatrix.elements;
    const x = e[0] * p[0] + e[4] * p[1] + e[8] * p[2] + e[12], y = e[1] * p[0] + e[5] * p[1] + e[9] * p[2] + e[13];
    const depth = -(e[2] * p[0] + e[6] * p[1] + e[10] * p[2] + e[14]);
    return [(q[0] * x / depth - q[8] + 1) / 2 * this.width, (1 - q[5] * y / depth + q[9]) / 2 * this.height, depth];
  }
  // metres that a pixel covers at a depth of one metre
  get metresPerPixel() { return 2 * Math.tan(this.camera.fov * Math.PI / 360) / this.height; }

  // ---------- views
  look(eye, target) {
    this.unlock();
    this.camera.position.set(...eye);
    this.controls.target.set(...target);
    this.controls.update();
    this.request();
  }
  unlock() {
    if (!this.locked) return;
    this.locked = null;
    this.camera.fov = 40;
    this.camera.updateProjectionMatrix();
    this.controls.update();
  }
  // as the photograph was taken: the eye in its centre, the whole image in sight
  lookThrough(camera, matrix, depth) {
    this.unlock();
    const eye = apply(matrix, [0, 0, 0]), ahead = apply(matrix, [0, 0, depth]);
    this.camera.position.set(...eye);
    this.controls.target.set(...ahead);
    this.locked = { camera, axes: [[1, 0, 0], [0, -1, 0], [0, 0, -1]].map(axis => turn(matrix, axis)) };
    this.fitField(this.locked);
    this.request();
  }
  fitField({ camera }) {
    const rays = camera.K ? cornerRays(camera) : [[.6, .4]];
    const across = Math.max(...rays.map(r => Math.abs(r[0]))), down = Math.max(...rays.map(r => Math.abs(r[1])));
    this.camera.fov = 2 * Math.atan(1.04 * Math.max(down, across / this.camera.aspect)) * 180 / Math.PI;
    this.camera.updateProjectionMatrix();
  }
  turnTo({ axes }) {
    const [x, y, z] = axes;
    this.camera.quaternion.setFromRotationMatrix(new THREE.Matrix4().set(
      x[0], y[0], z[0], 0, x[1], y[1], z[1], 0, x[2], y[2], z[2], 0, 0, 0, 0, 1));
  }
  view(kind, frame, extent) {
    const matrix = matrixOf(frame), { roots } = extent;
    const people = roots.length ? [0, 1, 2].map(i => median(roots.map(r => r[i]))) : apply(matrix, [0, 0, 3]);
    const eye = apply(matrix, [0, 0, 0]), far = Math.hypot(...add(people, eye, -1));
    if (kind === 'camera') return this.lookThrough(cameraOf(frame), matrix, far || 3);
    // three quarters of the people decide how much must fit, so one placed far off does not shrink the rest
    const spread = roots.map(r => Math.hypot(...add(r, people, -1))).sort((a, b) => a - b);
    const narrow = Math.max(1, 1.15 / this.camera.aspect);
    const radius = narrow * Math.max(1.3, far * .5, 1 + (spread[Math.floor(spread.length * .75)] || 0));
    const center = add(people, add(eye, people, -1).map((v, i) => (i === 1 ? 0 : (.3 * v))));
    const ahead = turn(matrix, [0, 0, 1]), forward = unit([ahead[0], 0, ahead[2] || -1e-6]);
    const right = [-forward[2], 0, forward[0]];
    const from = (r, f, u, factor) =>
      add(center, unit([r * right[0] + f * forward[0], u, r * right[2] + f * forward[2]]), factor * radius);
    if (kind === 'top') this.look(from(0, -.001, 1, 2.9), center);
    else if (kind === 'side') this.look(from(1, 0, .05, 2.9), center);
    else this.look(from(.75, -.72, .42, 2.7), center);
  }
}
