import { contracts } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Links } from './links.ts';
import { findFile } from './repository.ts';
import type { FileKeeper } from './keeper.ts';

export interface FileDependencies {
  readonly database: Database;
  readonly links: Links;
  readonly keeper: FileKeeper;
  readonly uploads: Handlers<typeof contracts.files.uploads>;
}

export const fileHandlers = ({
  database,
  links,
  keeper,
  uploads,
}: FileDependencies): Handlers<typeof contracts.files> =>
  implement(contracts.files, {
    async get({ input: { id }, ctx, fail }) {
      const row = await findFile(ctx.db, id);
      return row ? keeper.serve(ctx, ctx.principal.tenantId, row) : fail('FILE_NOT_FOUND', { id });
    },
    async open({ input: { link }, ctx, fail }) {
      const sealed = links.open(link);
      if (!sealed) return fail('FILE_LINK_INVALID');
      const row = await findFile(database.tenant(sealed.tenantId), sealed.fileId);
      return row ? keeper.serve(ctx, sealed.tenantId, row) : fail('FILE_NOT_FOUND', { id: sealed.fileId });
    },
    uploads,
  });
