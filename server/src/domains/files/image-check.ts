import { imageTypes, type ImageType } from '@olympus/contracts';
import { disableTypes, imageSize, types } from 'image-size';
import { Failure } from '../../kernel/failure.ts';

/** The dimensions of every format stand before this many bytes, but for images that only carry their camera's notes there. */
export const headBytes = 512 * 1024;

const mediaTypes: Readonly<Record<string, ImageType>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  avif: 'image/avif',
};
// Of all formats that the library reads, only these ever see a byte. AVIF is one of its HEIF.
disableTypes(types.filter((type) => type !== 'heif' && !(type in mediaTypes)));

/** This many bytes tell the type. */
export const signatureBytes = 12;

/**
 * Tells the type of an image by its first bytes. Throws `UNSUPPORTED_MEDIA_TYPE` for what is none of the allowed types,
 * or another one than `declared`, which is null where the sender does not say.
 */
export function recognise(head: Uint8Array, declared: string | null): ImageType {
  const mediaType = typeOf(head);
  if (!mediaType) throw unsupported(`The content is no ${imageTypes.join(', ')}`);
  if (declared !== null && declared !== mediaType && declared !== 'application/octet-stream')
    throw unsupported(`The content is ${mediaType}, which was declared to be ${printable(declared)}`);
  return mediaType;
}

/**
 * Reads the dimensions from the header; nothing is decoded. Throws `IMAGE_REFUSED` with the reason. A few bytes can stand
 * for more pixels than a reader has memory, hence `maxPixels`.
 */
export function measure(head: Uint8Array, maxPixels: number): { width: number; height: number } {
  const { width, height } = sizeOf(head);
  if (!(width > 0 && height > 0)) throw refused('unreadable', 'The dimensions of the image cannot be read');
  if (width * height > maxPixels)
    throw refused('too_many_pixels', `The image has ${width} × ${height} pixels; at most ${maxPixels} are taken`);
  return { width, height };
}

// The first bytes of each format, by its standard.
const text = (head: Uint8Array, from: number, to: number) => Buffer.from(head.subarray(from, to)).toString('latin1');
function typeOf(head: Uint8Array): ImageType | null {
  if (text(head, 0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png';
  if (text(head, 0, 3) === '\xff\xd8\xff') return 'image/jpeg';
  if (text(head, 0, 4) === 'RIFF' && text(head, 8, 12) === 'WEBP') return 'image/webp';
  if (/^GIF8[79]a$/.test(text(head, 0, 6))) return 'image/gif';
  if (text(head, 4, 8) === 'ftyp' && /^avi[fs]$/.test(text(head, 8, 12))) return 'image/avif';
  return null;
}

function sizeOf(head: Uint8Array): { width: number; height: number } {
  try {
    // In memory of its own: the library also reads what lies behind a part of a larger buffer.
    return imageSize(Uint8Array.from(head));
  } catch (cause) {
    throw refused('unreadable', 'The dimensions of the image cannot be read', cause);
  }
}

const unsupported = (detail: string) =>
  new Failure('UNSUPPORTED_MEDIA_TYPE', { supported: [...imageTypes] }, { detail });
const refused = (reason: 'unreadable' | 'too_many_pixels', detail: string, cause?: unknown) =>
  new Failure('IMAGE_REFUSED', { reason }, { detail, cause });
const printable = (declared: string): string => declared.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 100);
