// The camera of the photograph: its frustum, and the image as a plane in it.
const CAMERA_COLOR = '#f0b429';

class Camera {
  constructor(stage) {
    this.edges = new Strokes(stage, { opacity: .999 });
    this.texture = new THREE.CanvasTexture($('picture'));
    Object.assign(this.texture, { colorSpace: THREE.SRGBColorSpace, minFilter: THREE.LinearFilter,
      generateMipmaps: false });
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', new THREE.BufferAttribute(new Float32Array(12), 3));
    geometry.setAttribute('uv', new THREE.BufferAttribute(new Float32Array([0, 1, 1, 1, 1, 0, 0, 0]), 2));
    geometry.setIndex([0, 3, 2, 0, 2, 1]);
    this.plane = new THREE.Mesh(geometry, new THREE.MeshBasicMaterial({ map: this.texture, side: THREE.DoubleSide }));
    this.plane.frustumCulled = false;
    stage.scene.add(this.plane);
  }
  depth(extent) {
    if ($('plane').value === 'far') return extent.deepest ? extent.deepest * 1.06 : 5;
    return extent.deepest ? Math.min(1, Math.max(.2, .3 * extent.nearest)) : 1;
  }
  show(frame, extent) {
    const camera = cameraOf(frame), matrix = matrixOf(frame), where = $('plane').value;
    this.plane.visible = Boolean(camera.K && data.frames[frame].image && where !== 'off');
    this.edges.visible = Boolean(camera.K);
    if (!camera.K) return;
    const depth = this.depth(extent), eye = apply(matrix, [0, 0, 0]), tint = rgbOf(CAMERA_COLOR);
    const corners = cornerRays(camera).map(ray => apply(matrix, ray.map(v => v * depth)));
    this.edges.clear();
    corners.forEach((corner, i) => {
      this.edges.line(eye, corner, tint, 2);
      this.edges.line(corner, corners[(i + 1) % 4], tint, 2);
    });
    // a tip over the upper edge says which way up the image is
    const [left, right, , below] = corners, height = add(left, below, -1);
    const on = (t, up) => left.map((v, i) => v + t * (right[i] - v) + up * height[i]);
    this.edges.line(on(.42, 0), on(.5, .14), tint, 2);
    this.edges.line(on(.58, 0), on(.5, .14), tint, 2);
    this.edges.opacity = where === 'far' ? .35 : 1;
    this.edges.done();
    const position = this.plane.geometry.attributes.position;
    corners.forEach((corner, i) => position.array.set(corner, 3 * i));
    position.needsUpdate = true;
  }
  refresh() {  // the picture's canvas has changed; one of another size needs a new texture
    const { width, height } = $('picture');
    if (this.size !== `${width}x${height}`) this.texture.dispose();
    this.size = `${width}x${height}`;
    this.texture.needsUpdate = true;
  }
}
