// Which frame is shown, the clock that plays a clip, and the controls of the page.
const state = { frame: 0, clock: null, speed: 1, legendDrawn: 0 };
let stage, skeletons, bodies, camera, floor, labels, pictures, extent;

// seconds of each frame, and of the whole clip: the last frame stays as long as the others do
const seconds = data.times || data.frames.map((_, i) => i / (data.fps || 1));
const duration = seconds[NUM_FRAMES - 1] + (NUM_FRAMES > 1 ? seconds[NUM_FRAMES - 1] / (NUM_FRAMES - 1) : 1);
function frameAt(time) {  // the last one that has begun
  let low = 0, high = NUM_FRAMES - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (seconds[middle] <= time + 1e-6) low = middle; else high = middle - 1;
  }
  return low;
}

// what does not change from frame to frame of a clip
function lay() {
  extent = measured(state.frame);
  floor.lay(state.frame, isLevel() ? extent : measured(state.frame, true));
}

function draw() {
  const { frame } = state;
  skeletons.show(frame);
  bodies.show(frame);
  camera.show(frame, extent);
  floor.follow(frame);
  const one = pictures.get(frame);
  if (paintPicture(one)) camera.refresh();
  drawThumbnail(frame);
  const now = performance.now();
  if (!state.clock || now - state.legendDrawn > 200) {  // numbers that nobody could read
    drawLegend(frame);
    state.legendDrawn = now;
  }
  $('position').textContent = `${frame + 1} / ${NUM_FRAMES}${IS_CLIP ? `  ${seconds[frame].toFixed(1)} s` : ''}`;
  $('slider').value = frame;
  stage.request();
  report();
}
// what is shown, for scripts and tests
function report() {
  const { frame } = state;
  Object.assign(document.body.dataset, { frame, frames: NUM_FRAMES, people: found.rows(frame).length,
    truth: truth.rows(frame).length, joints: skeletons.joints, meshes: bodies.count,
    cameraSource: cameraOf(frame).source, ground: poseOf(frame).basis || '' });
}

async function show(index, view = IS_CLIP ? null : 'fit') {
  state.frame = Math.min(NUM_FRAMES - 1, Math.max(0, index));
  const { frame } = state, one = data.frames[frame];
  $('thumbnail').hidden = !one.image;
  $('frame-list').value = frame;
  await pictures.get(frame).ready;
  if (frame !== state.frame) return;  // another one was asked for meanwhile
  if (!IS_CLIP || !extent) lay();
  if (view) stage.view(view, frame, extent);
  draw();
}
function setView(kind) {
  if (kind === 'camera') $('plane').value = 'far';
  stage.view(kind, state.frame, extent);
  draw();
}

// ---------- the clock: frames are shown when their time has come, and left out where drawing takes longer
function play() {
  $('play').textContent = state.clock ? '▶' : '❚❚';
  if (state.clock) { state.clock = null; show(state.frame); return; }
  const atEnd = state.frame === NUM_FRAMES - 1;
  const clock = state.clock = { start: performance.now(), from: atEnd ? 0 : seconds[state.frame] };
  const step = now => {
    if (state.clock !== clock) return;
    const time = (clock.from + state.speed * Math.max(0, now - clock.start) / 1000) % duration, frame = frameAt(time);
    const stride = Math.max(1, (frame - state.frame + NUM_FRAMES) % NUM_FRAMES);
    if (frame !== state.frame) {
      state.frame = frame;
      draw();
      stage.render();
    }
    // the next images are decoded while this one is seen
    for (let i = 1; i <= 4; i++) pictures.get((frame + i * Math.min(stride, 12)) % NUM_FRAMES);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}
function setSpeed(speed) {
  if (state.clock) Object.assign(state.clock, { from: seconds[state.frame], start: performance.now() });
  state.speed = speed;
}

function savePicture() {
  stage.render();  // the canvas holds its picture until the page goes on
  const out = Object.assign(document.createElement('canvas'), { width: $('canvas').width, height: $('canvas').height });
  for (const layer of [$('canvas'), $('labels')]) out.getContext('2d').drawImage(layer, 0, 0, out.width, out.height);
  out.toBlob(blob => {
    const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob),
      download: `${document.title} ${state.frame + 1}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

function listen() {
  const once = handler => event => { if (state.clock) play(); return handler(event); };  // pauses first
  $('frame-list').onchange = once(event => show(+event.target.value));
  $('slider').oninput = once(event => show(+event.target.value));
  $('previous').onclick = once(() => show(state.frame - 1));
  $('next').onclick = once(() => show(state.frame + 1));
  $('play').onclick = play;
  $('speed').onchange = event => setSpeed(+event.target.value);
  $('save').onclick = savePicture;
  for (const id of ['show-predicted', 'show-truth', 'show-mesh', 'plane']) $(id).onchange = draw;
  for (const id of ['show-ground', 'show-paths', 'skeleton']) $(id).onchange = () => { lay(); draw(); };
  $('level').onchange = () => { lay(); setView('fit'); };
  document.querySelectorAll('[data-view]').forEach(button => { button.onclick = () => setView(button.dataset.view); });
  $('canvas').addEventListener('dblclick', () => setView('fit'));
  document.addEventListener('keydown', event => {
    if (['SELECT', 'INPUT'].includes(event.target.tagName)) return;
    if (event.key === 'ArrowLeft') $('previous').onclick();
    else if (event.key === 'ArrowRight') $('next').onclick();
    else if (event.key === ' ' && IS_CLIP) { event.preventDefault(); play(); }
  });
}

async function start() {
  stage = new Stage();
  skeletons = new Skeletons(stage);
  bodies = new Bodies(stage);
  camera = new Camera(stage);
  floor = new Floor(stage);
  labels = new Labels(stage, skeletons, floor);
  pictures = new Pictures();
  $('title').textContent = data.title;
  $('frame-list').append(...data.frames.map((frame, i) => new Option(frame.title, i)));
  $('slider').max = NUM_FRAMES - 1;
  document.querySelector('footer').hidden = NUM_FRAMES < 2;
  $('play').hidden = $('speed').hidden = $('show-paths').parentElement.hidden = !IS_CLIP;
  $('show-truth').parentElement.hidden = !data.frames.some(frame => frame.hasTruth);
  $('show-mesh').parentElement.hidden = !meshes;
  $('skeleton').parentElement.hidden = !found.body;
  listen();
  // viewer.html#frame=3&view=top&truth=0 opens at that frame and view
  const wish = new URLSearchParams(location.hash.slice(1));
  if (wish.get('truth') === '0') $('show-truth').checked = false;
  if (wish.get('predicted') === '0') $('show-predicted').checked = false;
  const view = wish.get('view') || 'fit';
  if (view === 'camera') $('plane').value = 'far';
  stage.resize();
  await show(+(wish.get('frame') || 0), view);
  stage.render();
  document.body.dataset.ready = true;
}

start().catch(error => {  // say so instead of an empty page
  $('failure').hidden = false;
  $('failure').textContent = `the 3D view cannot be shown: ${error.message || error}`;
  document.body.dataset.failure = error.message || error;
});
