import type { Camera } from "../domain/camera";
import type { Mesh } from "../domain/surface";
import { AMBIENT, GROUND, type Seen, type SurfacePainter } from "./surface_painter";

const VERTEX = `#version 300 es
uniform vec3 centre, right, up, toward;
uniform vec3 reach; // half the canvas in mm across and down, half the depth that is seen
in vec3 point, normal;
out float light;
void main() {
  vec3 at = point - centre;
  gl_Position = vec4(dot(at, right) / reach.x, dot(at, up) / reach.y, -dot(at, toward) / reach.z, 1.0);
  light = dot(normal, toward);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
uniform vec3 colour;
uniform float ambient;
in float light;
out vec4 pixel;
void main() {
  pixel = vec4(colour * (ambient + (1.0 - ambient) * max(0.0, light)), 1.0);
}`;

type Kept = { readonly array: WebGLVertexArrayObject; readonly buffers: readonly WebGLBuffer[] };
const UNIFORMS = ["centre", "right", "up", "toward", "reach", "colour", "ambient"] as const;

/**
 * Null where there is no WebGL2. One that is only made up by the processor counts as none, unless it
 * is asked for: the page's own painter was measured to be several times faster.
 */
export function webglPainter(canvas: HTMLCanvasElement, evenInSoftware = false): SurfacePainter | null {
  const gl = canvas.getContext("webgl2", { antialias: true, alpha: false, powerPreference: "low-power" });
  if (!gl || (!evenInSoftware && isSoftware(gl))) return null;
  const program = programOf(gl);
  return program && new WebglPainter(canvas, gl, program);
}

// Browsers name the renderer only to those who ask for it; the caveat that they could give at once they do not.
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

function isSoftware(gl: WebGL2RenderingContext): boolean {
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  return SOFTWARE.test(String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER)));
}

/** Draws surfaces by WebGL2. */
class WebglPainter implements SurfacePainter {
  readonly kind = "webgl2";
  private readonly places: Readonly<Record<(typeof UNIFORMS)[number], WebGLUniformLocation | null>>;
  private kept = new Map<Mesh, Kept>();

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
    private readonly program: WebGLProgram,
  ) {
    const found = UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)] as const);
    this.places = Object.fromEntries(found) as typeof this.places;
    gl.useProgram(program);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.CULL_FACE);
    gl.clearColor(GROUND[0] / 255, GROUND[1] / 255, GROUND[2] / 255, 1);
  }

  draw(seen: readonly Seen[], camera: Camera, ratio: number): void {
    const { gl, canvas, places } = this;
    const perMm = camera.scale * ratio;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    for (const name of ["centre", "right", "up", "toward"] as const) gl.uniform3fv(places[name], camera[name]);
    gl.uniform3f(places.reach, canvas.width / 2 / perMm, canvas.height / 2 / perMm, depthOf(seen, camera));
    gl.uniform1f(places.ambient, AMBIENT);
    const before = this.kept;
    this.kept = new Map();
    for (const { mesh, colour } of seen) {
      const kept = before.get(mesh) ?? this.keep(mesh);
      this.kept.set(mesh, kept);
      gl.bindVertexArray(kept.array);
      gl.uniform3f(places.colour, colour[0] / 255, colour[1] / 255, colour[2] / 255);
      gl.drawElements(gl.TRIANGLES, mesh.corners.length, gl.UNSIGNED_INT, 0);
    }
    before.forEach((kept, mesh) => !this.kept.has(mesh) && this.drop(kept));
  }

  stop(): void {
    this.kept.forEach((kept) => this.drop(kept));
    this.kept.clear();
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  private keep(mesh: Mesh): Kept {
    const { gl, program } = this;
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    const points = this.buffer(gl.ARRAY_BUFFER, mesh.points);
    this.attribute(gl.getAttribLocation(program, "point"));
    const normals = this.buffer(gl.ARRAY_BUFFER, mesh.normals);
    this.attribute(gl.getAttribLocation(program, "normal"));
    return { array, buffers: [points, normals, this.buffer(gl.ELEMENT_ARRAY_BUFFER, mesh.corners)] };
  }

  private buffer(target: number, values: AllowSharedBufferSource): WebGLBuffer {
    const buffer = this.gl.createBuffer();
    this.gl.bindBuffer(target, buffer);
    this.gl.bufferData(target, values, this.gl.STATIC_DRAW);
    return buffer;
  }

  private attribute(place: number): void {
    this.gl.enableVertexAttribArray(place);
    this.gl.vertexAttribPointer(place, 3, this.gl.FLOAT, false, 0, 0);
  }

  private drop({ array, buffers }: Kept): void {
    this.gl.deleteVertexArray(array);
    buffers.forEach((buffer) => this.gl.deleteBuffer(buffer));
  }
}

/** So far before and behind the centre that nothing is cut off. */
function depthOf(seen: readonly Seen[], { centre }: Camera): number {
  const far = ({ mesh: { box } }: Seen): number => Math.hypot(...[0, 1, 2].map((k) => Math.max(Math.abs(box.low[k] - centre[k]), Math.abs(box.high[k] - centre[k]))));
  return seen.reduce((most, one) => Math.max(most, far(one)), 1) * 1.01;
}

function programOf(gl: WebGL2RenderingContext): WebGLProgram | null {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(type);
    if (!shader) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}
