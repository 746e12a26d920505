import { z } from 'zod';
import { mutation, query, subscription } from '../contract.ts';
import { errors } from '../errors.ts';
import { ProductEvent } from '../events.ts';
import { batchResultOf, importOptions, ImportReport } from '../models/bulk.ts';
import { expectedVersion, Id, lastEventId, pageInput, pageOf, sortOf, Words } from '../models/common.ts';
import { imageTypes, StoredFile } from '../models/file.ts';
import { newProduct, Product, productChanges, wholeProduct } from '../models/product.ts';

const {
  CURRENCY_MISMATCH,
  IMAGE_NOT_FOUND,
  IMAGE_REFUSED,
  IMPORT_REFUSED,
  OUT_OF_STOCK,
  PRODUCT_NOT_FOUND,
  SKU_TAKEN,
  STOCK_UNTRACKED,
  STORAGE_FULL,
  STORAGE_QUOTA_EXCEEDED,
  UPLOAD_INCOMPLETE,
  UPLOAD_NOT_FOUND,
} = errors;

const operation = z
  .discriminatedUnion('op', [
    z
      .strictObject({ op: z.literal('create'), product: z.strictObject(newProduct).meta({ id: 'NewProduct' }) })
      .meta({ id: 'CreateProductOperation' }),
    z
      .strictObject({
        op: z.literal('update'),
        id: Id,
        changes: z.strictObject({ ...productChanges, expectedVersion }).meta({ id: 'ProductChanges' }),
      })
      .meta({ id: 'UpdateProductOperation' }),
  ])
  .meta({ id: 'ProductOperation' });

export const products = {
  list: query({
    summary: 'List products',
    operationId: 'listProducts',
    rest: 'GET /products',
    access: 'products:read',
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['createdAt', 'name', 'sku', 'price'], '-createdAt'),
      q: Words.optional().meta({
        description: 'Words of the name or description, or the start of a sku',
        examples: ['red mug'],
      }),
      sku: z
        .string()
        .min(1)
        .max(64)
        .optional()
        .meta({ description: 'Exactly this sku', examples: ['85123A'] }),
      active: z
        .boolean()
        .optional()
        .meta({ examples: [true] }),
    }),
    output: pageOf(Product, 'ProductPage'),
  }),
  get: query({
    summary: 'Get a product',
    operationId: 'getProduct',
    rest: 'GET /products/{id}',
    access: 'products:read',
    input: z.strictObject({ id: Id }),
    output: Product,
    errors: { PRODUCT_NOT_FOUND },
  }),
  create: mutation({
    summary: 'Add a product',
    operationId: 'createProduct',
    rest: 'POST /products',
    status: 201,
    access: 'products:write',
    input: z.strictObject(newProduct),
    output: Product,
    errors: { SKU_TAKEN, CURRENCY_MISMATCH },
  }),
  update: mutation({
    summary: 'Change what is named of a product',
    operationId: 'updateProduct',
    rest: 'PATCH /products/{id}',
    access: 'products:write',
    input: z.strictObject({ id: Id, ...productChanges, expectedVersion }),
    output: Product,
    errors: { PRODUCT_NOT_FOUND, SKU_TAKEN, CURRENCY_MISMATCH },
  }),
  replace: mutation({
    summary: 'Replace a product',
    operationId: 'replaceProduct',
    rest: 'PUT /products/{id}',
    access: 'products:write',
    input: z.strictObject({ id: Id, ...wholeProduct, expectedVersion }),
    output: Product,
    errors: { PRODUCT_NOT_FOUND, SKU_TAKEN, CURRENCY_MISMATCH },
  }),
  archive: mutation({
    summary: 'Archive a product: it is kept, and sold no more',
    operationId: 'archiveProduct',
    rest: 'DELETE /products/{id}',
    status: 204,
    access: 'products:write',
    input: z.strictObject({ id: Id, expectedVersion }),
    output: z.null(),
    errors: { PRODUCT_NOT_FOUND },
  }),
  adjustStock: mutation({
    summary: 'Add to the stock of a product, or take from it',
    operationId: 'adjustStock',
    rest: 'PATCH /products/{id}/stock',
    access: 'stock:write',
    input: z.strictObject({
      id: Id,
      delta: z
        .int()
        .min(-1_000_000_000)
        .max(1_000_000_000)
        .meta({ description: 'Negative takes away', examples: [12] }),
      reason: z.string().max(500).optional(),
      expectedVersion,
    }),
    output: Product,
    errors: { PRODUCT_NOT_FOUND, STOCK_UNTRACKED, OUT_OF_STOCK },
  }),
  getImage: query({
    summary: 'Get the image of a product: its bytes, or as JSON what is known of it',
    operationId: 'getProductImage',
    rest: 'GET /products/{id}/image',
    access: 'products:read',
    serves: imageTypes,
    input: z.strictObject({ id: Id }),
    output: StoredFile,
    errors: { PRODUCT_NOT_FOUND, IMAGE_NOT_FOUND },
  }),
  setImage: mutation({
    summary: 'Give a product its image: PNG, JPEG, WebP, GIF or AVIF',
    operationId: 'setProductImage',
    rest: 'PUT /products/{id}/image',
    access: 'products:write',
    idempotent: false,
    unitOfWork: 'own',
    upload: ['multipart/form-data', 'application/octet-stream', ...imageTypes],
    input: z.strictObject({
      id: Id,
      uploadId: Id.optional().meta({ description: 'A resumable upload that is whole' }),
      content: z
        .string()
        .min(1)
        .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'must be base64')
        .optional()
        .meta({ description: 'The image in base64, where it is small and not sent as the body' }),
      expectedVersion,
    }),
    output: Product,
    errors: {
      PRODUCT_NOT_FOUND,
      IMAGE_REFUSED,
      UPLOAD_NOT_FOUND,
      UPLOAD_INCOMPLETE,
      STORAGE_FULL,
      STORAGE_QUOTA_EXCEEDED,
    },
  }),
  removeImage: mutation({
    summary: 'Take the image of a product away',
    operationId: 'removeProductImage',
    rest: 'DELETE /products/{id}/image',
    status: 204,
    access: 'products:write',
    input: z.strictObject({ id: Id, expectedVersion }),
    output: z.null(),
    errors: { PRODUCT_NOT_FOUND },
  }),
  batch: mutation({
    summary: 'Create and update up to 100 products; each succeeds or fails alone',
    operationId: 'batchProducts',
    rest: 'POST /products/batch',
    status: 207,
    access: 'products:write',
    cost: { each: 'operations' },
    input: z.strictObject({ operations: z.array(operation).min(1).max(100) }),
    output: batchResultOf('product', Product, 'ProductBatch'),
  }),
  import: mutation({
    summary: 'Import products as CSV or NDJSON: sku, name, description, price, stock',
    operationId: 'importProducts',
    rest: 'POST /products/import',
    access: 'products:import',
    idempotent: false,
    unitOfWork: 'own',
    upload: ['text/csv', 'application/x-ndjson'],
    query: ['format', 'dryRun', 'strict', 'columns'],
    input: z.strictObject(importOptions),
    output: ImportReport,
    errors: { IMPORT_REFUSED },
  }),
  updates: subscription({
    summary: 'Follow the changes of products',
    operationId: 'followProducts',
    rest: 'GET /products/events',
    access: 'products:read',
    rate: 'stream',
    tracked: true,
    input: z.strictObject({ productId: Id.optional(), lastEventId }),
    output: ProductEvent,
  }),
};
