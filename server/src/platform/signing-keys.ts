import { calculateJwkThumbprint, importJWK, type CryptoKey, type JWK } from 'jose';

/** The algorithms that tokens are signed with (RFC 8725 §3.2); the kind of a key decides, never a token. */
export type SigningAlgorithm = 'EdDSA' | 'ES256';

export interface SigningKey {
  /** RFC 7638 thumbprint of the public key, where the operator gave it no other name. */
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: CryptoKey;
}
export interface VerificationKey {
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: CryptoKey;
}

/** The keys of access tokens as they stand now: they change while the process runs. */
export interface SigningKeys {
  /** The one that signs from now on until a newer one does. */
  signer(): SigningKey;
  /** The key that checks what `kid` signed; undefined once it is none of ours. */
  find(kid: string): VerificationKey | undefined;
  /** As above, after a look at where the keys come from: at most once a second, whoever asks. */
  findAfresh(kid: string): Promise<VerificationKey | undefined>;
  /** For `/.well-known/jwks.json`: those that sign, will sign, or have signed what is still good. */
  published(): { readonly keys: readonly JWK[] };
}

/** A key that is ready for use. */
export interface ImportedKey extends VerificationKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  /** null where only the public part is known. */
  readonly privateKey: CryptoKey | null;
}

/** Throws for a key that is neither Ed25519 nor P-256. */
export function algorithmOf({ kty, crv }: JWK): SigningAlgorithm {
  if (kty === 'OKP' && crv === 'Ed25519') return 'EdDSA';
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  throw new TypeError('a signing key is Ed25519 or P-256');
}

export async function importKey(jwk: JWK): Promise<ImportedKey> {
  const algorithm = algorithmOf(jwk);
  const { d, crv, x, y } = jwk;
  const bare: JWK = {
    kty: algorithm === 'EdDSA' ? 'OKP' : 'EC',
    ...(crv && { crv }),
    ...(x && { x }),
    ...(y && { y }),
  };
  const kid = jwk.kid ?? (await calculateJwkThumbprint(bare));
  const toKey = async (one: JWK) => (await importJWK(one, algorithm)) as CryptoKey;
  return {
    kid,
    algorithm,
    publicJwk: { ...bare, kid, alg: algorithm, use: 'sig' },
    publicKey: await toKey(bare),
    privateKey: d === undefined ? null : await toKey({ ...bare, d }),
  };
}

/** Runs `work` at most once in `everyMs`; whoever comes while it runs shares it, whoever comes too early gets nothing new. */
export function rarely(work: () => Promise<void>, everyMs: number): () => Promise<void> {
  let running: Promise<void> | null = null;
  let notBefore = 0;
  return () => {
    if (running) return running;
    if (performance.now() < notBefore) return Promise.resolve();
    notBefore = performance.now() + everyMs;
    running = work().finally(() => (running = null));
    return running;
  };
}

/** Repeats `look` every `everyMs` until stopped; one that fails leaves things as they are. */
export function lookAgain(look: () => Promise<void>, everyMs: number, onFault: (error: unknown) => void): () => void {
  let looking = false;
  let stopped = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look()
      .catch((error: unknown) => stopped || onFault(error))
      .finally(() => (looking = false));
  }, everyMs);
  timer.unref();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}
