// Body surfaces: the 16-bit vertices go to the GPU as they are; one geometry for each body that is seen at once.
class Bodies {
  constructor(stage) {
    this.group = new THREE.Group();
    this.group.matrixAutoUpdate = false;
    this.slots = [];
    stage.scene.add(this.group);
    if (meshes) this.index = new THREE.BufferAttribute(meshes.faces, 1);
  }
  get count() { return this.slots.filter(slot => slot.visible).length; }

  show(frame) {
    let used = 0;
    if (meshes && $('show-mesh').checked) {
      const [a, b, c, d, e, f, g, h, i, j, k, l] = matrixOf(frame);
      this.group.matrix.set(a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, 0, 1);
      this.group.matrixWorldNeedsUpdate = true;
      const take = (table, color, opacity) => table.rows(frame).forEach(row => {
        if (table.mesh[row] >= 0) this.fill(used++, table.mesh[row], color(row), opacity);
      });
      if ($('show-predicted').checked) take(found, row => found.who(row).color, .72);
      if ($('show-truth').checked) take(truth, () => '#ffffff', .3);
    }
    this.slots.forEach((slot, i) => { slot.visible = i < used; });
  }

  fill(number, body, color, opacity) {
    const slot = this.slots[number] || this.add();
    const position = slot.geometry.attributes.position, size = 3 * meshes.size;
    position.array = meshes.vertices.subarray(body * size, (body + 1) * size);
    position.needsUpdate = true;
    normals(position.array, meshes.faces, slot.geometry.attributes.normal.array);
    slot.geometry.attributes.normal.needsUpdate = true;
    slot.position.fromArray(meshes.origins, 3 * body).multiplyScalar(.001);
    slot.material.color.set(color);
    slot.material.opacity = opacity;
  }
  add() {
    const geometry = new THREE.BufferGeometry(), size = 3 * meshes.size;
    geometry.setIndex(this.index);
    geometry.setAttribute('position', new THREE.BufferAttribute(new Int16Array(size), 3));
    geometry.setAttribute('normal', new THREE.BufferAttribute(new Float32Array(size), 3));
    // the side away from the eye is left out, and what lies behind a body is hidden by it
    const slot = new THREE.Mesh(geometry, new THREE.MeshLambertMaterial({ transparent: true }));
    slot.scale.setScalar(.001);
    slot.frustumCulled = false;
    this.slots.push(slot);
    this.group.add(slot);
    return slot;
  }
}

// smooth normals: each face's, by its area, summed at its corners
function normals(v, faces, out) {
  out.fill(0);
  for (let f = 0; f < faces.length; f += 3) {
    const a = 3 * faces[f], b = 3 * faces[f + 1], c = 3 * faces[f + 2];
    const ux = v[b] - v[a], uy = v[b + 1] - v[a + 1], uz = v[b + 2] - v[a + 2];
    const wx = v[c] - v[a], wy = v[c + 1] - v[a + 1], wz = v[c + 2] - v[a + 2];
    const x = uy * wz - uz * wy, y = uz * wx - ux * wz, z = ux * wy - uy * wx;
    out[a] += x; out[a + 1] += y; out[a + 2] += z;
    out[b] += x; out[b + 1] += y; out[b + 2] += z;
    out[c] += x; out[c + 1] += y; out[c + 2] += z;
  }
  for (let i = 0; i < out.length; i += 3) {
    const n = Math.hypot(out[i], out[i + 1], out[i + 2]) || 1;
    out[i] /= n; out[i + 1] /= n; out[i + 2] /= n;
  }
}
