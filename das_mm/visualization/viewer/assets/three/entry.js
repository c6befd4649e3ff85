// What the viewer uses of three.js; `npm install && npm run build` in this folder makes three.bundle.js of it.
export {
  BufferAttribute, BufferGeometry, CanvasTexture, DirectionalLight, DoubleSide, DynamicDrawUsage, Group, HemisphereLight,
  LinearFilter, Matrix4, Mesh, MeshBasicMaterial, MeshLambertMaterial, PerspectiveCamera, Scene, ShaderMaterial,
  SRGBColorSpace, Vector2, Vector3, WebGLRenderer,
} from 'three';
export { OrbitControls } from 'three/addons/controls/OrbitControls.js';
