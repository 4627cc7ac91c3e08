import { isPacked, type Packed } from "../domain/packing";
import type { Pixels, PixelType } from "../domain/slicecodec";
import type { DecodeAnswer, DecodeRequest } from "./decode";

type Waiting = { readonly hand: Hand; readonly resolve: (samples: Pixels | Packed) => void; readonly reject: (error: Error) => void };
type Hand = { readonly worker: Worker; open: number; bytes: number; worn: boolean };

// A worker keeps what it was handed until its collector sees a reason to run, and small scripts give
// it none: after so many bytes another one takes its place.
const WORN_BYTES = 32 * 2 ** 20;

/** Decodes planes off the main thread; the bytes and the samples are handed over, not copied. */
export class DecodePool {
  private readonly hands: Hand[];
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;

  constructor(size = Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 2) - 1))) {
    this.hands = Array.from({ length: size }, () => this.hand());
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

  stop(): void {
    this.hands.forEach(({ worker }) => worker.terminate());
    this.waiting.forEach(({ hand }) => hand.worker.terminate());
  }

  private ask(bytes: ArrayBuffer, type: PixelType, packs: boolean): Promise<Pixels | Packed> {
    const id = this.next++;
    const hand = this.idlest();
    const request: DecodeRequest = { id, bytes, type, packs };
    hand.open++;
    hand.bytes += bytes.byteLength;
    hand.worker.postMessage(request, [bytes]);
    return new Promise((resolve, reject) => this.waiting.set(id, { hand, resolve, reject }));
  }

  private hear(answer: DecodeAnswer): void {
    const waiting = this.waiting.get(answer.id);
    if (!waiting) return;
    this.waiting.delete(answer.id);
    waiting.hand.open--;
    if (waiting.hand.worn && waiting.hand.open === 0) waiting.hand.worker.terminate();
    if ("samples" in answer) waiting.resolve(answer.samples);
    else waiting.reject(new Error(answer.failure));
  }

  /** A hand that is worn ends what it has and takes nothing new. */
  private idlest(): Hand {
    const at = this.hands.reduce((least, { open }, k) => (open < this.hands[least].open ? k : least), 0);
    const hand = this.hands[at];
    if (hand.bytes <= WORN_BYTES) return hand;
    hand.worn = true;
    if (hand.open === 0) hand.worker.terminate();
    return (this.hands[at] = this.hand());
  }

  private hand(): Hand {
    const worker = new Worker(new URL("./decode.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<DecodeAnswer>) => this.hear(data);
    return { worker, open: 0, bytes: 0, worn: false };
  }
}
