// Beside the 3D picture: the image with its skeletons in 2D, and who was found.
const KEPT_PICTURES = 24;

// Images of frames, decoded when they are wanted; a few of the last ones are kept.
class Pictures {
  constructor() { this.kept = new Map(); }
  get(frame) {
    let one = this.kept.get(frame);
    if (one) this.kept.delete(frame);
    else {
      one = { bitmap: null };
      const text = data.frames[frame].image;
      one.ready = !text ? Promise.resolve() : createImageBitmap(new Blob([bytesOf(text)], { type: 'image/jpeg' }))
        .then(bitmap => { one.bitmap = bitmap; }, () => {});
    }
    this.kept.set(frame, one);
    for (const [key, old] of this.kept) {
      if (this.kept.size <= KEPT_PICTURES) break;
      this.kept.delete(key);
      old.ready.then(() => old.bitmap && old.bitmap.close());
    }
    return one;
  }
}

// onto a canvas that the image plane takes as its texture; true if it was there
function paintPicture(one) {
  const canvas = $('picture');
  if (!one.bitmap) return false;
  const { width, height } = one.bitmap;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext('2d').drawImage(one.bitmap, 0, 0);
  return true;
}

function drawThumbnail(frame) {
  const canvas = $('overlay'), { width, height } = $('picture'), [w] = cameraOf(frame).size;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const c = canvas.getContext('2d'), scale = width / w;
  c.clearRect(0, 0, width, height);
  c.lineCap = 'round';
  const draw = (table, row, colorOf, dash, px) => data.links.forEach(([a, b], i) => {
    const [p, q] = [a, b].map(k => 2 * (row * NUM_KEYPOINTS + k));
    if (!isKnown(table.px, p) || !isKnown(table.px, q)) return;
    c.beginPath();
    c.moveTo((table.px[p] / 4 + .5) * scale, (table.px[p + 1] / 4 + .5) * scale);
    c.lineTo((table.px[q] / 4 + .5) * scale, (table.px[q + 1] / 4 + .5) * scale);
    Object.assign(c, { strokeStyle: colorOf(data.linkSides[i]), lineWidth: px });
    c.setLineDash(dash);
    c.stroke();
  });
  const wide = Math.hypot(width, height) / 180;
  if ($('show-truth').checked)
    truth.rows(frame).forEach(row => draw(truth, row, () => '#ffffff', [2 * wide, 1.5 * wide], wide / 2));
  if ($('show-predicted').checked)
    found.rows(frame).forEach(row => draw(found, row, side => found.who(row).sideColors[side], [], wide));
}

function drawLegend(frame) {
  const rows = found.rows(frame), n = rows.length, list = $('people');
  const flat = n > 0 && !rows.some(row => found.has(found.cam, row));
  $('count').textContent = (n === 0 ? 'nobody found' : n === 1 ? '1 person found' : `${n} people found`)
    + (flat ? ', in the picture alone: nothing is known of depths' : '');
  $('nobody').hidden = n > 0;
  while (list.children.length < n) {
    const item = document.createElement('li');
    item.append(document.createElement('i'), ...Array.from({ length: 3 }, () => document.createElement('span')));
    list.append(item);
  }
  [...list.children].forEach((item, i) => {
    item.hidden = i >= n;
    if (i >= n) return;
    const row = rows[i], who = found.who(row), score = found.score[row], depth = found.depth[row];
    const texts = [`person ${who.label}`, Number.isFinite(score) ? `score ${score.toFixed(2)}` : '',
      Number.isFinite(depth) ? `${(depth / 1000).toFixed(2)} m` : ''];
    item.firstChild.style.background = who.color;
    texts.forEach((text, j) => { if (item.children[j + 1].textContent !== text) item.children[j + 1].textContent = text; });
  });
  const one = data.frames[frame], pose = poseOf(frame);
  $('truth-count').textContent = one.hasTruth ? `${truth.rows(frame).length} true (white dashes)` : '';
  $('camera').textContent = `Camera: ${cameraOf(frame).text}.`;
  $('ground').textContent = pose.text;
  $('guess').hidden = !['bodies', 'camera'].includes(pose.basis) || !$('show-ground').checked;
  $('mesh-words').textContent = data.meshWords;
}
