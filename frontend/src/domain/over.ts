type Colour = readonly [red: number, green: number, blue: number];

// One pixel as four bytes that round and clamp, and as one word, in this machine's order.
const bytes = new Uint8ClampedArray(4);
const word = new Uint32Array(bytes.buffer);

/** One colour laid over pixels, source over destination, both with alpha (Porter and Duff 1984). */
export class Over {
  private readonly onNothing: number;
  // A mask lies on few kinds of pixels, and on many of a kind.
  private under = 0;
  private result = 0;

  constructor(
    private readonly colour: Colour,
    private readonly alpha: number,
  ) {
    this.onNothing = this.result = this.laid(0);
  }

  /** The pixel, as one word of its four bytes, under the colour. */
  on(under: number): number {
    if (under === 0) return this.onNothing;
    if (under !== this.under) {
      this.result = this.laid(under);
      this.under = under;
    }
    return this.result;
  }

  private laid(pixel: number): number {
    const { alpha } = this;
    word[0] = pixel;
    const under = (bytes[3] / 255) * (1 - alpha);
    const sum = alpha + under;
    for (let k = 0; k < 3; k++) bytes[k] = (this.colour[k] * alpha + bytes[k] * under) / sum;
    bytes[3] = sum * 255;
    return word[0];
  }
}
