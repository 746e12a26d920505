import { expect, test, vi } from 'vitest';
import { linesOf } from './lines.ts';

async function read(body: ReadableStream<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(body)) lines.push(line);
  return lines;
}
const streamOf = (bytes: Uint8Array, size: number) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });

test.each([1, 2, 3, 1_000])('lines are whole whatever the chunks, here of %i bytes', async (size) => {
  const text = 'first\r\nsecond — with “marks”\n\nthe last 🫒';
  const lines = ['first', 'second — with “marks”', '', 'the last 🫒'];
  expect(await read(streamOf(new TextEncoder().encode(text), size))).toEqual(lines);
});

test('leaving the loop cancels the body', async () => {
  const cancel = vi.fn();
  const pull = (controller: ReadableStreamDefaultController) => controller.enqueue(new TextEncoder().encode('a\nb\n'));
  for await (const line of linesOf(new ReadableStream({ pull, cancel }))) if (line === 'b') break;
  expect(cancel).toHaveBeenCalledTimes(1);
});
