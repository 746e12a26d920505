import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { compactVerify, CompactSign } from 'jose';
import { z } from 'zod';
import { importKey, lookAgain, rarely, type ImportedKey, type SigningKeys } from './signing-keys.ts';

const part = z.string().regex(/^[\w-]{43}$/, 'must be 32 bytes in base64url');
const common = { kid: z.string().min(1).max(256).optional(), d: part.optional(), use: z.literal('sig').optional() };
const Ed25519 = z.object({ ...common, kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: part });
const P256 = z.object({ ...common, kty: z.literal('EC'), crv: z.literal('P-256'), x: part, y: part });

/** A JSON Web Key Set (RFC 7517) with private parts: the first key signs, the others only check. */
export const SigningKeySet = z.object({
  keys: z
    .array(z.discriminatedUnion('kty', [Ed25519, P256], 'must be an Ed25519 key (OKP) or a P-256 key (EC)'))
    .min(1, 'must hold at least one key')
    .superRefine((keys, context) => {
      if (keys[0] && keys[0].d === undefined)
        context.addIssue({ code: 'custom', path: [0, 'd'], message: 'must be there: the first key signs' });
      const named = keys.flatMap(({ kid }) => kid ?? []);
      if (new Set(named).size < named.length)
        context.addIssue({ code: 'custom', message: 'must have a kid of its own each' });
    }),
});
export type SigningKeySet = z.output<typeof SigningKeySet>;

/** What the operator gave, and the file that it is read from again whenever it changes. */
export interface ConfiguredKeys {
  readonly set: SigningKeySet;
  readonly file: string | null;
}

export interface FollowedKeys extends SigningKeys {
  /** Follows changes of the file; a file that is not valid leaves the keys as they are and is told in the log. */
  follow(log: { error(fields: object, message: string): void }): () => void;
}

const refreshMs = 1000;

/** Keys of the operator's own, instead of those in the database. Throws for one whose parts do not belong together. */
export async function configuredKeys({ set, file }: ConfiguredKeys): Promise<FollowedKeys> {
  let given = set;
  let keys = await importAll(set);
  const look = async (): Promise<void> => {
    if (file === null) return;
    const read = SigningKeySet.parse(JSON.parse(await readFile(file, 'utf8')));
    if (isDeepStrictEqual(read, given)) return;
    keys = await importAll(read);
    given = read;
  };
  const find = (kid: string) => keys.find((key) => key.kid === kid);
  // A file that is half written is no reason to refuse a token otherwise than as unknown.
  const lookOnDemand = rarely(() => look().catch(() => {}), refreshMs);
  return {
    signer() {
      const [first] = keys;
      if (!first?.privateKey) throw new Error('the first of the configured keys has no private part');
      return { ...first, privateKey: first.privateKey };
    },
    find,
    async findAfresh(kid) {
      await lookOnDemand();
      return find(kid);
    },
    published: () => ({ keys: keys.map(({ publicJwk }) => publicJwk) }),
    follow: (log) =>
      lookAgain(look, refreshMs, () =>
        // The parser's own words may quote the file.
        log.error({ file }, 'the file of signing keys is not valid: the keys stay as they are'),
      ),
  };
}

const importAll = (set: SigningKeySet): Promise<ImportedKey[]> =>
  Promise.all(
    set.keys.map(async (jwk, at) => {
      const key = await importKey(withoutUndefined(jwk)).catch(() => null);
      if (key && (await belongTogether(key))) return key;
      throw new Error(`signing key ${at} is no key: its parts do not belong together`);
    }),
  );

async function belongTogether({ privateKey, publicKey, algorithm }: ImportedKey): Promise<boolean> {
  if (!privateKey) return true;
  try {
    const sealed = await new CompactSign(new Uint8Array(1)).setProtectedHeader({ alg: algorithm }).sign(privateKey);
    await compactVerify(sealed, publicKey, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}

const withoutUndefined = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
