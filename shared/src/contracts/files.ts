import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { Id } from '../models/common.ts';
import { imageTypes, ResumableUpload, StoredFile } from '../models/file.ts';

const { FILE_LINK_INVALID, FILE_NOT_FOUND, PRODUCT_NOT_FOUND, STORAGE_FULL, STORAGE_QUOTA_EXCEEDED, UPLOAD_NOT_FOUND } =
  errors;

export const files = {
  get: query({
    summary: 'Get a file: its bytes, or as JSON what is known of it',
    operationId: 'getFile',
    rest: 'GET /files/{id}',
    access: 'products:read',
    serves: imageTypes,
    input: z.strictObject({ id: Id }),
    output: StoredFile,
    errors: { FILE_NOT_FOUND },
  }),
  open: query({
    summary: 'Get a file by a link that needs no credential',
    operationId: 'openFileLink',
    rest: 'GET /file-links/{link}',
    access: 'public',
    serves: imageTypes,
    input: z.strictObject({
      link: z
        .string()
        .min(1)
        .max(200)
        .meta({ description: 'The end of a file’s `url`', examples: ['AYk6XayWd0u8zrMCCZqAVw'] }),
    }),
    output: StoredFile,
    errors: { FILE_LINK_INVALID, FILE_NOT_FOUND },
  }),
  uploads: {
    create: mutation({
      summary: 'Begin a resumable upload, whose bytes are then sent by the tus protocol',
      operationId: 'createUpload',
      rest: 'POST /files/uploads',
      status: 201,
      access: 'products:write',
      idempotent: false,
      unitOfWork: 'own',
      input: z.strictObject({
        length: z
          .int()
          .min(1)
          .meta({ description: 'Bytes in all', examples: [20_480] }),
        mediaType: z.enum(imageTypes).meta({ id: 'ImageType' }).optional(),
        productId: Id.optional().meta({ description: 'The product whose image it becomes once it is whole' }),
      }),
      output: ResumableUpload,
      errors: { PRODUCT_NOT_FOUND, STORAGE_FULL, STORAGE_QUOTA_EXCEEDED },
    }),
    get: query({
      summary: 'Get how far a resumable upload has come',
      operationId: 'getUpload',
      rest: 'GET /files/uploads/{id}',
      access: 'products:write',
      input: z.strictObject({ id: Id }),
      output: ResumableUpload,
      errors: { UPLOAD_NOT_FOUND },
    }),
    cancel: mutation({
      summary: 'Give a resumable upload up',
      operationId: 'cancelUpload',
      rest: 'DELETE /files/uploads/{id}',
      status: 204,
      access: 'products:write',
      input: z.strictObject({ id: Id }),
      output: z.null(),
      errors: { UPLOAD_NOT_FOUND },
    }),
  },
};
