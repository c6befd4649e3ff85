// Every line, bone and joint of the picture: round strokes between two points that face the eye. A stroke is four corners
// that the GPU spreads to a width in metres, but never less than some pixels; a joint is a stroke of no length. One draw
// call takes all strokes of a kind, without instancing, which software drawing is slow at.
const STROKE_VERTEX = `
attribute vec3 end;
attribute vec2 corner;    // side -1 or 1; end 0 or 1
attribute vec2 halfWidth; // metres, least px
attribute vec3 tint;
uniform vec2 screen;      // px
uniform float metresPerPixel, near;
varying vec2 place;       // px along the stroke and across
varying vec2 radii;       // px at start and end
varying float len;
varying vec3 shown;
varying float solid;

float radius(float depth) {
  return max(halfWidth.x / (depth * metresPerPixel), halfWidth.y);
}
void main() {
  vec4 a = modelViewMatrix * vec4(position, 1.0), b = modelViewMatrix * vec4(end, 1.0);
  if (a.z > -near && b.z > -near) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
  // the part behind the eye is cut off
  if (a.z > -near) a = mix(b, a, (b.z + near) / (b.z - a.z));
  if (b.z > -near) b = mix(a, b, (a.z + near) / (a.z - b.z));
  vec4 seenA = projectionMatrix * a, seenB = projectionMatrix * b;
  vec3 from = seenA.xyz / seenA.w, to = seenB.xyz / seenB.w;
  vec2 along = (to.xy - from.xy) * screen / 2.0;
  len = length(along);
  along = len > 1e-3 ? along / len : vec2(1.0, 0.0);
  radii = vec2(radius(-a.z), radius(-b.z));
  float own = corner.y < 0.5 ? radii.x : radii.y, reach = own + 1.0;
  float forth = corner.y < 0.5 ? -reach : len + reach;
  place = vec2(forth, corner.x * max(reach, max(radii.x, radii.y) + 1.0));
  vec2 offset = along * (corner.y < 0.5 ? -reach : reach) + vec2(-along.y, along.x) * place.y;
  vec3 at = corner.y < 0.5 ? from : to;
  // already divided: what varies then does so evenly over the screen
  gl_Position = vec4(at.xy + 2.0 * offset / screen, at.z, 1.0);
  shown = tint;
  solid = halfWidth.x > 0.0 ? 1.0 : 0.0;
}`;
const STROKE_FRAGMENT = `
uniform float opacity;
varying vec2 place, radii;
varying float len, solid;
varying vec3 shown;
void main() {
  float t = clamp(place.x, 0.0, len), radius = mix(radii.x, radii.y, len > 0.0 ? t / len : 0.0);
  float away = length(vec2(place.x - t, place.y));
  float cover = clamp(radius + 0.5 - away, 0.0, 1.0);
  if (cover < 0.02) discard;
  float rim = min(away / max(radius, 1e-3), 1.0);
  float light = mix(1.0, 0.66 + 0.38 * sqrt(1.0 - rim * rim), solid);  // as if round
  gl_FragColor = vec4(min(shown * light, 1.0), cover * opacity);
}`;
const CORNERS = [-1, 0, 1, 0, 1, 1, -1, 1];

class Strokes {
  // capacity: strokes at first; it grows
  constructor(stage, { capacity = 64, opacity = 1, parent = stage.scene } = {}) {
    const shared = stage.strokeUniforms ||= { screen: { value: new THREE.Vector2(1, 1) }, metresPerPixel: { value: 1 },
      near: { value: stage.camera.near * 1.01 } };
    const isOpaque = opacity === 1;
    this.mesh = new THREE.Mesh(new THREE.BufferGeometry(), new THREE.ShaderMaterial({ vertexShader: STROKE_VERTEX,
      fragmentShader: STROKE_FRAGMENT, uniforms: { ...shared, opacity: { value: opacity } },
      // smooth edges without sorting: the share of a pixel that is covered
      alphaToCoverage: isOpaque, transparent: !isOpaque, depthWrite: isOpaque, side: THREE.DoubleSide }));
    this.mesh.frustumCulled = false;
    this.grow(capacity);
    parent.add(this.mesh);
  }
  get visible() { return this.mesh.visible; }
  set visible(value) { this.mesh.visible = value; }
  set opacity(value) { this.mesh.material.uniforms.opacity.value = value; }

  grow(capacity) {
    const { geometry } = this.mesh, old = this.parts;
    geometry.dispose();
    this.capacity = capacity;
    const index = new Uint32Array(6 * capacity), corner = new Int8Array(8 * capacity);
    for (let i = 0; i < capacity; i++) {
      index.set([0, 1, 2, 0, 2, 3].map(v => 4 * i + v), 6 * i);
      corner.set(CORNERS, 8 * i);
    }
    geometry.setIndex(new THREE.BufferAttribute(index, 1));
    geometry.setAttribute('corner', new THREE.BufferAttribute(corner, 2));
    this.parts = { position: 3, end: 3, tint: 3, halfWidth: 2 };
    for (const [name, size] of Object.entries(this.parts)) {
      const attribute = new THREE.BufferAttribute(new Float32Array(4 * size * capacity), size);
      attribute.setUsage(THREE.DynamicDrawUsage);
      if (old) attribute.array.set(old[name].array);
      geometry.setAttribute(name, attribute);
      this.parts[name] = attribute;
    }
  }
  clear() { this.count = 0; return this; }
  // from a to b (arrays); tint: rgb of 0 to 1; half widths in metres (0: a line, not a solid) and the least in px
  add(a, b, tint, metres, px) {
    if (this.count === this.capacity) this.grow(2 * this.capacity);
    const { position, end, tint: color, halfWidth } = this.parts, at = 4 * this.count++;
    for (let i = at; i < at + 4; i++) {
      const j = 3 * i;
      position.array[j] = a[0]; position.array[j + 1] = a[1]; position.array[j + 2] = a[2];
      end.array[j] = b[0]; end.array[j + 1] = b[1]; end.array[j + 2] = b[2];
      color.array[j] = tint[0]; color.array[j + 1] = tint[1]; color.array[j + 2] = tint[2];
      halfWidth.array[2 * i] = metres; halfWidth.array[2 * i + 1] = px;
    }
  }
  line(a, b, tint, px) { this.add(a, b, tint, 0, px / 2); }
  done() {
    this.mesh.geometry.setDrawRange(0, 6 * this.count);
    for (const part of Object.values(this.parts)) {
      part.clearUpdateRanges();
      part.addUpdateRange(0, 4 * part.itemSize * this.count);
      part.needsUpdate = true;
    }
  }
}

const rgbOf = (() => {  // '#rrggbb' to numbers, each made once
  const known = new Map();
  const made = color => [1, 3, 5].map(i => parseInt(color.slice(i, i + 2), 16) / 255);
  return color => known.get(color) || known.set(color, made(color)).get(color);
})();
