import { z } from 'zod';
import { Id, Money, Price, stamps, text } from './common.ts';
import { ProductImage } from './file.ts';

export const Product = z
  .object({
    id: Id,
    sku: z.string().meta({ examples: ['85123A'] }),
    name: z.string(),
    description: z.string().nullable(),
    price: Money,
    stock: z.int().nullable().meta({ description: 'null: not tracked' }),
    lowStockAt: z.int().nullable().meta({
      description: 'At or below it the stock is low, which users are told of; null: as the tenant’s settings say',
    }),
    active: z.boolean(),
    image: ProductImage.nullable().meta({ description: 'Stored here' }),
    imageUrl: z.string().nullable().meta({ description: 'Kept elsewhere' }),
    ...stamps,
  })
  .meta({ id: 'Product' });
export type Product = z.output<typeof Product>;

const Stock = z.int().min(0).max(1_000_000_000);
const description = z.string().max(5000);
const imageUrl = z.url({ protocol: /^https?$/ }).max(2000);
// Skus are kept exactly, surrounding spaces included: two shops’ exports differ in them.
const Sku = z.string().min(1).max(64);

export const newProduct = {
  sku: Sku,
  name: text(500),
  description: description.optional(),
  price: Price,
  stock: Stock.optional().meta({ description: 'Absent: not tracked' }),
  lowStockAt: Stock.optional().meta({ description: 'Absent: as the tenant’s settings say' }),
  imageUrl: imageUrl.optional(),
};

/** The whole of a product; absent fields become empty. */
export const wholeProduct = { ...newProduct, active: z.boolean().default(true) };

export const productChanges = {
  sku: Sku.optional(),
  name: text(500).optional(),
  description: description.nullable().optional(),
  price: Price.optional(),
  stock: Stock.nullable().optional().meta({ description: 'null: no longer tracked' }),
  lowStockAt: Stock.nullable().optional().meta({ description: 'null: as the tenant’s settings say' }),
  active: z.boolean().optional(),
  imageUrl: imageUrl.nullable().optional(),
};
