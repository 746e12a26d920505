import { errors, mutation, query, subscription } from '@olympus/contracts';
import { z } from 'zod';
import type { Handlers } from '../../kernel/implement.ts';

// A small API for the tests of this folder: one contract for each thing that a transport must carry.
const Id = z.uuid();
const Mug = z.object({ id: Id, name: z.string(), price: z.string(), firedAt: z.date(), version: z.int() });
const { PRODUCT_NOT_FOUND } = errors;
type Mug = z.output<typeof Mug>;

export const mugContracts = {
  mugs: {
    list: query({
      summary: 'List mugs',
      operationId: 'listMugs',
      rest: 'GET /mugs',
      access: 'products:read',
      input: z.strictObject({
        limit: z.int().min(1).max(100).default(20),
        cursor: z.string().min(1).optional(),
        withTotal: z.boolean().default(false),
        glaze: z.array(z.string()).optional(),
        firedAfter: z.date().optional(),
        q: z.string().optional(),
      }),
      output: z.object({
        items: z.array(Mug),
        nextCursor: z.string().nullable(),
        previousCursor: z.string().nullable(),
        totalCount: z.int().nullable(),
        echo: z.record(z.string(), z.unknown()),
      }),
    }),
    get: query({
      summary: 'Get a mug',
      operationId: 'getMug',
      rest: 'GET /mugs/{id}',
      access: 'products:read',
      input: z.strictObject({ id: Id }),
      output: Mug,
      errors: { PRODUCT_NOT_FOUND },
    }),
    named: query({
      summary: 'Get a mug by its name',
      operationId: 'getMugByName',
      rest: 'GET /mugs/named/{name}',
      access: 'public',
      input: z.strictObject({ name: z.string().max(20) }),
      output: z.object({ name: z.string() }),
    }),
    create: mutation({
      summary: 'Make a mug',
      operationId: 'createMug',
      rest: 'POST /mugs',
      status: 201,
      access: 'products:write',
      input: z.strictObject({
        name: z.string().min(1),
        price: z.string().default('1.00'),
        firedAt: z.date().optional(),
        parts: z.array(z.strictObject({ made: z.date() })).optional(),
      }),
      output: Mug,
    }),
    update: mutation({
      summary: 'Change a mug',
      operationId: 'updateMug',
      rest: 'PATCH /mugs/{id}',
      access: 'products:write',
      input: z.strictObject({
        id: Id,
        name: z.string().nullable().optional(),
        expectedVersion: z.int().min(1).optional(),
      }),
      output: Mug,
    }),
    remove: mutation({
      summary: 'Break a mug',
      operationId: 'deleteMug',
      rest: 'DELETE /mugs/{id}',
      status: 204,
      access: 'products:write',
      input: z.strictObject({ id: Id, expectedVersion: z.int().min(1).optional() }),
      output: z.null(),
    }),
    batch: mutation({
      summary: 'Make mugs',
      operationId: 'batchMugs',
      rest: 'POST /mugs/batch',
      status: 207,
      access: 'products:write',
      input: z.strictObject({ names: z.array(z.string()).max(3) }),
      output: z.object({ results: z.array(z.object({ index: z.int(), status: z.int() })) }),
    }),
    import: mutation({
      summary: 'Import mugs',
      operationId: 'importMugs',
      rest: 'POST /mugs/import',
      access: 'products:import',
      idempotent: false,
      unitOfWork: 'own',
      upload: ['text/csv'],
      query: ['dryRun'],
      input: z.strictObject({ dryRun: z.boolean().default(false), content: z.string().optional() }),
      output: z.object({ bytes: z.int(), mediaType: z.string().nullable(), dryRun: z.boolean() }),
    }),
    export: subscription({
      summary: 'Export mugs',
      operationId: 'exportMugs',
      rest: 'GET /mugs/export',
      access: 'products:read',
      rate: 'read',
      download: ['text/csv', 'application/x-ndjson'],
      input: z.strictObject({ count: z.int().default(3), failAt: z.int().optional() }),
      output: z.object({
        name: z.string(),
        quantity: z.int(),
        unitPrice: z.string().meta({ format: 'decimal' }),
        firedAt: z.date(),
        note: z.string().nullable(),
      }),
    }),
    updates: subscription({
      summary: 'Follow mugs',
      operationId: 'followMugs',
      rest: 'GET /mugs/events',
      access: 'products:read',
      rate: 'stream',
      tracked: true,
      input: z.strictObject({
        failWith: z.enum(['now', 'later']).optional(),
        count: z.int().default(2),
        padding: z.int().default(0),
        open: z.boolean().default(false),
        lastEventId: z.string().max(200).optional(),
      }),
      output: z.object({ type: z.literal('mug.made'), mugId: z.string(), after: z.string().nullable() }),
    }),
  },
};

export type MugHandlers = Handlers<typeof mugContracts>;

const aMug: Mug = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  name: 'blue',
  price: '3.5000',
  firedAt: new Date('2010-12-01T08:26:00.000Z'),
  version: 3,
};

/** Answers that show what was asked. */
export const mugHandlers: MugHandlers = {
  mugs: {
    list: ({ input }) =>
      Promise.resolve({
        items: [aMug],
        nextCursor: input.cursor === 'last' ? null : 'n+1',
        previousCursor: input.cursor ? 'p/1' : null,
        totalCount: input.withTotal ? 41 : null,
        echo: { ...input },
      }),
    get: ({ input, fail }) =>
      input.id === aMug.id ? Promise.resolve(aMug) : fail('PRODUCT_NOT_FOUND', { id: input.id }),
    named: ({ input }) => Promise.resolve({ name: input.name }),
    create: ({ input }) =>
      Promise.resolve({
        ...aMug,
        name: input.name,
        price: input.price,
        firedAt: input.parts?.[0]?.made ?? input.firedAt ?? aMug.firedAt,
        version: 1,
      }),
    update: ({ input, fail }) =>
      input.expectedVersion !== undefined && input.expectedVersion !== aMug.version
        ? fail('VERSION_CONFLICT', { currentVersion: aMug.version })
        : Promise.resolve({
            ...aMug,
            name: input.name === undefined ? 'absent' : (input.name ?? 'null'),
            version: aMug.version + 1,
          }),
    remove: ({ input, fail }) =>
      input.expectedVersion === 9 ? fail('VERSION_CONFLICT', { currentVersion: 3 }) : Promise.resolve(null),
    batch: ({ input }) => Promise.resolve({ results: input.names.map((_, index) => ({ index, status: 201 })) }),
    import: async ({ input, ctx }) => {
      let bytes = Buffer.byteLength(input.content ?? '');
      for await (const chunk of ctx.upload?.stream ?? []) bytes += chunk.length;
      return { bytes, mediaType: ctx.upload?.mediaType ?? null, dryRun: input.dryRun };
    },
    export: async function* ({ input, fail }) {
      for (let line = 0; line < input.count; line++) {
        if (line === input.failAt) fail('INTERNAL');
        yield { name: `=mug "${line}"`, quantity: -line, unitPrice: '-1.5000', firedAt: aMug.firedAt, note: null };
      }
    },
    updates: async function* ({ input, ctx, fail }) {
      if (input.failWith === 'now') fail('UNAVAILABLE', { retryAfter: 2 });
      for (let count = 1; count <= input.count; count++) {
        const after = input.lastEventId ?? null;
        yield { id: `e${count}`, data: { type: 'mug.made', mugId: 'm'.repeat(input.padding + 1), after } };
      }
      if (input.failWith === 'later') fail('INTERNAL');
      if (input.open && !ctx.signal.aborted)
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true }));
    },
  },
};
