import { isPacked, pack, type Packed } from "../domain/packing";
import { decodePlane, type Pixels, type PixelType } from "../domain/slicecodec";

export type DecodeRequest = { readonly id: number; readonly bytes: ArrayBuffer; readonly type: PixelType; readonly packs: boolean };
export type DecodeAnswer =
  | { readonly id: number; readonly samples: Pixels | Packed }
  | { readonly id: number; readonly failure: string };

self.onmessage = ({ data }: MessageEvent<DecodeRequest>) => {
  try {
    const plane = decodePlane(new Uint8Array(data.bytes), data.type);
    const samples = data.packs ? pack(plane, data.type) : plane;
    const parts = isPacked(samples) ? [samples.least, samples.widths, samples.starts, samples.words] : [samples];
    postMessage({ id: data.id, samples } satisfies DecodeAnswer, { transfer: parts.map(({ buffer }) => buffer) });
  } catch (error) {
    postMessage({ id: data.id, failure: String(error) } satisfies DecodeAnswer);
  }
};
