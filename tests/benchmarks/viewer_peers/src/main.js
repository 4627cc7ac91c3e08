// A plain Cornerstone3D page: ?show=stack, ?show=planes or ?show=crowd. It says in `window.bench`
// how far it is; everything else happens by wheel, mouse and Ctrl+Z, as a person would.
import * as core from "@cornerstonejs/core";
import * as tools from "@cornerstonejs/tools";
import loader from "@cornerstonejs/dicom-image-loader";

const SLICES = 200;
const SEGMENTATION = "masks";
const RADIUS_PX = 15;
const asked = new URLSearchParams(location.search);
const show = asked.get("show") ?? "stack";
if (asked.has("width")) Object.assign(document.body.style, { width: `${asked.get("width")}px`, height: `${asked.get("height")}px` });
const bench = (window.bench = { image: false, ready: false, loaded: 0, errors: [] });
const note = (error) => bench.errors.push(String(error?.stack ?? error));
addEventListener("error", ({ error, message }) => note(error ?? message));
addEventListener("unhandledrejection", ({ reason }) => note(reason));

const { ViewportType, Events } = core.Enums;
const { MouseBindings, SegmentationRepresentations } = tools.Enums;
const LABELMAP = SegmentationRepresentations.Labelmap;
const address = (name) => `wadouri:${location.origin}/data/${name}.dcm`;
const slices = Array.from({ length: SLICES }, (_, z) => address(`volume/ct/${String(z).padStart(3, "0")}`));
const bytes = async (name) => (await fetch(`/data/${name}.bin`)).arrayBuffer();
const element = (id) => document.getElementById(id);

function useTools(viewports, spacing) {
  const group = tools.ToolGroupManager.createToolGroup("group");
  for (const tool of [tools.StackScrollTool, tools.BrushTool]) {
    tools.addTool(tool);
    group.addTool(tool.toolName);
  }
  viewports.forEach((id) => group.addViewport(id, "engine"));
  group.setToolActive(tools.StackScrollTool.toolName, { bindings: [{ mouseButton: MouseBindings.Wheel }] });
  group.setToolActive(tools.BrushTool.toolName, { bindings: [{ mouseButton: MouseBindings.Primary }] });
  tools.utilities.segmentation.setBrushSizeForToolGroup("group", RADIUS_PX * spacing);
  const { DefaultHistoryMemo } = core.utilities.HistoryMemo;
  addEventListener("keydown", (event) => event.ctrlKey && event.key === "z" && DefaultHistoryMemo.undo());
}

async function everySlice() {
  await Promise.all(slices.map((id) => core.imageLoader.loadAndCacheImage(id).then(() => bench.loaded++)));
}

function spacingOf(id) {
  return core.metaData.get("imagePlaneModule", id).columnPixelSpacing ?? 1;
}

async function showStack(ids, first, window_) {
  const engine = new core.RenderingEngine("engine");
  engine.enableElement({ viewportId: "axial", type: ViewportType.STACK, element: element("axial") });
  const viewport = engine.getViewport("axial");
  const rendered = new Promise((done) => element("axial").addEventListener(Events.IMAGE_RENDERED, done, { once: true }));
  await viewport.setStack(ids, first);
  if (window_) viewport.setProperties({ voiRange: window_ });
  viewport.render();
  await rendered;
  bench.image = true;
}

function addMasks(viewports, data, index) {
  tools.segmentation.addSegmentations([{ segmentationId: SEGMENTATION, representation: { type: LABELMAP, data } }]);
  const input = [{ segmentationId: SEGMENTATION, type: LABELMAP }];
  tools.segmentation.addLabelmapRepresentationToViewportMap(Object.fromEntries(viewports.map((id) => [id, input])));
  tools.segmentation.segmentIndex.setActiveSegmentIndex(SEGMENTATION, index);
}

async function stack() {
  await showStack(slices, SLICES / 2, { lower: -160, upper: 240 });
  const [masks] = await Promise.all([bytes("organs"), everySlice()]);
  const images = core.imageLoader.createAndCacheDerivedLabelmapImages(slices);
  const all = new Uint8Array(masks);
  images.forEach((image, z) => {
    const length = image.rows * image.columns;
    image.voxelManager.getScalarData().set(all.subarray(z * length, (z + 1) * length));
  });
  addMasks(["axial"], { imageIds: images.map((image) => image.imageId) }, 1);
  useTools(["axial"], spacingOf(slices[0]));
}

async function planes() {
  document.body.classList.add("three");
  for (const id of ["coronal", "sagittal"]) document.body.append(Object.assign(document.createElement("div"), { id }));
  const [masks] = await Promise.all([bytes("organs"), everySlice()]);
  const engine = new core.RenderingEngine("engine");
  const names = ["axial", "coronal", "sagittal"];
  engine.setViewports(
    names.map((id) => ({ viewportId: id, type: ViewportType.ORTHOGRAPHIC, element: element(id), defaultOptions: { orientation: id } })),
  );
  const volume = await core.volumeLoader.createAndCacheVolume("cornerstoneStreamingImageVolume:ct", { imageIds: slices });
  volume.load();
  await core.setVolumesForViewports(engine, [{ volumeId: volume.volumeId }], names);
  names.forEach((id) => engine.getViewport(id).setProperties({ voiRange: { lower: -160, upper: 240 } }));
  const labels = core.volumeLoader.createAndCacheDerivedLabelmapVolume(volume.volumeId, { volumeId: "masks" });
  // The volume's own order of slices, which need not be the files'.
  const all = new Uint8Array(masks);
  labels.imageIds.forEach((id) => {
    const image = core.cache.getImage(id);
    const z = slices.indexOf(image.referencedImageId);
    const length = image.rows * image.columns;
    image.voxelManager.getScalarData().set(all.subarray(z * length, (z + 1) * length));
  });
  addMasks(names, { volumeId: labels.volumeId }, 1);
  useTools(names, spacingOf(slices[0]));
  engine.render();
}

async function crowd() {
  const id = address("crowd");
  await showStack([id], 0);
  const masks = new Uint16Array(await bytes("crowd"));
  const [image] = core.imageLoader.createAndCacheDerivedImages([id], { targetBuffer: { type: "Uint16Array" } });
  image.voxelManager.getScalarData().set(masks);
  addMasks(["axial"], { imageIds: [image.imageId] }, 1);
}

core.init();
tools.init();
loader.init({ maxWebWorkers: 1 });
bench.renders = core.getShouldUseCPURendering() ? "CPU" : "WebGL";
({ stack, planes, crowd })[show]().then(() => (bench.ready = true), note);
