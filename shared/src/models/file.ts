import { z } from 'zod';
import { Id } from './common.ts';

/** What an image may be; never SVG, which is a document with scripts. */
export const imageTypes = ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/avif'] as const;
export type ImageType = (typeof imageTypes)[number];

const url = z.string().meta({
  description:
    'Serves the bytes without a credential for an hour or two; relative to the server where its own address is not configured',
  examples: ['/api/v1/file-links/AYk6XayWd0u8zrMCCZqAVw'],
});
const bytes = z.int().meta({ examples: [20_480] });

const image = {
  id: Id,
  url,
  mediaType: z.string().meta({ examples: ['image/png'] }),
  width: z.int().meta({ description: 'Pixels', examples: [800] }),
  height: z.int().meta({ description: 'Pixels', examples: [600] }),
  bytes,
};

export const ProductImage = z.object(image).meta({ id: 'ProductImage' });
export type ProductImage = z.output<typeof ProductImage>;

export const StoredFile = z
  .object({
    ...image,
    productId: Id,
    sha256: z.string().meta({
      description: 'Of the bytes, in hexadecimal',
      examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
    }),
    createdBy: Id,
    createdAt: z.date(),
  })
  .meta({ id: 'StoredFile' });
export type StoredFile = z.output<typeof StoredFile>;

/** A resumable upload (https://tus.io/protocols/resumable-upload). */
export const ResumableUpload = z
  .object({
    id: Id,
    url: z.string().meta({
      description: 'Where the bytes go by the tus protocol',
      examples: ['/api/v1/uploads/01890a5d-ac96-774b-bcce-b302099a8057'],
    }),
    length: z.int().meta({ description: 'Bytes in all' }),
    offset: z.int().meta({ description: 'Bytes received' }),
    mediaType: z.string().nullable().meta({ description: 'As it was declared' }),
    productId: Id.nullable().meta({ description: 'The product whose image it becomes once it is whole' }),
    createdAt: z.date(),
    expiresAt: z.date(),
  })
  .meta({ id: 'ResumableUpload' });
export type ResumableUpload = z.output<typeof ResumableUpload>;
