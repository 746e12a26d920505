import { bigint, foreignKey, index, integer, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { id, instant, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';
import { products } from './catalogue.ts';

/** What is known of stored bytes. A row never changes: another image is another file. */
export const files = pgTable(
  'files',
  {
    tenantId: tenantId(),
    id: id(),
    productId: uuid('product_id').notNull(),
    storageKey: text('storage_key').notNull(),
    mediaType: text('media_type').notNull(),
    bytes: bigint({ mode: 'number' }).notNull(),
    width: integer().notNull(),
    height: integer().notNull(),
    sha256: text().notNull(),
    createdBy: uuid('created_by').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('files_product').on(t.tenantId, t.productId),
    foreignKey({
      name: 'files_of_product',
      columns: [t.tenantId, t.productId],
      foreignColumns: [products.tenantId, products.id],
    }),
    tenantPolicy('files'),
  ],
);

/**
 * Stored bytes that are to go once they are due. Written before the bytes are, and taken away by the transaction that
 * keeps them: so none are ever left without a row, wherever a process dies.
 */
export const fileRemovals = pgTable(
  'file_removals',
  { tenantId: tenantId(), storageKey: text('storage_key').notNull(), dueAt: instant('due_at').notNull() },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.storageKey] }),
    index('file_removals_due').on(t.dueAt),
    tenantPolicy('file_removals'),
    systemPolicy('file_removals', 'all', 'sweep'),
  ],
);

/** Resumable uploads until they are used, given up or expired; how many bytes have come is the storage's own knowledge. */
export const uploads = pgTable(
  'uploads',
  {
    tenantId: tenantId(),
    id: id(),
    length: bigint({ mode: 'number' }).notNull(),
    mediaType: text('media_type'),
    productId: uuid('product_id'),
    createdBy: uuid('created_by').notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('uploads_expiry').on(t.expiresAt),
    tenantPolicy('uploads'),
    systemPolicy('uploads', 'all', 'sweep'),
  ],
);
