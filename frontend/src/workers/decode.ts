import { decodePlane, type Pixels, type PixelType } from "../domain/slicecodec";

export type DecodeRequest = { readonly id: number; readonly bytes: ArrayBuffer; readonly type: PixelType };
export type DecodeAnswer =
  | { readonly id: number; readonly samples: Pixels }
  | { readonly id: number; readonly failure: string };

self.onmessage = ({ data }: MessageEvent<DecodeRequest>) => {
  try {
    const samples = decodePlane(new Uint8Array(data.bytes), data.type);
    postMessage({ id: data.id, samples } satisfies DecodeAnswer, { transfer: [samples.buffer] });
  } catch (error) {
    postMessage({ id: data.id, failure: String(error) } satisfies DecodeAnswer);
  }
};
