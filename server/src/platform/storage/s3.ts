import { S3, type S3ClientConfig } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { S3Store } from '@tus/s3-store';
import { ERRORS } from '@tus/server';
import { Readable } from 'node:stream';
import { isKey, StorageFull, uploadExtensions, uploadLifetimeMs, type Storage } from './storage.ts';

export interface S3Options {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The smallest parts but the last are 5 MiB by S3's rules; one of these is in memory for each upload. */
const partSize = 8 * 1024 * 1024;
const noRoom = ['XMinioStorageFull', 'InsufficientStorage', 'QuotaExceeded', 'EntityTooLarge'];

/** Keeps bytes in a bucket of S3, or of anything that speaks its protocol. */
export function openS3({ endpoint, bucket, region, accessKeyId, secretAccessKey }: S3Options): Storage {
  const config: S3ClientConfig = {
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    // Buckets as names of hosts need a wildcard certificate, which few others than Amazon have.
    forcePathStyle: true,
    // The newer checksums are unknown to many servers that speak the protocol otherwise.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
  const client = new S3(config);
  const uploads = new S3Uploads(client, { ...config, bucket });
  const place = (key: string) => ({ Bucket: bucket, Key: `files/${named(key)}` });

  return {
    uploads,
    async write(key, bytes) {
      const fault: { cause?: unknown } = {};
      const body = Readable.from(noting(bytes, fault), { objectMode: false });
      try {
        await new Upload({ client, params: { ...place(key), Body: body }, queueSize: 1, partSize }).done();
      } catch (cause) {
        // What the bytes broke off with says more than what the library made of it.
        if ('cause' in fault) throw fault.cause;
        throw noRoom.includes((cause as Error).name) ? new StorageFull('no room', { cause }) : cause;
      } finally {
        body.destroy();
      }
    },
    async read(key, { start, end }) {
      const { Body } = await client.getObject({ ...place(key), Range: `bytes=${start}-${end}` });
      return Body as Readable;
    },
    async remove(key) {
      const { Bucket, Key } = place(key);
      await client.deleteObject({ Bucket, Key });
      // A process that died while it wrote has left parts, which are not seen but paid for.
      for (const UploadId of await begun(client, { Bucket, Key }))
        await client.abortMultipartUpload({ Bucket, Key, UploadId });
    },
    readUpload: (id) => uploads.read(named(id)),
    close: () => client.destroy(),
  };
}

async function begun(client: S3, { Bucket, Key }: { Bucket: string; Key: string }): Promise<string[]> {
  try {
    const { Uploads = [] } = await client.listMultipartUploads({ Bucket, Prefix: Key });
    return Uploads.flatMap((upload) => (upload.Key === Key && upload.UploadId ? [upload.UploadId] : []));
  } catch (cause) {
    if ((cause as Error).name === 'NotImplemented') return [];
    throw cause;
  }
}

function named(key: string): string {
  if (!isKey(key)) throw new Error('not a key of this storage');
  return key;
}

/** Notes what bytes broke off with. */
async function* noting(bytes: AsyncIterable<Uint8Array>, fault: { cause?: unknown }): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    fault.cause = cause;
    throw cause;
  }
}

/** The parts of uploads as S3's own multipart uploads; what is shorter than a part is an object beside them. */
class S3Uploads extends S3Store {
  constructor(client: S3, s3ClientConfig: S3ClientConfig & { bucket: string }) {
    super({ s3ClientConfig, partSize, useTags: false, expirationPeriodInMilliseconds: uploadLifetimeMs });
    this.client.destroy();
    this.client = client;
    this.extensions = uploadExtensions;
  }

  /** Unlike the library's, it also removes an upload that is whole, and the part that is not. */
  override async remove(id: string): Promise<void> {
    await super.remove(named(id)).catch((cause: unknown) => {
      const missing = cause === ERRORS.FILE_NOT_FOUND || (cause as Error).name.startsWith('NoSuch');
      if (!missing) throw cause;
    });
    for (const Key of [id, `${id}.part`, `${id}.info`]) await this.client.deleteObject({ Bucket: this.bucket, Key });
    await this.cache.delete(id);
  }
}
