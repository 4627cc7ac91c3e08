import type { Mesh } from "../domain/surface";
import type { SurfaceAnswer, SurfaceRequest } from "./surface";

/** Makes surfaces of masks off the main thread, in the order in which they were asked for. */
export class SurfaceMaker {
  private readonly worker = new Worker(new URL("./surface.ts", import.meta.url), { type: "module" });
  private readonly waiting = new Map<number, (mesh: Mesh | null) => void>();
  private next = 0;

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<SurfaceAnswer>) => {
      const made = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      made?.(data.mesh);
    };
  }

  make(request: Omit<SurfaceRequest, "id">): Promise<Mesh | null> {
    const id = this.next++;
    this.worker.postMessage({ id, ...request } satisfies SurfaceRequest);
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  stop(): void {
    this.worker.terminate();
  }
}
