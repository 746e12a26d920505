import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';

/** Links to the bytes of files that work without a credential, for a while: an `<img>` can send none. */
export interface Links {
  /** The address of a file. It stays the same for a whole lifetime, so that browsers may keep the bytes. */
  urlOf(tenantId: string, fileId: string): string;
  /** What a link was sealed for; null when it is forged or its time is over. */
  open(link: string): { tenantId: string; fileId: string } | null;
}

export interface LinksOptions {
  /** Of the installation, the same on all replicas; links use a key derived from it. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
  /** A link works for at least this long, and at most twice as long. */
  readonly lifetimeSeconds: number;
  /** What addresses begin with; empty for ones that are relative to the server. */
  readonly baseUrl: string;
}

const tagBytes = 16;
const bodyBytes = 16 + 16 + 6;

export function createLinks({ secret, clock, lifetimeSeconds, baseUrl }: LinksOptions): Links {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'links to files', 32));
  const tagOf = (body: Buffer) => createHmac('sha256', key).update(body).digest().subarray(0, tagBytes);
  const seconds = () => Math.floor(clock.now().getTime() / 1000);
  return {
    urlOf(tenantId, fileId) {
      const body = Buffer.alloc(bodyBytes);
      body.write(bare(tenantId), 0, 'hex');
      body.write(bare(fileId), 16, 'hex');
      body.writeUIntBE((Math.floor(seconds() / lifetimeSeconds) + 2) * lifetimeSeconds, 32, 6);
      return `${baseUrl}/api/v1/file-links/${Buffer.concat([tagOf(body), body]).toString('base64url')}`;
    },
    open(link) {
      const sealed = Buffer.from(link, 'base64url');
      // A second spelling of the same bytes is no link that was given out.
      if (sealed.length !== tagBytes + bodyBytes || sealed.toString('base64url') !== link) return null;
      const body = sealed.subarray(tagBytes);
      if (!timingSafeEqual(sealed.subarray(0, tagBytes), tagOf(body))) return null;
      if (body.readUIntBE(32, 6) <= seconds()) return null;
      return { tenantId: uuidOf(body.subarray(0, 16)), fileId: uuidOf(body.subarray(16, 32)) };
    },
  };
}

const bare = (uuid: string): string => uuid.replaceAll('-', '');
const uuidOf = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
