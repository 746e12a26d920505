import { OrderLine } from '@olympus/contracts';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { csvEncoder, textCell } from './csv.ts';

const line = {
  number: '536365',
  kind: 'sale',
  sku: '85123A',
  description: 'WHITE, "HANGING"\nHEART',
  quantity: -6,
  unitPrice: '-2.5500',
  placedAt: new Date('2010-12-01T08:26:00Z'),
  customer: '',
  country: 'United Kingdom',
} as const;

describe('CSV', () => {
  it('writes the fields of a schema as columns, and cells that any reader gets back', () => {
    const { header, rows } = csvEncoder(OrderLine);
    expect(header).toBe('number,kind,sku,description,quantity,unitPrice,placedAt,customer,country\n');
    const [row] = parse<Record<string, string>>(header + rows([line]), { columns: true });
    expect(row).toEqual({ ...line, quantity: '-6', placedAt: '2010-12-01T08:26:00.000Z' });
  });

  it.each(['=1+1', '+1', '-1+1', '@SUM(A1)', '\tx', '\rx', "'=1", "''=1"])('disarms the formula %j', (text) => {
    expect(textCell(text)).toBe(`'${text}`);
  });

  it.each(['', 'a=b', "'quoted'", "o'clock", ' =1', '85123A'])('leaves the text %j alone', (text) => {
    expect(textCell(text)).toBe(text);
  });

  it('disarms text that looks like a number, never a number', () => {
    const encoder = csvEncoder(
      z.object({ sku: z.string(), units: z.int(), price: z.string().meta({ format: 'decimal' }) }),
    );
    expect(encoder.rows([{ sku: '-5', units: -5, price: '-5.00' }])).toBe("'-5,-5,-5.00\n");
    expect(encoder.rows([{ sku: '5', units: 5, price: '=5' }])).toBe("5,5,'=5\n");
  });

  it('writes nothing for null', () => {
    expect(csvEncoder(z.object({ a: z.string().nullable(), b: z.int() })).rows([{ a: null, b: 1 }])).toBe(',1\n');
  });
});
