import type { SystemDb } from '@olympus/database';
import { Secret, TOTP } from 'otpauth';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Secrets } from '../../platform/secrets.ts';
import {
  confirmFactor,
  deleteFactor,
  findFactor,
  insertFactor,
  replaceRecoveryCodes,
  takeRecoveryCode,
  takeStep,
  type FactorOwner,
} from './second-factor-repository.ts';

/** Time-based one-time passwords of RFC 6238, with recovery codes for who has lost the device. */
export interface SecondFactor {
  /** Makes a secret that counts once it is confirmed; null when one is in use already. */
  enroll(db: SystemDb, owner: FactorOwner, email: string): Promise<{ secret: string; uri: string } | null>;
  /** Turns the factor on by a first code; the recovery codes, or why not. */
  confirm(db: SystemDb, owner: FactorOwner, code: string): Promise<string[] | 'missing' | 'on' | 'wrong'>;
  /** Whether the code is good, which it is only this once. */
  take(db: SystemDb, owner: FactorOwner, code: string): Promise<boolean>;
  /** New recovery codes; the old ones count no longer. */
  renewRecoveryCodes(db: SystemDb, owner: FactorOwner): Promise<string[]>;
  isOn(db: SystemDb, owner: FactorOwner): Promise<boolean>;
  /** Whether there was one that was on. */
  remove(db: SystemDb, owner: FactorOwner): Promise<boolean>;
}

export interface SecondFactorOptions {
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly ids: Ids;
}

const issuer = 'Olympus';
const purpose = 'second factors';
const secretBytes = 20;
/** Steps of 30 s that a device's clock may be off, on either side. */
const window = 1;
const recoveryCodes = 10;

export function createSecondFactor({ secrets, clock, ids }: SecondFactorOptions): SecondFactor {
  const contextOf = ({ tenantId, id }: FactorOwner) => `${tenantId}:${id}`;
  const generatorOf = (secret: Secret, label = '') => new TOTP({ issuer, label, secret });
  const stepOf = (owner: FactorOwner, sealed: string, code: string): number | null => {
    const totp = generatorOf(Secret.fromBase32(secrets.open(purpose, sealed, contextOf(owner))));
    const timestamp = clock.now().getTime();
    const off = totp.validate({ token: code, timestamp, window });
    return off === null ? null : totp.counter({ timestamp }) + off;
  };
  const hashOf = (owner: FactorOwner, code: string) => secrets.mac('recovery codes', `${contextOf(owner)}:${code}`);
  /** 80 bits in base 32, in groups that can be copied by hand. */
  const newRecoveryCode = () => {
    const text = new Secret({ buffer: bytesOf(ids.secret(10)) }).base32.toLowerCase();
    return text.replace(/.{4}(?=.)/g, '$&-');
  };

  const renewRecoveryCodes = async (db: SystemDb, owner: FactorOwner) => {
    const codes = Array.from({ length: recoveryCodes }, newRecoveryCode);
    const hashes = codes.map((code) => hashOf(owner, plain(code)));
    await replaceRecoveryCodes(db, owner, hashes);
    return codes;
  };

  return {
    async enroll(db, owner, email) {
      const secret = new Secret({ buffer: bytesOf(ids.secret(secretBytes)) });
      const sealedSecret = secrets.seal(purpose, secret.base32, contextOf(owner));
      if (!(await insertFactor(db, owner, { sealedSecret, now: clock.now() }))) return null;
      return { secret: secret.base32, uri: generatorOf(secret, email).toString() };
    },
    async confirm(db, owner, given) {
      const factor = await findFactor(db, owner);
      if (!factor) return 'missing';
      if (factor.confirmedAt) return 'on';
      const step = stepOf(owner, factor.sealedSecret, plain(given));
      if (step === null) return 'wrong';
      // Of two confirmations at once only one shows codes that count.
      if (!(await confirmFactor(db, owner, { ...factor, step, now: clock.now() }))) return 'on';
      return renewRecoveryCodes(db, owner);
    },
    renewRecoveryCodes,
    async take(db, owner, given) {
      const code = plain(given);
      if (!/^\d{6}$/.test(code)) return takeRecoveryCode(db, owner, hashOf(owner, code));
      const factor = await findFactor(db, owner);
      const step = factor?.confirmedAt ? stepOf(owner, factor.sealedSecret, code) : null;
      return step !== null && (await takeStep(db, owner, step));
    },
    async isOn(db, owner) {
      const factor = await findFactor(db, owner);
      return factor !== null && factor.confirmedAt !== null;
    },
    remove: deleteFactor,
  };
}

const plain = (code: string): string => code.replace(/[\s-]/g, '').toLowerCase();

function bytesOf(secret: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(secret, 'base64url')).buffer;
}
