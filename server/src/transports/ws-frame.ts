const finalText = 0x81;

/** One unmasked text message as it goes over the wire: https://www.rfc-editor.org/rfc/rfc6455#section-5.2 */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const at = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafeSlow(at + length);
  frame[0] = finalText;
  if (at === 2) frame[1] = length;
  else if (at === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, at);
  return frame;
}

/** Frames of items that many sockets are sent, by what their messages begin with: mostly the same few ids of calls. */
const shared = new WeakMap<object, Map<string, Buffer>>();

/** The frame of an item behind `head`, made once for all sockets. */
export function sharedFrame(item: object, head: string, make: () => string): Buffer {
  let frames = shared.get(item);
  if (!frames) shared.set(item, (frames = new Map()));
  let frame = frames.get(head);
  if (!frame) frames.set(head, (frame = textFrame(make())));
  return frame;
}

const sharedBatches = new WeakMap<readonly unknown[], Map<string, Buffer>>();

/** The frames of a batch behind `head` as they follow each other, made once for all sockets. */
export function sharedFrames(batch: readonly unknown[], head: string, make: (item: unknown) => string): Buffer {
  const frameOf = (item: unknown) => sharedFrame(item as object, head, () => make(item));
  if (batch.length === 1) return frameOf(batch[0]);
  let known = sharedBatches.get(batch);
  if (!known) sharedBatches.set(batch, (known = new Map()));
  let frames = known.get(head);
  if (!frames) known.set(head, (frames = Buffer.concat(batch.map(frameOf))));
  return frames;
}
