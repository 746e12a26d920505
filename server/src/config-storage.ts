import { join } from 'node:path';
import { z } from 'zod';

/** Where uploaded files are kept, and how large they may be. */
export interface FilesConfig {
  /** The folder; with `s3` it is not used. */
  readonly dir: string;
  readonly s3: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  } | null;
  readonly imageMaxBytes: number;
  readonly imageMaxPixels: number;
  /** Bytes that a tenant may keep in all. */
  readonly quotaBytes: number;
  /** A link to a file works for this long, and at most twice as long. */
  readonly linkSeconds: number;
}

const mebibyte = 1024 ** 2;
const most = 10 ** 15 - 1;
interface Readers {
  readonly whole: (min: number, max: number) => z.ZodType<number, string>;
  readonly httpUrl: z.ZodType<string, string>;
}

/** The variables of files. */
export const storageVariables = ({ whole, httpUrl }: Readers) => ({
  OLYMPUS_FILES_DIR: z.string().optional(),
  OLYMPUS_IMAGE_MAX_BYTES: whole(1, most).default(20 * mebibyte),
  OLYMPUS_IMAGE_MAX_PIXELS: whole(1, most).default(50_000_000),
  OLYMPUS_STORAGE_QUOTA_BYTES: whole(1, most).default(10 * 1024 * mebibyte),
  OLYMPUS_FILE_LINK_SECONDS: whole(1, 86_400).default(3600),
  S3_ENDPOINT: httpUrl.optional(),
  S3_BUCKET: z.string().optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
});

const needed = ['S3_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'];

/** What is wrong with the variables together: a bucket needs an address and credentials. */
export function storageFaults(env: NodeJS.ProcessEnv): string[] {
  const isGiven = (name: string) => env[name] !== undefined || env[`${name}_FILE`] !== undefined;
  if (!needed.some(isGiven)) return [];
  return needed.filter((name) => !isGiven(name)).map((name) => `${name} must be set, as files are to be kept in S3`);
}

type Given = z.output<z.ZodObject<ReturnType<typeof storageVariables>>>;

export function readStorage(set: Given, dataDir: string): FilesConfig {
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = set;
  const { S3_ENDPOINT: endpoint, S3_BUCKET: bucket, S3_REGION: region } = set;
  return {
    dir: set.OLYMPUS_FILES_DIR ?? join(dataDir, 'files'),
    s3:
      endpoint && bucket && accessKeyId && secretAccessKey
        ? { endpoint, bucket, region, accessKeyId, secretAccessKey }
        : null,
    imageMaxBytes: set.OLYMPUS_IMAGE_MAX_BYTES,
    imageMaxPixels: set.OLYMPUS_IMAGE_MAX_PIXELS,
    quotaBytes: set.OLYMPUS_STORAGE_QUOTA_BYTES,
    linkSeconds: set.OLYMPUS_FILE_LINK_SECONDS,
  };
}
