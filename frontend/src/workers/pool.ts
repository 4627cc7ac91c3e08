import { isPacked, type Packed } from "../domain/packing";
import type { Pixels, PixelType } from "../domain/slicecodec";
import type { DecodeAnswer, DecodeRequest } from "./decode";

type Waiting = { readonly resolve: (samples: Pixels | Packed) => void; readonly reject: (error: Error) => void };

/** Decodes planes off the main thread; the bytes and the samples are handed over, not copied. */
export class DecodePool {
  private readonly workers: Worker[];
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;

  constructor(size = Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 2) - 1))) {
    this.workers = Array.from({ length: size }, () => {
      const worker = new Worker(new URL("./decode.ts", import.meta.url), { type: "module" });
      worker.onmessage = ({ data }: MessageEvent<DecodeAnswer>) => this.hear(data);
      return worker;
    });
  }

  async decode(bytes: ArrayBuffer, type: PixelType): Promise<Pixels> {
    const samples = await this.ask(bytes, type, false);
    if (isPacked(samples)) throw new TypeError("Samples came packed that should not have.");
    return samples;
  }

  /** The samples as a volume keeps them. */
  decodeFor(bytes: ArrayBuffer, { facts, packs }: { readonly facts: { readonly type: PixelType }; readonly packs: boolean }): Promise<Pixels | Packed> {
    return this.ask(bytes, facts.type, packs);
  }

  private ask(bytes: ArrayBuffer, type: PixelType, packs: boolean): Promise<Pixels | Packed> {
    const id = this.next++;
    const request: DecodeRequest = { id, bytes, type, packs };
    this.workers[id % this.workers.length].postMessage(request, [bytes]);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  stop(): void {
    this.workers.forEach((worker) => worker.terminate());
  }

  private hear(answer: DecodeAnswer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ("samples" in answer) waiting?.resolve(answer.samples);
    else waiting?.reject(new Error(answer.failure));
  }
}
