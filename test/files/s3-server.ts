import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import S3rver, { type KoaContext } from 's3rver';

/**
 * s3rver keeps the parts of uploads but can neither list nor abort them, without which no resumable upload goes on:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
 */
export function localS3(directory: string): S3rver {
  const server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory });
  // After the ones that log and that write objects as XML.
  server.middleware.splice(2, 0, async (context, next) => {
    const { uploadId } = context.query;
    const bucket = context.path.split('/')[1] ?? '';
    if (uploadId === undefined || !/^[0-9a-f]{32}$/.test(uploadId)) return next();
    const folder = server.store.getResourcePath(bucket, undefined, 'uploads');
    if (context.method === 'GET') return listParts(context, { bucket, uploadId, folder: join(folder, uploadId) });
    if (context.method !== 'DELETE') return next();
    await rm(join(folder, uploadId), { recursive: true, force: true });
    context.status = 204;
  });
  return server;
}

async function listParts(
  context: KoaContext,
  { bucket, uploadId, folder }: { bucket: string; uploadId: string; folder: string },
): Promise<void> {
  const names = await readdir(folder).catch(() => null);
  if (!names) {
    context.status = 404;
    context.body = { Error: { Code: 'NoSuchUpload', Message: 'The specified upload does not exist' } };
    return;
  }
  const numbers = names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  const parts = numbers.map(async (number) => {
    const file = join(folder, String(number));
    const [{ size, mtime }, md5] = await Promise.all([stat(file), readFile(`${file}.md5`, 'utf8')]);
    return { PartNumber: number, LastModified: mtime.toISOString(), ETag: `"${md5}"`, Size: size };
  });
  context.body = {
    ListPartsResult: {
      Bucket: bucket,
      Key: context.path.split('/').slice(2).join('/'),
      UploadId: uploadId,
      IsTruncated: false,
      Part: await Promise.all(parts),
    },
  };
}
